package card

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parse(t testing.TB, text string) any {
	t.Helper()
	v, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func table(t testing.TB, text string) map[string]any {
	t.Helper()
	m, ok := parse(t, text).(map[string]any)
	if !ok {
		t.Fatalf("%s is no object", text)
	}
	return m
}

func TestParseAndEncode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`null`: `null`, `true`: `true`, `7`: `7`, `-7`: `-7`, `7.0`: `7.0`, `1e3`: `1000.0`, `-0.0`: `-0.0`,
		`9223372036854775807`: `9223372036854775807`, `9223372036854775808`: `9.223372036854776e+18`,
		`1e16`: `1e+16`, `1e15`: `1000000000000000.0`, `1.5e300`: `1.5e+300`, `0.00001`: `0.00001`, `0.000001`: `1e-6`,
		`{"b":1,"a":[1,{},[]]}`: `{"a":[1,{},[]],"b":1}`, `"<é\u0001\"\n>"`: `"<é\u0001\"\n>"`,
	} {
		if got := string(Encode(parse(t, in))); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	for _, in := range []string{``, `{`, `1 2`, `[1,]`, `1e999`, `[1e999]`, `{"a":1e999}`, `nul`} {
		if v, err := Parse([]byte(in)); err == nil {
			t.Errorf("%s was read as %v", in, v)
		}
	}
	if got := string(Encode([]any{math.NaN(), math.Inf(1)})); got != "[null,null]" {
		t.Errorf("no numbers of JSON: %s", got)
	}
}

func TestWithoutNulls(t *testing.T) {
	t.Parallel()
	got := string(Encode(withoutNulls(parse(t, `{"a":null,"b":[null,1,{"c":null}]}`))))
	if want := `{"b":[1,{}]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The value is the one that the original computes for these parameters.
func TestHash(t *testing.T) {
	t.Parallel()
	if got, want := hash(parse(t, `{"b":2,"a":"x"}`)), "1f71ae11cb220636"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if hash(int64(1)) == hash(int64(1), "more") {
		t.Error("what is added does not count")
	}
}

func TestTOML(t *testing.T) {
	t.Parallel()
	const dates = "d = 2026-01-02\nt = 10:00:00\nz = 2026-01-02T03:04:05.5Z\nl = 2026-01-02T03:04:05\n[a]\nlist = [[1, 1.0], {x = 2026-01-02}]\n"
	v, err := decodeTOML([]byte(dates))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"a":{"list":[[1,1.0],{"x":"2026-01-02"}]},"d":"2026-01-02","l":"2026-01-02T03:04:05","t":"10:00:00","z":"2026-01-02T03:04:05.5Z"}`
	if d := cmp.Diff(want, string(Encode(v))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if _, err := decodeTOML([]byte("a = ")); err == nil {
		t.Error("half a key was read")
	}
}

// FuzzTOML: what a card holds, nulls aside, comes back from its file to the kind of each number.
func FuzzTOML(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1,"b":1.0,"c":"x\ny'''\"\"\"","d":[],"e":{},"f":[{},[{}],[1,"a",2.5]]}`, `{"":{"a b":{"x.y":1}}}`,
		`{"s":"\u0000\u007f\u0085 \t\r\n\\"}`, `{"n":9223372036854775807,"m":-1e-300,"z":-0.0}`, `{"l":[{"a":1},{"b":[{"c":{}}]}],"k":true}`,
		`{"'":{"'":1},"\"":"'"}`, `{"a":[[],[[]]],"t":{"u":[{"v":[]}]}}`, `{"a\nb":1,"é":"日本"}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := Parse([]byte(s))
		m, ok := v.(map[string]any)
		if err != nil || !ok || strings.Contains(s, "\ufffd") {
			return
		}
		want := withoutNulls(m)
		data, err := encodeTOML(m)
		if err != nil {
			return // what cannot be written is refused
		}
		got, err := decodeTOML(data)
		if err != nil {
			t.Fatalf("%s was written as\n%s\nand cannot be read: %v", s, data, err)
		}
		if d := cmp.Diff(string(Encode(want)), string(Encode(got))); d != "" {
			t.Fatalf("%s was written as\n%s\n(-want +got):\n%s", s, data, d)
		}
	})
}

// FuzzDecodeTOML: whatever lies in a file, it is refused or is a value that can be encoded.
func FuzzDecodeTOML(f *testing.F) {
	f.Add([]byte("a = 1\n[b]\nc = [inf, nan, 2026-01-02]\n"))
	f.Add([]byte("[[alias]]\nname = \"x\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := decodeTOML(data)
		if err != nil {
			return
		}
		if _, err := Parse(Encode(v)); err != nil {
			t.Fatalf("%q gave %s: %v", data, Encode(v), err)
		}
	})
}
