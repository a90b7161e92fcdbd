package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/algocline/algocline/internal/rawmcp"
)

// random makes the arguments of calls, as Lua source.
type random struct{ *rand.Rand }

func (r random) one(of ...string) string { return of[r.IntN(len(of))] }

// text joins up to n of the given pieces and quotes them for Lua.
func (r random) text(n int, pieces ...string) string {
	var b strings.Builder
	for range r.IntN(n + 1) {
		b.WriteString(r.one(pieces...))
	}
	return luaQuote(b.String())
}

func (r random) list(n int, element func() string) string {
	var es []string
	for range r.IntN(n + 1) {
		es = append(es, element())
	}
	return "{" + strings.Join(es, ", ") + "}"
}

// tree is a nested table of few keys.
func (r random) tree(depth int) string {
	var es []string
	for _, k := range []string{"a", "b", "_schema"} {
		switch r.IntN(6) {
		case 0, 1:
			es = append(es, k+" = "+r.one("1", "'x'", "false", "{1, 2}", "{}"))
		case 2, 3:
			if depth > 0 {
				es = append(es, k+" = "+r.tree(depth-1))
			}
		}
	}
	return "{" + strings.Join(es, ", ") + "}"
}

func luaQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		if c := s[i]; c < 32 || c > 126 || c == '"' || c == '\\' {
			fmt.Fprintf(&b, "\\%03d", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String() + `"`
}

// pureCalls makes calls of pure functions, in each case an expression list of function and
// arguments.
var pureCalls = map[string]func(r random) string{
	"chunk": func(r random) string {
		text := r.text(12, "a", "é", "😀", "\n", "\r\n", "\r", " ", "b\n")
		number := func() string {
			return r.one("nil", "0", "1", "2", "3.0", "2.7", "-1", "'2'", "'x'", "{}", "true", "1e300", "0/0")
		}
		return fmt.Sprintf("alc.chunk, %s, {mode = %s, size = %s, overlap = %s}", text, r.one("nil", "'chars'", "'lines'", "'x'", "5"), number(), number())
	},
	"match_enum": func(r random) string {
		word := func() string { return r.text(6, "a", "b", "c", "B", "é", "É", "Σ", "ab", "İ", " ") }
		text := r.text(14, "a", "b", "c", "A", "é", "É", "Σ", " ", ".", "\u00a0", "*", "1", "ab ", "ß")
		return fmt.Sprintf("alc.match_enum, %s, %s, {threshold = %s}", text, r.list(4, word), r.one("nil", "0", "0.5", "0.8", "'0.6'", "2", "{}"))
	},
	"match_enum of words alike": func(r random) string {
		word := func() string { return r.text(9, "a", "b", "c", "d", "a", "b") }
		return fmt.Sprintf("alc.match_enum, %s .. ' ' .. %s, {%s, %s}, {threshold = %.2f}", word(), word(), word(), word(), r.Float64())
	},
	"match_enum of any letters": func(r random) string {
		var text, other strings.Builder
		for range 1 + r.IntN(4) {
			c := rune(r.IntN(0x1f000))
			if r.IntN(2) == 0 {
				c = rune(r.IntN(0x2200))
			}
			// A sigma behind modifier letters alone ends a word for Unicode and for us, not for the original.
			if !utf8.ValidRune(c) || c == 0 || unicode.Is(unicode.Lm, c) {
				c = 'Σ'
			}
			text.WriteRune(c)
			other.WriteRune([]rune{unicode.ToUpper(c), unicode.ToLower(c), unicode.ToTitle(c), c}[r.IntN(4)])
		}
		return fmt.Sprintf("alc.match_enum, %s, {%s, %s}, {threshold = %s}", luaQuote(text.String()), luaQuote(other.String()),
			luaQuote(other.String()[len(string([]rune(other.String())[0])):]), r.one("0.5", "0.9", "2"))
	},
	"match_bool": func(r random) string {
		return "alc.match_bool, " + r.text(6, "yes", "No", "not ", "ok", "o\u212a", " ", ".", "_", "é", "1", "FAIL", "true", "\n", "pass", "İ", "-")
	},
	"fingerprint": func(r random) string {
		return "alc.fingerprint, " + r.text(9, "a", "B", "É", " ", "\t", "\n", "\v", "\u00a0", "\x00", "\xff", "zz")
	},
	"parse_score": func(r random) string {
		return "alc.parse_score, " + r.text(5, "1", "0", "7", ".", "-", " ", "x", "/10", "%") + ", " + r.one("nil", "false", "3", "99", "'d'")
	},
	"parse_number": func(r random) string {
		return "alc.parse_number, " + r.text(7, "1", "0", "7", ".", "-", " ", "x", "e", ",", "0x") + ", " +
			r.one("nil", "false", "'(%d+)'", "'%d+x'", "'x(%d)(%d)'", "'()x'", "'('", "'%S+'", "''", "5")
	},
	"json_extract": func(r random) string {
		return "alc.json_extract, " + r.text(9, "{", "}", "[", "]", `"a":`, "1", ",", "```json\n", "```", "\n", `"}"`, "null", `{"k":1}`, "[2]", "x ")
	},
	"vote": func(r random) string {
		return "alc.vote, " + r.list(6, func() string { return r.one("' a'", "'a\\n'", "'b'", "1", "1.0", "'1'", "true", "''", "'\\0'") })
	},
	"fmt": func(r random) string {
		spec := func() string {
			return "%" + r.one("", "", "", "5", "-6", "05", "+", ".2", "10.3", "#") + r.one("d", "i", "x", "X", "o", "u", "c", "s", "f", "g", "q", "%", "a")
		}
		arg := func() string {
			return r.one("1", "65", "1.5", "-2.5", "0/0", "1/0", "-1/0", "'7'", "' 8.5 '", "'x'", "nil", "true", "2^53", "1e300", "'0x1F'")
		}
		return fmt.Sprintf("alc.fmt, %s, %s, %s", luaQuote(spec()+" "+r.one("", spec())+"|"), arg(), arg())
	},
	"tuning": func(r random) string {
		return fmt.Sprintf("alc.tuning, %s, %s, {prefix = %s}", r.tree(2), r.tree(3), r.one("nil", "'a'", "'b'", "'z'"))
	},
	"map": func(r random) string {
		items := r.list(4, func() string { return r.one("1", "'x'", "nil", "false", "0") })
		return r.one("alc.map, ", "alc.filter, ", "alc.reduce, ") + items + ", " +
			r.one("function(a, b) return b end", "function(a) return a end", "function(a, b, c) return c or b end", "function(a) return not a end")
	},
}

// Where we choose to differ: the reference's answer is not what the specification wants.
func differsByChoice(name, call string, reference string) bool {
	// A flag beside "-" with NaN or an infinity: the reference raises.
	return name == "fmt" && reference == "error" && (strings.Contains(call, "/0"))
}

const comparing = `
local out = {}
local function try(...)
  local function keep(ok, a, b)
    local encoded, json = pcall(alc.json_encode, {a = a, b = b})
    out[#out + 1] = not ok and "error" or encoded and json or "not UTF-8"
  end
  keep(pcall(...))
end
`

// reference starts the original, version 0.51.0, which ALC_REFERENCE names; without it the test is
// skipped. Another ALC_REFERENCE_SEED makes other arguments.
func reference(t *testing.T) (*rawmcp.Client, random) {
	t.Helper()
	binary := os.Getenv("ALC_REFERENCE")
	if binary == "" {
		t.Skip("set ALC_REFERENCE to the binary of the original, version 0.51.0, to compare with it")
	}
	seed, err := strconv.ParseUint(os.Getenv("ALC_REFERENCE_SEED"), 10, 64)
	if err != nil {
		seed = 1
	}
	home := t.TempDir()
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), "ALC_HOME="+home, "HOME="+home)
	cmd.Dir = home
	c, err := rawmcp.Start(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, random{rand.New(rand.NewPCG(seed, 0))}
}

