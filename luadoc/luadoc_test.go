package luadoc

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func loaded(t *testing.T) *API {
	t.Helper()
	api, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func TestSource(t *testing.T) {
	api := loaded(t)
	entries, err := files.ReadDir("api")
	if err != nil || len(entries) != len(order) {
		t.Errorf("%d files in api, %d in the order of the reference (%v)", len(entries), len(order), err)
	}
	seen := map[string]bool{}
	for _, m := range api.Members() {
		if seen[m.Name] {
			t.Errorf("%s is described twice", m.Name)
		}
		seen[m.Name] = true
		if m.Example == "" {
			t.Errorf("%s has no example", m.Name)
		}
	}
}

func TestParse(t *testing.T) {
	const good = "title = 'T'\n[[member]]\nname = 'f'\nclass = 'pure'\ntext = 'x'\n"
	tests := []struct{ name, src, want string }{
		{"good", good, ""},
		{"no title", strings.TrimPrefix(good, "title = 'T'\n"), "needs a title"},
		{"no members", "title = 'T'", "needs a title and members"},
		{"unknown key", good + "colour = 'red'\n", "colour"},
		{"unknown class", strings.Replace(good, "pure", "pur", 1), `unknown class "pur"`},
		{"no text", strings.Replace(good, "'x'", "' '", 1), "needs a name and a text"},
		{"parameter without a type", good + "params = ['a']\n", `"a" is not of the form`},
		{"value with results", good + "type = 'table'\nreturns = ['string']\n", "takes and returns nothing"},
		{"type without a text", good + "[[type]]\nname = 'T'\n", "a type needs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse([]byte(tt.src))
			if tt.want == "" && err == nil {
				return
			}
			if tt.want == "" || err == nil || !strings.Contains(err.Error()+detail(err), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

// detail is the longer text that go-toml's strict error keeps beside its message.
func detail(err error) string {
	if s, ok := err.(interface{ String() string }); ok {
		return s.String()
	}
	return ""
}

func TestParamText(t *testing.T) {
	var p Param
	if err := p.UnmarshalText([]byte("fn?: fun(a: any): string -- called: often")); err != nil {
		t.Fatal(err)
	}
	want := Param{Name: "fn", Type: "fun(a: any): string", Optional: true, Text: "called: often"}
	if d := cmp.Diff(want, p); d != "" {
		t.Error(d)
	}
}

func TestMember(t *testing.T) {
	api := loaded(t)
	for name, want := range map[string]string{
		"alc.llm":     "alc.llm(prompt, opts?) → string",
		"alc.env.get": "alc.env:get(name, default?) → any",
		"alc._dirs":   "alc._dirs: {state: string, cards: string, scenarios: string}",
		"os.exit":     "os.exit(...)",
	} {
		if got := api.Member(name).Signature(); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if m := api.Member("alc.lm"); m != nil {
		t.Errorf("found %s", m.Name)
	}
}

// Every link of the source into the reference leads to a heading of it.
func TestAnchors(t *testing.T) {
	api := loaded(t)
	headings := map[string]bool{}
	for _, th := range api.Themes {
		headings[anchor(th.Title)] = true
	}
	md := api.Markdown()
	links := 0
	for rest := md; ; links++ {
		_, after, ok := strings.Cut(rest, "](#")
		if !ok {
			break
		}
		target, more, _ := strings.Cut(after, ")")
		if !headings[target] {
			t.Errorf("a link to #%s, which is no heading", target)
		}
		rest = more
	}
	if links < len(api.Themes) {
		t.Errorf("only %d links", links)
	}
}
