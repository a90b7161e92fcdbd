package luadoc

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Markdown writes the reference: a section a theme, an entry a member, each with its example.
func (a *API) Markdown() string {
	var b strings.Builder
	b.WriteString(preface)
	for i := range a.Themes {
		fmt.Fprintf(&b, "- [%s](#%s)\n", a.Themes[i].Title, anchor(a.Themes[i].Title))
	}
	for i := range a.Themes {
		a.Themes[i].markdown(&b)
	}
	return b.String()
}

const preface = "# The Lua API\n\n" +
	"What a strategy finds in its VM beyond plain Lua 5.4. Made from the files in `luadoc/api/`, from which\n" +
	"`alc types` makes definitions for editors, too.\n\n" +
	"Each function is of one class, which tells what a replay does with it:\n\n" +
	"| class | a call | in a replay |\n| --- | --- | --- |\n" +
	"| pure | is computed from its arguments | is computed again |\n" +
	"| read | reads the world: time, state, files | gets the recorded value |\n" +
	"| effect | changes the world | is not made again |\n" +
	"| ask | asks the model; the script pauses | gets the recorded answers |\n" +
	"| composite | runs other functions, or yours | runs them again |\n" +
	"| refused | is not allowed in a session | – |\n\n" +
	"A parameter with `?` may be left out. In examples, `-->` tells what a line prints or returns. A first line\n" +
	"`-- ctx:` is the session's ctx, `-- answers:` are what the model says, in turn, and `" + SpecMark + "` means that the\n" +
	"rest is one.\n\n"

// SpecMark is the first line of an example that is a spec file.
const SpecMark = "-- a spec file"

func (t *Theme) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n", t.Title, strings.TrimSpace(t.Text))
	for _, name := range slices.Sorted(maps.Keys(t.Packages)) {
		fmt.Fprintf(b, "\nExamples here use this package:\n\n```lua\n-- packages/%s/init.lua\n%s\n```\n", name, strings.TrimSpace(t.Packages[name]))
	}
	for i := range t.Members {
		t.Members[i].markdown(b)
	}
	for _, typ := range t.Types {
		typ.markdown(b)
	}
}

func (m *Member) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n### `%s`\n\n*%s*%s", m.Signature(), m.Class, grantNote(m.Grant))
	fmt.Fprintf(b, "\n\n%s\n", strings.TrimSpace(m.Text))
	var list []string
	for _, p := range m.Params {
		list = append(list, fmt.Sprintf("`%s`: %s", p.declared(), described(p.Type, p.Text)))
	}
	for _, r := range m.Returns {
		list = append(list, "returns "+described(r.Type, r.Text))
	}
	for _, call := range m.Overloads {
		list = append(list, "or `"+call+"`")
	}
	for _, e := range m.Errors {
		list = append(list, "raises: "+e)
	}
	if len(list) > 0 {
		fmt.Fprintf(b, "\n- %s\n", strings.Join(list, "\n- "))
	}
	if m.Example != "" {
		fmt.Fprintf(b, "\n```lua\n%s\n```\n", m.example())
	}
}

func grantNote(grant string) string {
	if grant == "" {
		return ""
	}
	return ", needs the grant `" + grant + "`"
}

func (p Param) declared() string {
	if p.Optional {
		return p.Name + "?"
	}
	return p.Name
}

func described(typ, text string) string {
	if text == "" {
		return "`" + typ + "`"
	}
	return "`" + typ + "`, " + text
}

// example is the member's snippet under the lines that say how it is run.
func (m *Member) example() string {
	var head string
	if m.Spec {
		head = SpecMark + "\n"
	}
	if m.Ctx != "" {
		head = "-- ctx: " + m.Ctx + "\n"
	}
	if len(m.Answers) > 0 {
		quoted, err := json.Marshal(m.Answers)
		if err == nil { // texts always encode
			head += "-- answers: " + string(quoted) + "\n"
		}
	}
	return head + strings.TrimSpace(m.Example)
}

func (t Type) markdown(b *strings.Builder) {
	name, _, _ := strings.Cut(t.Name, " ")
	fmt.Fprintf(b, "\n#### type `%s`\n\n%s\n", name, strings.TrimSpace(t.Text))
	if t.Call != "" {
		fmt.Fprintf(b, "\nCalled, it is a `%s`.\n", t.Call)
	}
	if len(t.Fields) == 0 {
		return
	}
	b.WriteString("\n| field | type | meaning |\n| --- | --- | --- |\n")
	for _, f := range t.Fields {
		fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", f.declared(), escapeCell(f.Type), cmp.Or(escapeCell(f.Text), " "))
	}
}

func escapeCell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// anchor is what a heading's link is made of: lower case, spaces as dashes, no other signs.
func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, title)
}
