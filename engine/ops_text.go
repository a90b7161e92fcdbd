package engine

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"github.com/algocline/algocline/value"
)

// textOps are what Lua cannot know of a text: Unicode's tables. Each takes time in proportion to
// the text, as a script's own limits do not hold here; what may take longer is written in Lua.
var textOps = map[string]op{
	"lower": {pure: lower},
	"words": {pure: words},
}

// lower answers a list of texts with the same in lower case, by Unicode's full mapping: a letter
// may become two, and a Greek sigma at the end of a word has its own form.
func lower(_ *Session, a arguments) (value.List, error) {
	c := cases.Lower(language.Und)
	low := &value.Table{}
	for _, s := range a.list(0) {
		low.Seq = append(low.Seq, c.String(s))
	}
	return value.Of(low), nil
}

// words answers a text with what stands between its white space, without the signs around it.
func words(_ *Session, a arguments) (value.List, error) {
	found := &value.Table{}
	for w := range strings.FieldsSeq(a.text(0)) {
		if w = strings.TrimFunc(w, isSign); w != "" {
			found.Seq = append(found.Seq, w)
		}
	}
	return value.Of(found), nil
}

// isSign tells what is neither alphabetic (Unicode's derived property) nor a number.
func isSign(r rune) bool {
	return !unicode.In(r, unicode.L, unicode.N, unicode.Other_Alphabetic, unicode.Other_Lowercase, unicode.Other_Uppercase)
}
