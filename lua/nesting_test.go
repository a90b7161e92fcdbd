package lua

import (
	"reflect"
	"testing"
)

// chain makes coroutines each of which closes the one before when it is closed.
const chain = `
local function chain(n, close)
  local last
  for _ = 1, n do
    local before = last
    local co = coroutine.create(function()
      local _ <close> = setmetatable({}, {__close = function() if before then close(before) end end})
      coroutine.yield()
    end)
    coroutine.resume(co)
    last = co
  end
  return last
end
`

// Closes of coroutines that run within each other end before the C stack does.
func TestNestedCloses(t *testing.T) {
	tests := []struct {
		name, code string
		want       []any
	}{
		{"some", `return coroutine.close(chain(90, coroutine.close))`, []any{true}},
		{"many", `
local ok, why = coroutine.close(chain(50000, function(co) local ok, why = coroutine.close(co) if not ok then error(why, 0) end end))
return ok, why`, []any{false, "test.lua:16: C stack overflow"}},
		{"each deep in C calls", `
local function deep(co, n)
  if n == 0 then return coroutine.close(co) end
  return (string.gsub("x", "x", function() return tostring(deep(co, n - 1)) end))
end
coroutine.close(chain(50000, function(co) deep(co, 150) end))`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := run(t, chain+tt.code); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
