package lua

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/algocline/algocline/value"
	"github.com/google/go-cmp/cmp"
)

func TestJSONEncode(t *testing.T) {
	for _, c := range []struct{ lua, want string }{
		{`nil`, `null`}, {``, `null`}, {`true`, `true`}, {`false`, `false`},
		{`3`, `3`}, {`-42`, `-42`}, {`math.maxinteger`, `9223372036854775807`}, {`math.mininteger`, `-9223372036854775808`},
		{`{1.0, -0.0, 100.0, 2^53, 1e15}`, `[1.0,-0.0,100.0,9007199254740992.0,1000000000000000.0]`},
		{`{1e16, 1e21, 1e100, 2^63, 1e-5, 1e-6, 1e-7, 9.99e-6, 1.5e16}`, `[1e+16,1e+21,1e+100,9.223372036854776e+18,0.00001,1e-6,1e-7,9.99e-6,1.5e+16]`},
		{`{0.1, 123456.789, 5e-324, 1.7976931348623157e308, 1/3}`, `[0.1,123456.789,5e-324,1.7976931348623157e+308,0.3333333333333333]`},
		{`{0/0, 1/0, -1/0}`, `[null,null,null]`},
		{`"\0\8\9\10\11\12\13\31/\"\\"`, `"\u0000\b\t\n\u000b\f\r\u001f/\"\\"`},
		{`"é \u{2028} \u{10FFFF} \127"`, "\"é \u2028 \U0010FFFF \x7f\""},
		{`{}`, `{}`}, {`{{}}`, `[{}]`}, {`sys.array{}`, `[]`}, {`{a = {}, b = {{}, {}}}`, `{"a":{},"b":[{},{}]}`},
		{`{1, 2, x = 3}`, `[1,2]`}, {`{1, nil, 3}`, `[1,null,3]`}, {`{nil, nil, 3}`, `[null,null,3]`},
		{`sys.array{1, x = print}`, `[1]`},
		{`{b = 1, a = 2, B = 3, ["10"] = 4, ["9"] = 5, [""] = 6, ["a b"] = 7, abcdefghi = 8, abcdefgh = 9}`,
			`{"":6,"10":4,"9":5,"B":3,"a":2,"a b":7,"abcdefgh":9,"abcdefghi":8,"b":1}`},
		{`setmetatable({a = 1}, {__index = {b = 2}, __len = function() return 9 end, __pairs = error})`, `{"a":1}`},
		{`(function() local x = {1} return {a = x, b = x} end)()`, `{"a":[1],"b":[1]}`},
	} {
		if diff := cmp.Diff([]any{c.want}, run(t, "local sys = ... return sys.json_encode("+c.lua+")")); diff != "" {
			t.Errorf("%s: %s", c.lua, diff)
		}
	}
}

func TestJSONEncodeErrors(t *testing.T) {
	for _, c := range []struct{ lua, want string }{
		{`next`, "unsupported value type function"},
		{`{f = coroutine.create(next)}`, "unsupported value type thread"},
		{`{[2] = "a"}`, "invalid type: integer `2`, expected a string key"},
		{`{[1.5] = 1}`, "invalid type: floating point `1.5`, expected a string key"},
		{`{[true] = 1}`, "invalid type: boolean `true`, expected a string key"},
		{`"\xff"`, "not valid UTF-8"}, {`"\xed\xa0\x80"`, "not valid UTF-8"}, {`{["\xc0\x80"] = 1}`, "not valid UTF-8"},
		{`(function() local t = {} t.me = t return t end)()`, "recursive table"},
		{`(function() local a, b = {}, {} a[1] = b b[1] = {a} return {x = a} end)()`, "recursive table"},
		{`(function() local t = {} for i = 1, 30000 do t = {t} end return t end)()`, "nested more than 20000 deep"},
	} {
		got := run(t, "local sys = ... return pcall(sys.json_encode, "+c.lua+")")
		if message, _ := got[1].(string); got[0] != false || !strings.Contains(message, c.want) {
			t.Errorf("%s: %v, want %q", c.lua, got, c.want)
		}
	}
}

func TestJSONDeepTables(t *testing.T) {
	got := run(t, `local sys = ...
		local t = {} for i = 1, 15000 do t = i % 2 == 0 and {t} or {x = t} end
		local big = {} for i = 1, 5000 do big["key" .. i * 7919 % 5003] = i end
		local s = sys.json_encode(big)
		return #sys.json_encode(t), sys.json_encode(sys.json_decode(s)) == s`)
	if diff := cmp.Diff([]any{int64(7500*2 + 7500*6 + 2), true}, got); diff != "" {
		t.Error(diff)
	}
}

