package engine

import (
	"encoding/json"
	"fmt"
	"testing"
)

// What the library's helpers allocate inside the VM, garbage included, in bytes an item: a result
// table is 16 bytes an item, and twice that while it grows; a text has its own size.
func TestAllocations(t *testing.T) {
	const items = 10_000
	numbers := `local x = {} for i = 1, n do x[i] = i end `
	words := `local x = {} for i = 1, n do x[i] = "answer " .. i % 7 end `
	for _, tt := range []struct {
		name, prepare, call string
		most                float64
	}{
		{"alc.map", numbers, `alc.map(x, function(v) return v + 1 end)`, 64},
		{"alc.filter", numbers, `alc.filter(x, function(v) return v % 2 == 0 end)`, 32},
		{"alc.reduce", numbers, `alc.reduce(x, function(a, v) return a + v end)`, 1},
		{"alc.vote", words, `alc.vote(x)`, 1},
		{"alc.chunk of lines", `local x = ("a line of words\n"):rep(n)`, `alc.chunk(x, { size = 100 })`, 48},
		{"alc.chunk of characters", `local x = ("abcdefghij"):rep(n // 10)`, `alc.chunk(x, { mode = "chars", size = 100 })`, 4},
		{"alc.match_enum by substring", `local x = ("word "):rep(n // 5) .. "approve"`, `alc.match_enum(x, { "approve", "reject" })`, 4},
		{"alc.match_enum by likeness", `local x = ("word "):rep(n // 5) .. "aprove"`, `alc.match_enum(x, { "approve", "reject" })`, 40},
		{"alc.match_bool", `local x = ("word "):rep(n // 5) .. "yes"`, `alc.match_bool(x)`, 4},
		{"alc.fingerprint", `local x = ("Word "):rep(n // 5)`, `alc.fingerprint(x)`, 6},
		{"alc.json_extract", `local x = ("word "):rep(n // 5) .. '{"a": 1}'`, `alc.json_extract(x)`, 6},
		{"alc.tuning", `local x, d = {}, {} for i = 1, n do x["k" .. i] = i d["k" .. i] = 0 end`, `alc.tuning(d, x)`, 140},
		{"alc.math.mean", numbers, `alc.math.mean(x)`, 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := begin(t, newMemHost(), start(fmt.Sprintf("local n = %d ", items)+tt.prepare+` local function run() return `+tt.call+` end
				run() collectgarbage() collectgarbage("stop")
				local before = collectgarbage("count")
				local kept = run()
				return (collectgarbage("count") - before) * 1024 / n, kept`)).Outcome()
			var got float64
			if err := json.Unmarshal(o.Output, &got); err != nil {
				t.Fatalf("%v: %+v", err, o.Failure)
			}
			t.Logf("%.1f bytes an item", got)
			if got > tt.most {
				t.Errorf("%.1f bytes an item of %d, want at most %.0f", got, items, tt.most)
			}
		})
	}
}
