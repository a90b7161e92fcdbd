package engine

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// answer runs a script over a ctx and decodes its result.
func answer(t *testing.T, code string, ctx, result any) {
	t.Helper()
	js, err := json.Marshal(ctx)
	if err != nil {
		t.Fatal(err)
	}
	st := start(code)
	st.Ctx = js
	s, err := Begin(t.Context(), newMemHost(), testVMs(), st)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	o := s.Outcome()
	if o.Failure != nil {
		t.Fatalf("%s: %s", o.Failure.Code, o.Failure.Message)
	}
	if err := json.Unmarshal(o.Output, result); err != nil {
		t.Fatalf("%s: %v", o.Output, err)
	}
}

// valid makes a text that a ctx can carry.
func valid(s string) string { return strings.ToValidUTF8(s, "?") }

// chunks is alc.chunk over a list of units, as the specification words it.
func chunks(units []string, glue string, size, overlap int) []string {
	out := []string{}
	if size == 0 {
		return out
	}
	step := max(size-overlap, 1)
	for from := 0; from < len(units); from += step {
		to := min(from+size, len(units))
		out = append(out, strings.Join(units[from:to], glue))
		if to == len(units) {
			break
		}
	}
	return out
}

func lines(s string) []string {
	var out []string
	for l := range strings.Lines(s) {
		l, ended := strings.CutSuffix(l, "\n")
		if ended {
			l = strings.TrimSuffix(l, "\r")
		}
		out = append(out, l)
	}
	return out
}

func FuzzChunk(f *testing.F) {
	f.Add("a\r\nb\n\nc", uint8(2), uint8(1))
	f.Add("é😀\r", uint8(1), uint8(9))
	f.Add("", uint8(0), uint8(0))
	f.Fuzz(func(t *testing.T, text string, size, overlap uint8) {
		text = valid(text)
		var got struct{ Lines, Chars []string }
		answer(t, `
local function cut(mode) return alc.chunk(ctx.text, { mode = mode, size = ctx.size, overlap = ctx.overlap }) end
return { Lines = cut("lines"), Chars = cut("chars") }`, map[string]any{"text": text, "size": size, "overlap": overlap}, &got)
		want := got
		want.Lines = chunks(lines(text), "\n", int(size), int(overlap))
		want.Chars = chunks(strings.Split(text, ""), "", int(size), int(overlap))
		if text == "" {
			want.Chars = []string{}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("chunks of %q (-want +got):\n%s", text, d)
		}
	})
}

// similarity is Jaro-Winkler's, as the specification words it.
func similarity(x, y string) float64 {
	a, b := []rune(x), []rune(y)
	window := max(max(len(a), len(b))/2-1, 0)
	used := make([]bool, len(b))
	var left, right []rune
	for i, c := range a {
		for j := max(0, i-window); j < min(len(b), i+window+1); j++ {
			if !used[j] && b[j] == c {
				used[j] = true
				left = append(left, c)
				break
			}
		}
	}
	for j, c := range b {
		if used[j] {
			right = append(right, c)
		}
	}
	if len(left) == 0 {
		return 0
	}
	differ := 0
	for i := range left {
		if left[i] != right[i] {
			differ++
		}
	}
	m := float64(len(left))
	jaro := (m/float64(len(a)) + m/float64(len(b)) + (m-float64(differ/2))/m) / 3
	if jaro <= 0.7 {
		return jaro
	}
	prefix := 0
	for prefix < min(4, len(a), len(b)) && a[prefix] == b[prefix] {
		prefix++
	}
	return jaro + 0.1*float64(prefix)*(1-jaro)
}

// matched is the index of what alc.match_enum finds, or -1.
func matched(text string, candidates []string, threshold float64) int {
	low := cases.Lower(language.Und)
	text = low.String(text)
	found, at := -1, -1
	for i, c := range candidates {
		candidates[i] = low.String(c)
		if p := strings.LastIndex(text, candidates[i]); p > at {
			found, at = i, p
		}
	}
	if found >= 0 {
		return found
	}
	best := 0.0
	for _, word := range strings.FieldsFunc(text, unicode.IsSpace) {
		word = strings.TrimFunc(word, isSign)
		if word == "" {
			continue
		}
		for i, c := range candidates {
			if s := similarity(word, c); s >= threshold && (found < 0 || s > best) {
				found, best = i, s
			}
		}
	}
	return found
}

