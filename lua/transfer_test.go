package lua

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/algocline/algocline/value"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// echo gives back what it is sent.
const echo = `local sys = ... local function again(...) return again(sys.request(...)) end return again()`

func openEcho(t testing.TB) *State {
	s := open(t, echo, Options{})
	request(t, s)
	return s
}

// Values survive the way through the VM, to the bit.
func TestTransferKeepsValues(t *testing.T) {
	s := openEcho(t)
	array := func(vs ...any) *value.Table { return &value.Table{Array: true, Seq: vs} }
	for _, v := range []any{
		nil, true, false, int64(0), int64(math.MaxInt64), int64(math.MinInt64),
		0.0, math.Copysign(0, -1), 1.0, math.Inf(1), math.Inf(-1), math.SmallestNonzeroFloat64,
		"", "text", "bytes \x00\xff", strings.Repeat("long ", 1000),
		&value.Table{}, array(),
		&value.Table{Seq: []any{int64(1), "two", 3.0, false}},
		array(nil, int64(2), nil, int64(4)),
		&value.Table{Keys: []any{"a", "b"}, Vals: []any{int64(1), &value.Table{Seq: []any{array("x")}}}},
		&value.Table{Seq: []any{"x"}, Keys: []any{int64(-5), int64(0), int64(7), -0.5, 1.5, math.Inf(1), "", "a", "a\x00", "aa", "abcdefgh", "abcdefghi", "b", "\xff", false, true},
			Vals: []any{int64(1), int64(2), int64(3), int64(4), int64(5), int64(6), int64(7), int64(8), int64(9), int64(10), int64(11), int64(12), int64(13), int64(14), int64(15), int64(16)}},
	} {
		in := value.Of(v, "end")
		ev, err := s.Resume(in)
		if err != nil {
			t.Fatalf("%v: %v", v, err)
		}
		if !bytes.Equal(in, ev.Values) {
			t.Errorf("%#v came back as %#v", v, decode(t, ev.Values)[0])
		}
	}
	if got := request(t, s, math.NaN()); !cmp.Equal([]any{math.NaN()}, got, cmpopts.EquateNaNs()) {
		t.Errorf("NaN came back as %v", got)
	}
}

// Keys come out in canonical order however a table was filled, few or many.
func TestTransferKeyOrder(t *testing.T) {
	for _, n := range []int{1, 10, 12, 13, 100, 2047, 2048, 2049, 5000} {
		s := open(t, `local sys, n = ...
			local t = {}
			for i = n, 1, -1 do local k = i * 7919 % 100003 t["k" .. k] = i t[-k] = i t[k + 0.5] = i end
			return t`, Options{})
		table := finish(t, s, n)[0].(*value.Table)
		if len(table.Keys) != 3*n {
			t.Errorf("%d keys, want %d", len(table.Keys), 3*n)
		}
		// decode has checked the order
	}
}

func TestTransferPlainTableWithHoles(t *testing.T) {
	got := run(t, `local sys = ... return {1, nil, 3}, {nil, 2}, sys.array({1, nil, 3}), sys.array({}), {n = 1, [1] = "a", [3] = "c"}`)
	want := []any{
		&value.Table{Seq: []any{int64(1)}, Keys: []any{int64(3)}, Vals: []any{int64(3)}},
		&value.Table{Keys: []any{int64(2)}, Vals: []any{int64(2)}},
		&value.Table{Array: true, Seq: []any{int64(1), nil, int64(3)}},
		&value.Table{Array: true},
		&value.Table{Seq: []any{"a"}, Keys: []any{int64(3), "n"}, Vals: []any{"c", int64(1)}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTransferBuffersAreGivenBack(t *testing.T) {
	s := open(t, `local sys = ... sys.request(("x"):rep(8 << 20)) collectgarbage() sys.request(1)
		sys.json_encode({("x"):rep(8 << 20)}) collectgarbage() sys.request(2)`, Options{})
	request(t, s)
	if m := s.Memory(); m < 8<<20 {
		t.Errorf("%d bytes held while 8 MiB are on their way", m)
	}
	s.Trim()
	if m := s.Memory(); m > 8<<20+1<<20 {
		t.Errorf("%d bytes held after Trim", m)
	}
	for range 2 {
		request(t, s)
		if m := s.Memory(); m > 1<<20 {
			t.Errorf("%d bytes held after a large transfer", m)
		}
	}
}

// Any bytes: either they are refused, here and by package value, or they come back as a list
// that means the same to both.
func FuzzTransfer(f *testing.F) {
	for _, v := range [][]any{
		{}, {nil}, {true, int64(1), 2.5, "s"},
		{&value.Table{Seq: []any{int64(1)}, Keys: []any{int64(5), 0.5, "k", true}, Vals: []any{"a", "b", "c", "d"}}},
		{&value.Table{Array: true, Seq: []any{nil, &value.Table{}}}},
	} {
		f.Add([]byte(value.Of(v...)))
	}
	s := openEcho(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		values, refused := value.Decode(in)
		ev, err := s.Resume(in)
		if err != nil {
			if _, ok := err.(*TransferError); !ok {
				t.Fatal(err)
			}
			if refused == nil {
				t.Fatalf("%q (%v) is refused: %v", in, values, err)
			}
			return
		}
		out := append(value.List(nil), ev.Values...)
		if _, err := value.Decode(out); err != nil {
			t.Fatalf("%q comes back as %q: %v", in, out, err)
		}
		if ev, err = s.Resume(out); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out, ev.Values) {
			t.Fatalf("%q comes back as %q", out, ev.Values)
		}
	})
}
