package lua

import (
	"testing"

	"github.com/algocline/algocline/value"
)

// weak makes a weak table of n values, every other of which nothing else holds, just before a
// collection that takes those. The keys are so long that reading them makes garbage.
const weak = `
local sys = ...
collectgarbage("setstepmul", 1000)
local n, held = 5000, {}
collectgarbage("stop")
local weak = setmetatable({}, {__mode = "v"})
for i = 1, n do
  local v = {i}
  weak[("k"):rep(200) .. i] = v
  if i % 2 == 0 then held[#held + 1] = v end
end
collectgarbage("restart")
`

// A collection in the midst of writing a weak table takes nothing from what is written.
func TestWeakTablesAreWrittenWhole(t *testing.T) {
	t.Run("JSON", func(t *testing.T) {
		got := run(t, weak+`
local text = sys.json_encode(weak)
local whole = 0
for k, i in text:gmatch('"(k+%d+)":%[(%d+)%]') do
  if k == ("k"):rep(200) .. i then whole = whole + 1 end
end
return whole >= #held, select(2, text:gsub(":", "")) - whole`)
		if got[0] != true || got[1] != int64(0) {
			t.Errorf("all that is held is there: %v; %v pairs are not whole", got[0], got[1])
		}
	})
	t.Run("request", func(t *testing.T) {
		ev, err := open(t, weak+`sys.request(weak) return #held`, Options{}).Resume(nil)
		if err != nil {
			t.Fatal(err)
		}
		vs, err := value.Decode(ev.Values)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(vs[0].(*value.Table).Keys); got < 2500 {
			t.Errorf("%d keys, want the 2500 that are held at least", got)
		}
	})
}