func FuzzMatchEnum(f *testing.F) {
	f.Add("it was aproved", "approved", "rejected", uint8(70))
	f.Add("«ΟΔΟΣ» blu", "οδός", "blue", uint8(50))
	f.Add("yes", "", "YES", uint8(0))
	f.Fuzz(func(t *testing.T, text, a, b string, percent uint8) {
		text, a, b = valid(text), valid(a), valid(b)
		threshold := float64(percent) / 100
		var got int
		answer(t, `
local found = alc.match_enum(ctx.text, ctx.candidates, { threshold = ctx.threshold })
if not found then return -1 end
return found == ctx.candidates[1] and 0 or 1`, map[string]any{"text": text, "candidates": []string{a, b}, "threshold": threshold}, &got)
		want := matched(text, []string{a, b}, threshold)
		if a == b && want == 1 {
			want = 0
		}
		if got != want {
			t.Errorf("match_enum of %q with %q and %q from %g: %d, want %d", text, a, b, threshold, got, want)
		}
	})
}

// FuzzMatchBool compares with a search for each word on its own.
func FuzzMatchBool(f *testing.F) {
	f.Add("not ok")
	f.Add("yes_no, 1no o\u212a")
	f.Fuzz(func(t *testing.T, text string) {
		text = valid(text)
		var got string
		answer(t, `return tostring(alc.match_bool(ctx.text))`, map[string]any{"text": text}, &got)
		if want := verdict(cases.Lower(language.Und).String(text)); got != want {
			t.Errorf("match_bool of %q: %s, want %s", text, got, want)
		}
	})
}

func verdict(text string) string {
	found, last := "nil", -1
	inWord := func(i int) bool {
		return i >= 0 && i < len(text) && text[i] < 0x80 && (unicode.IsLetter(rune(text[i])) || unicode.IsDigit(rune(text[i])))
	}
	for word, says := range map[string]string{
		"approved": "true", "yes": "true", "ok": "true", "accept": "true", "pass": "true", "confirm": "true", "agree": "true", "true": "true", "lgtm": "true",
		"rejected": "false", "no": "false", "deny": "false", "block": "false", "fail": "false", "refuse": "false", "disagree": "false", "false": "false",
	} {
		for i := range text {
			if strings.HasPrefix(text[i:], word) && !inWord(i-1) && !inWord(i+len(word)) && i > last {
				found, last = says, i
			}
		}
	}
	return found
}

// FuzzJSONExtract compares with the plain way to say it, by patterns, which is slow on texts full
// of brackets.
func FuzzJSONExtract(f *testing.F) {
	for _, s := range []string{
		"{\"a\": 1}", "x [1] ```json\n{}``` {", "{{{}", "}{\"a\":\"}\"}[[1],", "``````[1]```{\"z\":1}", "{ note {\"a\": [1, 2]} }", "[1]]{\"a\":{\"b\":[]}}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		var got struct{ Ours, Plain string }
		answer(t, `
local function decoded(s)
  local ok, v = pcall(alc.json_decode, s)
  return ok and type(v) == "table" and v or nil
end
local function plain(raw)
  local block = raw:match("`+"```json(.-)```"+`") or raw:match("`+"```(.-)```"+`")
  local v = decoded(raw) or block and decoded(block)
  for _, group in ipairs { "%b{}", "%b[]" } do
    for g in raw:gmatch(group) do v = v or decoded(g) end
  end
  return v
end
return { Ours = alc.json_encode(alc.json_extract(ctx.text)), Plain = alc.json_encode(plain(ctx.text)) }`, map[string]any{"text": valid(text)}, &got)
		if got.Ours != got.Plain {
			t.Errorf("json_extract of %q: %s, want %s", text, got.Ours, got.Plain)
		}
	})
}
