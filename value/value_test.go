package value_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/algocline/algocline/value"
	"github.com/google/go-cmp/cmp"
)

func Example() {
	l := value.Of("llm", int64(3), &value.Table{Keys: []any{"prompt"}, Vals: []any{"hello"}})
	vs, err := value.Decode(l)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(vs[0], vs[1], vs[2].(*value.Table).Get("prompt"))
	// Output: llm 3 hello
}

// samples are lists with their encodings, written out: the journal holds them, so they may
// never change.
var samples = []struct {
	name   string
	values []any
	bytes  string
}{
	{"nothing", nil, ""},
	{"nil", []any{nil}, "N"},
	{"booleans", []any{false, true}, "FT"},
	{"integers", []any{int64(1), int64(-2)}, "i\x01\x00\x00\x00\x00\x00\x00\x00i\xfe\xff\xff\xff\xff\xff\xff\xff"},
	{"floats", []any{1.0, math.Copysign(0, -1)}, "d\x00\x00\x00\x00\x00\x00\xf0\x3fd\x00\x00\x00\x00\x00\x00\x00\x80"},
	{"strings", []any{"", "a\x00\xff"}, "s\x00\x00\x00\x00s\x03\x00\x00\x00a\x00\xff"},
	{"empty table", []any{&value.Table{}}, "t\x00\x00\x00\x00\x00\x00\x00\x00\x00"},
	{"empty array", []any{&value.Table{Array: true}}, "t\x01\x00\x00\x00\x00\x00\x00\x00\x00"},
	{"array with a hole", []any{&value.Table{Array: true, Seq: []any{nil, true}}}, "t\x01\x02\x00\x00\x00\x00\x00\x00\x00NT"},
	{"table", []any{&value.Table{Seq: []any{"x"}, Keys: []any{"k"}, Vals: []any{false}}},
		"t\x00\x01\x00\x00\x00\x01\x00\x00\x00s\x01\x00\x00\x00xs\x01\x00\x00\x00kF"},
}

func TestEncoding(t *testing.T) {
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			var l value.List
			for _, v := range s.values {
				var err error
				if l, err = value.Append(l, v); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(s.bytes, string(l)); diff != "" {
				t.Error(diff)
			}
			vs, err := value.Decode(value.List(s.bytes))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s.values, vs); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAppendTypes(t *testing.T) {
	for _, c := range []struct{ in, want any }{
		{7, int64(7)}, {[]byte("bytes"), "bytes"}, {"text", "text"}, {2.5, 2.5},
	} {
		vs, err := value.Decode(value.Of(c.in))
		if err != nil || !cmp.Equal([]any{c.want}, vs) {
			t.Errorf("%#v comes back as %#v, %v", c.in, vs, err)
		}
	}
	for _, bad := range []any{int32(1), []any{}, map[string]any{}, struct{}{}, &value.Table{Seq: []any{uint(1)}},
		&value.Table{Keys: []any{int8(1)}, Vals: []any{1}}, &value.Table{Keys: []any{"k"}, Vals: []any{int8(1)}}} {
		if l, err := value.Append(nil, bad); err == nil {
			t.Errorf("%#v is encoded as %q", bad, l)
		}
	}
}

func TestOfPanicsOnForeignTypes(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a channel is encoded")
		}
	}()
	value.Of(make(chan int))
}

