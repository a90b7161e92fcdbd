package engine

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"github.com/algocline/algocline/value"
)

// textOps are what Lua cannot know of a text: Unicode's tables. Each takes time and memory in
// proportion to the text, as a script's own limits do not hold here; what may take more is
// written in Lua.
var textOps = map[string]op{
	"lower":   {pure: lower},
	"classes": {pure: classes},
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

// classes answers a text with another of the same length in bytes, which says of each character
// whether it is white space (" "), a sign (".") or part of a word ("w").
func classes(_ *Session, a arguments) (value.List, error) {
	text := a.text(0)
	out := make([]byte, len(text))
	for i, r := range text {
		c := byte('w')
		if unicode.IsSpace(r) {
			c = ' '
		} else if isSign(r) {
			c = '.'
		}
		for j := range utf8.RuneLen(r) {
			out[i+j] = c
		}
	}
	return value.Of(out), nil
}

// isSign tells what is neither alphabetic (Unicode's derived property) nor a number.
func isSign(r rune) bool {
	return !unicode.In(r, unicode.L, unicode.N, unicode.Other_Alphabetic, unicode.Other_Lowercase, unicode.Other_Uppercase)
}
