package lua

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBoxes(t *testing.T) {
	tests := []struct {
		name, code string
		want       []any
	}{
		{"holds a value", `local b = sys.box({7}, "k") return type(b), sys.unbox(b, "k")[1]`, []any{"userdata", int64(7)}},
		{"holds nil", `return sys.unbox(sys.box(nil, "k"), "k")`, []any{nil}},
		{"of another kind", `return (sys.unbox(sys.box(1, "k"), "other"))`, []any{nil}},
		{"no box", `return (sys.unbox({}, "k")), (sys.unbox(nil, "k")), (sys.unbox("x", "k"))`, []any{nil, nil, nil}},
		{"is opaque", `local b = sys.box(1, "k") return getmetatable(b), pcall(function() return b[1] end) == false, pcall(setmetatable, b, {}) == false`, []any{false, true, true}},
		{"is one", `local b = sys.box(1, "k") return b == b, b == sys.box(1, "k"), ({[b] = 5})[b]`, []any{true, false, int64(5)}},
		{"is no JSON", `return (pcall(sys.json_encode, sys.box(1, "k")))`, []any{false}},
		{"stays here", `return (pcall(sys.request, sys.box(1, "k")))`, []any{false}},
		{"keeps its value", `local bs = {} for i = 1, 100 do bs[i] = sys.box({i}, "k") end collectgarbage() local n = 0
			for i = 1, 100 do n = n + sys.unbox(bs[i], "k")[1] end return n`, []any{int64(5050)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, run(t, "local sys = ... "+tt.code)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestFloats(t *testing.T) {
	tests := []struct {
		name, code string
		want       []any
	}{
		{"little-endian doubles", `return sys.floats{1, -2.5}`, []any{"\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x04\xc0"}},
		{"empty", `return sys.floats{}`, []any{""}},
		{"numeric texts", `return sys.floats{"0x10", " 2.5 "} == sys.floats{16, 2.5}`, []any{true}},
		{"texts stay texts", `local t = {"3"} sys.floats(t) return t[1]`, []any{"3"}},
		{"a text", `return sys.floats{1, "x"}`, []any{nil, int64(2)}},
		{"NaN", `return sys.floats{0/0}`, []any{nil, int64(1)}},
		{"infinity", `return sys.floats{1, 2, -math.huge}`, []any{nil, int64(3)}},
		{"a hole", `return sys.floats{1, nil, 3}`, []any{nil, int64(2)}},
		{"others", `return (sys.floats{true}), (sys.floats{{}}), (sys.floats{type})`, []any{nil, nil, nil}},
		{"raw", `return #sys.floats(setmetatable({1, x = 2}, {__len = error, __index = error}))`, []any{int64(8)}},
		{"no table", `return (pcall(sys.floats, 5))`, []any{false}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, run(t, "local sys = ... "+tt.code)); d != "" {
				t.Error(d)
			}
		})
	}
}