func TestDecodeMalformed(t *testing.T) {
	table := func(body string, n, m byte) string {
		return "t\x00" + string([]byte{n, 0, 0, 0, m, 0, 0, 0}) + body
	}
	key := func(s string) string { return "s" + string([]byte{byte(len(s)), 0, 0, 0}) + s }
	float := func(f float64) string { return string(value.AppendFloat(nil, f)) }
	integer := func(n int64) string { return string(value.AppendInt(nil, n)) }
	for _, c := range []struct{ in, want string }{
		{"x", "unknown tag 0x78 at offset 0"},
		{"Nx", "unknown tag 0x78 at offset 1"},
		{"i\x00", "short number"}, {"d", "short number"}, {"s\x01", "short string"}, {"s\x01\x00\x00\x00", "short string"},
		{"s\xff\xff\xff\xffx", "short string"}, {"t\x00", "short table"},
		{"t\x02\x00\x00\x00\x00\x00\x00\x00\x00", "impossible table header"},
		{"t\x00\xff\xff\xff\xff\x00\x00\x00\x00N", "impossible table header"},
		{table("", 1, 0), "impossible table header"},
		{table("N", 1, 0), "nil element in a plain table"},
		{table(key("k")+"N", 0, 1), "nil value of a key"},
		{table("NT", 0, 1), "as a key"},
		{table(table("", 0, 0)+"T", 0, 1), "as a key"},
		{table(key("b")+"T"+key("a")+"T", 0, 2), "keys out of order"},
		{table(key("a")+"T"+key("a")+"T", 0, 2), "keys out of order"},
		{table("TTFT", 0, 2), "keys out of order"},
		{table("T"+integer(1)+"T", 1, 1), "key repeats an element"},
		{table(float(1)+"T", 0, 1), "float key that Lua would not keep"},
		{table(float(math.NaN())+"T", 0, 1), "float key that Lua would not keep"},
		{strings.Repeat("t\x00\x01\x00\x00\x00\x00\x00\x00\x00", value.MaxDepth) + table("", 0, 0), "too deeply nested"},
	} {
		vs, err := value.Decode(value.List(c.in))
		if !errors.Is(err, value.ErrMalformed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: %v, %v, want %q", c.in, vs, err, c.want)
		}
	}
	deepest := strings.Repeat("t\x00\x01\x00\x00\x00\x00\x00\x00\x00", value.MaxDepth-1) + table("", 0, 0)
	if _, err := value.Decode(value.List(deepest)); err != nil {
		t.Errorf("%d tables in each other: %v", value.MaxDepth, err)
	}
}

func TestReader(t *testing.T) {
	l := value.Of("s", 5, true, &value.Table{Seq: []any{"x"}}, 1.5, nil)
	r := value.NewReader(l)
	if s, err := r.String(); s != "s" || err != nil {
		t.Errorf("String: %q, %v", s, err)
	}
	if n, err := r.Int(); n != 5 || err != nil {
		t.Errorf("Int: %d, %v", n, err)
	}
	if b, err := r.Bool(); !b || err != nil {
		t.Errorf("Bool: %v, %v", b, err)
	}
	skipped, err := r.Skip()
	if err != nil || !bytes.Equal(skipped, value.Of(&value.Table{Seq: []any{"x"}})) {
		t.Errorf("Skip: %q, %v", skipped, err)
	}
	if want := value.Of(1.5, nil); !bytes.Equal(r.Rest(), want) || r.Done() {
		t.Errorf("Rest: %q, want %q", r.Rest(), want)
	}
	for range 2 {
		if _, err := r.Any(); err != nil {
			t.Error(err)
		}
	}
	if !r.Done() {
		t.Error("not done at the end")
	}
	if _, err := r.Any(); !errors.Is(err, value.ErrMalformed) {
		t.Errorf("reading behind the end: %v", err)
	}
}

func TestReaderOfOtherTypes(t *testing.T) {
	read := map[string]func(*value.Reader) error{
		"String": func(r *value.Reader) error { _, err := r.String(); return err },
		"Int":    func(r *value.Reader) error { _, err := r.Int(); return err },
		"Bool":   func(r *value.Reader) error { _, err := r.Bool(); return err },
		"Skip":   func(r *value.Reader) error { _, err := r.Skip(); return err },
	}
	for name, f := range read {
		for _, l := range []value.List{value.Of(nil), value.Of(1.5), nil, {'x'}} {
			if err := f(value.NewReader(l)); err == nil && (name != "Skip" || len(l) == 0) {
				t.Errorf("%s reads %q", name, l)
			} else if err != nil && !errors.Is(err, value.ErrMalformed) {
				t.Errorf("%s of %q: %v", name, l, err)
			}
		}
	}
}

func TestTableGet(t *testing.T) {
	table := &value.Table{Seq: []any{"one"}, Keys: []any{int64(5), "a", "b"}, Vals: []any{"five", 1, 2}}
	for key, want := range map[string]any{"a": 1, "b": 2, "c": nil, "5": nil} {
		if got := table.Get(key); got != want {
			t.Errorf("Get(%q) = %v, want %v", key, got, want)
		}
	}
}

// What decodes encodes again to the same bytes, and the reader agrees with Decode.
func FuzzDecode(f *testing.F) {
	for _, s := range samples {
		f.Add([]byte(s.bytes))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		vs, err := value.Decode(in)
		if err != nil {
			if !errors.Is(err, value.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if out := value.Of(vs...); !bytes.Equal(in, out) {
			t.Fatalf("%q is encoded again as %q", in, out)
		}
		r, n := value.NewReader(in), 0
		for ; !r.Done(); n++ {
			if _, err := r.Skip(); err != nil {
				t.Fatal(err)
			}
		}
		if n != len(vs) {
			t.Fatalf("the reader sees %d values, Decode %d", n, len(vs))
		}
	})
}
