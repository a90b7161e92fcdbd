package luadoc_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/luadoc"
)

var update = flag.Bool("update", false, "write docs/reference/lua.md anew")

const (
	referenceFile   = "../docs/reference/lua.md"
	differencesFile = "../docs/explanation/differences.md"
)

// docs/reference/lua.md is what the source makes of it.
func TestReference(t *testing.T) {
	got := api(t).Markdown()
	if *update {
		if err := os.WriteFile(referenceFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is out of date, run: go test ./luadoc -run TestReference -update (-file +source):\n%s", referenceFile, diff)
	}
}

// snippet is a block of Lua of the reference.
type snippet struct {
	heading, code string
	ctx           string
	answers       []string
	printed       []string
	result        string
}

var (
	block    = regexp.MustCompile("(?s)\n```lua\n(.*?)\n```\n")
	heading  = regexp.MustCompile("(?m)^##+ (.*)$")
	path     = regexp.MustCompile(`^-- packages/(\w+)/init\.lua\n`)
	expected = regexp.MustCompile(`^(.*?)\s*-->\s?(.*)$`)
)

// read takes the snippets and the packages that they use out of a reference.
func read(t *testing.T, md string) (list []snippet, packages map[string]string) {
	t.Helper()
	packages = map[string]string{}
	for _, at := range block.FindAllStringSubmatchIndex(md, -1) {
		code := md[at[2]:at[3]]
		if m := path.FindStringSubmatch(code); m != nil {
			packages[m[1]] = code
			continue
		}
		heads := heading.FindAllStringSubmatch(md[:at[0]], -1)
		s := snippet{heading: strings.Trim(heads[len(heads)-1][1], "`"), code: code}
		for line := range strings.Lines(code) {
			s.line(t, strings.TrimRight(line, "\n"))
		}
		list = append(list, s)
	}
	return list, packages
}

func (s *snippet) line(t *testing.T, line string) {
	t.Helper()
	if ctx, ok := strings.CutPrefix(line, "-- ctx: "); ok {
		s.ctx = ctx
	}
	if list, ok := strings.CutPrefix(line, "-- answers: "); ok {
		if err := json.Unmarshal([]byte(list), &s.answers); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	m := expected.FindStringSubmatch(line)
	switch {
	case m == nil:
	case strings.HasPrefix(m[1], "return"):
		s.result = m[2]
	default:
		s.printed = append(s.printed, squeezed(m[2]))
	}
}

func squeezed(s string) string { return strings.Join(strings.Fields(s), " ") }

// listening runs a snippet as a function and returns what it printed and returned.
const listening = `
local shown, original = {}, print
function print(...)
  local parts = table.pack(...)
  for i = 1, parts.n do parts[i] = tostring(parts[i]) end
  shown[#shown + 1] = table.concat(parts, "\t")
  original(...)
end
local function snippet()
%s
end
return { result = snippet(), shown = shown }
`

// Every example of the documentation does what its comments say, in a live session.
func TestSnippets(t *testing.T) {
	t.Parallel()
	for file, least := range map[string]int{referenceFile: 200, differencesFile: 6} {
		md, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list, packages := read(t, string(md))
		if len(list) < least {
			t.Fatalf("%s: found only %d snippets", file, len(list))
		}
		playAll(t, list, sessions(t, packages))
	}
}

func playAll(t *testing.T, list []snippet, home home) {
	for _, s := range list {
		t.Run(s.heading, func(t *testing.T) {
			var got struct {
				Shown  any
				Result any
			}
			if strings.HasPrefix(s.code, luadoc.SpecMark+"\n") {
				runSpec(t, s.code)
				return
			}
			out := run(t, home, fmt.Sprintf(listening, s.code), s.ctx, s.answers...)
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			var printed []string
			shown, _ := got.Shown.([]any) // an empty table is an object
			for _, line := range shown {
				printed = append(printed, squeezed(line.(string)))
			}
			if d := cmp.Diff(s.printed, printed); d != "" {
				t.Errorf("printed (-documented +got):\n%s", d)
			}
			if s.result == "" {
				return
			}
			var want any
			if err := json.Unmarshal([]byte(s.result), &want); err != nil {
				t.Fatalf("%s: %v", s.result, err)
			}
			if d := cmp.Diff(want, got.Result); d != "" {
				t.Errorf("returned (-documented +got):\n%s", d)
			}
		})
	}
}