func TestJSONDecode(t *testing.T) {
	array := func(vs ...any) *value.Table { return &value.Table{Array: true, Seq: vs} }
	for _, c := range []struct {
		text string
		want any
	}{
		{`null`, nil}, {` true `, true}, {`false`, false}, {"\t\n\r \"x\"", "x"},
		{`1`, int64(1)}, {`-7`, int64(-7)}, {`0`, int64(0)}, {`1.0`, 1.0}, {`1e3`, 1000.0}, {`2E-2`, 0.02}, {`-0`, math.Copysign(0, -1)},
		{`9223372036854775807`, int64(math.MaxInt64)}, {`9223372036854775808`, 9223372036854775808.0},
		{`-9223372036854775808`, int64(math.MinInt64)}, {`-9223372036854775809`, -9223372036854775809.0},
		{`1e-400`, 0.0}, {`123456789012345678901234567890`, 123456789012345678901234567890.0},
		{`0.1`, 0.1}, {`4.35`, 4.35}, {`1.7976931348623157e308`, math.MaxFloat64}, {`5e-324`, 5e-324}, {`2.2250738585072011e-308`, 2.2250738585072011e-308},
		{`"\"\\\/\b\f\n\r\t\u0041\u00e9\u2028"`, "\"\\/\b\f\n\r\tAé\u2028"}, {`"\ud83d\ude00"`, "😀"}, {`"a\u0000b"`, "a\x00b"},
		{`[]`, array()}, {`[1,null,3]`, array(int64(1), nil, int64(3))}, {`[1,null]`, array(int64(1))}, {`[null]`, array()},
		{`{}`, &value.Table{}}, {`{"a":null}`, &value.Table{}}, {`{"a":1,"a":2}`, &value.Table{Keys: []any{"a"}, Vals: []any{int64(2)}}},
		{`{"a":1,"a":null}`, &value.Table{}},
		{` { "a" : [ 1 , { } ] } `, &value.Table{Keys: []any{"a"}, Vals: []any{array(int64(1), &value.Table{})}}},
	} {
		s := open(t, `local sys, text = ... return sys.json_decode(text)`, Options{})
		got := finish(t, s, c.text)
		if !cmp.Equal([]any{c.want}, got) || math.Signbit(asFloat(c.want)) != math.Signbit(asFloat(got[0])) {
			t.Errorf("%s: %#v, want %#v", c.text, got[0], c.want)
		}
	}
}

func asFloat(v any) float64 { f, _ := v.(float64); return f }

func TestJSONDecodeErrors(t *testing.T) {
	for _, text := range []string{"", "  ", "nul", "[1,]", `{"a":1,}`, "{a:1}", "'a'", "01", "+1", ".5", "1.", "1e", "1e+", "[1 2]",
		"NaN", "Infinity", "-", "[", "]", `{"a"}`, "{1:2}", `"abc`, `"\x"`, `"\u12"`, "[1] x", "{}{}", "1,2", "\"\x01\"", "\"\xff\"",
		"\"\xed\xa0\x80\"", `"\ud800"`, `"\udc00"`, `"\ud83dx"`, `"\ud83d\u0041"`, "1e400", "-1e999", "tru", "[1,,2]", "[,1]", "{,}", "\"\\",
		strings.Repeat("[", 128) + strings.Repeat("]", 128), strings.Repeat("[", 100000), strings.Repeat(`{"a":`, 200)} {
		s := open(t, `local sys, text = ... return pcall(sys.json_decode, text)`, Options{})
		got := finish(t, s, text)
		if message, _ := got[1].(string); got[0] != false || !strings.Contains(message, "json_decode: ") || !strings.Contains(message, "at byte ") {
			t.Errorf("%.40q: %v", text, got)
		}
	}
	got := run(t, `local sys = ... return sys.json_decode(12), sys.json_decode(1.5), (pcall(sys.json_decode)), (pcall(sys.json_decode, {})), (pcall(sys.json_decode, true)),
		(pcall(sys.json_decode, ("["):rep(127) .. ("]"):rep(127)))`)
	if diff := cmp.Diff([]any{int64(12), 1.5, false, false, false, true}, got); diff != "" {
		t.Error(diff)
	}
}

func TestJSONArrays(t *testing.T) {
	got := run(t, `local sys = ...
		local a = sys.json_decode("[1,null,3]")
		local e = sys.json_decode("[1,2]") e[2] = nil e[1] = nil
		local nulls = sys.json_decode("[" .. ("null,"):rep(999) .. "7]")
		return #a, getmetatable(a), pcall(setmetatable, a, {}), sys.json_encode(e), #nulls, nulls[1000]`)
	want := []any{int64(3), false, false}
	if diff := cmp.Diff(want, got[:3]); diff != "" {
		t.Error(diff)
	}
}