// The pure functions answer random arguments as the original does.
func TestAgainstReference(t *testing.T) {
	c, r := reference(t)
	for _, name := range slices.Sorted(maps.Keys(pureCalls)) {
		t.Run(name, func(t *testing.T) {
			for range 20 {
				var calls []string
				for range 100 {
					calls = append(calls, pureCalls[name](r))
				}
				code := comparing + "try(" + strings.Join(calls, ")\ntry(") + ")\nreturn out"
				compare(t, c, name, calls, code)
			}
		})
	}
}

func compare(t *testing.T, c *rawmcp.Client, name string, calls []string, code string) {
	t.Helper()
	compareStart(t, c, name, calls, start(code))
}

// compareStart runs the code of a start in both, and compares what its calls gave.
func compareStart(t *testing.T, c *rawmcp.Client, name string, calls []string, st Start) {
	t.Helper()
	var theirs struct {
		Status, Error string
		Result        []string
	}
	if err := c.Tool(t.Context(), "alc_run", map[string]any{"code": string(st.Code)}, &theirs); err != nil || theirs.Status != "completed" {
		t.Fatalf("the reference: %v %+v", err, theirs)
	}
	o := begin(t, newMemHost(), st).Outcome()
	var ours []string
	if err := json.Unmarshal(o.Output, &ours); err != nil {
		t.Fatalf("%v: %+v", err, o.Failure)
	}
	for i, call := range calls {
		if ours[i] != theirs.Result[i] && !differsByChoice(name, call, theirs.Result[i]) {
			t.Errorf("%s\nours      %s\nreference %s", call, ours[i], theirs.Result[i])
		}
	}
}