// Floats get the shortest digits that read back the same, as Go's own printer has them.
func TestJSONFloatsAreShortest(t *testing.T) {
	const batch = 20000
	r := rand.New(rand.NewPCG(1, 2))
	in := &value.Table{Array: true}
	var want []string
	add := func(f float64) {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return
		}
		in.Seq = append(in.Seq, f)
		want = append(want, strconv.FormatFloat(f, 'e', -1, 64))
	}
	for range batch {
		add(math.Float64frombits(r.Uint64()))
		add(float64(r.Uint64N(1 << 53)))
		add(math.Round(r.Float64()*1e6) / 1e3)
	}
	for e := -1074; e <= 1023; e++ {
		f := math.Ldexp(1, e)
		add(f)
		add(math.Nextafter(f, 0))
		add(math.Nextafter(f, 2*f))
	}
	s := open(t, `local sys, t = ... return sys.json_encode(t)`, Options{})
	text := finish(t, s, in)[0].(string)
	for i, got := range strings.Split(strings.Trim(text, "[]"), ",") {
		f, err := strconv.ParseFloat(got, 64)
		if err != nil || strconv.FormatFloat(f, 'e', -1, 64) != want[i] || digits(got) != digits(want[i]) {
			t.Fatalf("%v is written as %s, want %s", in.Seq[i], got, want[i])
		}
	}
	s = open(t, `local sys, s = ... return sys.json_decode(s)`, Options{})
	back := finish(t, s, text)[0].(*value.Table)
	for i, f := range back.Seq {
		if f != in.Seq[i] {
			t.Fatalf("%v is read back as %v", in.Seq[i], f)
		}
	}
}

// digits returns the significant digits of a number's text.
func digits(s string) string {
	s, _, _ = strings.Cut(s, "e")
	s = strings.Trim(strings.ReplaceAll(strings.TrimPrefix(s, "-"), ".", ""), "0")
	return s
}

// Any text: the VM takes what Go's parser takes, but for depth, range and UTF-8, and what it
// took it writes and reads again to the same.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5,null,"x\u00e9\n"],"b":{}}`, `[[],{}]`, `-0.0`, `1e16`, `"\ud83d\ude00"`, `[1,`, `{"a":1,"a":null}`} {
		f.Add(s)
	}
	s := open(f, `local sys = ...
		local ok, text, again
		while true do
			local input = sys.request(ok, text, again)
			ok, text = pcall(function() return sys.json_encode(sys.json_decode(input)) end)
			again = ok and sys.json_encode(sys.json_decode(text))
		end`, Options{})
	request(f, s)
	f.Fuzz(func(t *testing.T, text string) {
		got := request(t, s, text)
		valid := json.Valid([]byte(text))
		if got[0] != true {
			message := got[1].(string)
			if valid && !strings.Contains(message, "range") && !strings.Contains(message, "UTF-8") &&
				!strings.Contains(message, "surrogate") && !strings.Contains(message, "nested") {
				t.Fatalf("%q is refused: %s", text, message)
			}
			return
		}
		if !valid {
			t.Fatalf("%q is taken as %s", text, got[1])
		}
		if got[1] != got[2] {
			t.Fatalf("%q gives %s, then %s", text, got[1], got[2])
		}
		if !json.Valid([]byte(got[1].(string))) {
			t.Fatalf("%q gives %s, which is no JSON", text, got[1])
		}
	})
}

// FuzzJSONEncode takes any values that can cross the border.
func FuzzJSONEncode(f *testing.F) {
	f.Add([]byte(value.Of(&value.Table{Seq: []any{1.5, "x"}}, "é", &value.Table{Keys: []any{"k"}, Vals: []any{true}})))
	s := open(f, `local sys = ... local function again(...) return again(sys.request(pcall(sys.json_encode, (...)))) end again()`, Options{})
	request(f, s)
	f.Fuzz(func(t *testing.T, in []byte) {
		if _, err := value.Decode(in); err != nil {
			return
		}
		ev, err := s.Resume(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := decode(t, ev.Values); got[0] == true && !json.Valid([]byte(got[1].(string))) {
			t.Fatalf("%q gives %s", in, got[1])
		}
	})
}

func TestIsUTF8(t *testing.T) {
	s := open(t, `local sys = ... local function again(x) return again(sys.request(sys.is_utf8(x))) end again("")`, Options{})
	request(t, s)
	r := rand.New(rand.NewPCG(5, 6))
	check := func(b []byte) {
		t.Helper()
		if got, want := request(t, s, b)[0], bytes.Equal(bytes.ToValidUTF8(b, []byte("?")), b); got != want {
			t.Errorf("%q: %v, want %v", b, got, want)
		}
	}
	for _, b := range []string{"", "plain text of more than eight bytes", "é", "\u2028x", "😀", "\xff", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "a\xf0\x9f\x98", "\xc3("} {
		check([]byte(b))
	}
	leads := []byte{'a', 0x80, 0xbf, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xa0, 0x9f, 0x90, 0x8f}
	for range 20000 {
		b := make([]byte, r.IntN(6))
		for i := range b {
			b[i] = leads[r.IntN(len(leads))]
		}
		check(b)
	}
}
