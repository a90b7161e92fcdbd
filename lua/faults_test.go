package lua

import (
	"errors"
	"testing"

	"github.com/algocline/algocline/value"
)

// everything uses each part of the VM that allocates.
const everything = `local sys = ...
local function ask(...) return select(2, pcall(sys.request, ...)) end
local t = {}
for i = 1, 40 do t["k" .. i] = {i, i * 1.5, tostring(i)} end
local co = coroutine.wrap(function(a) for i = 1, 3 do a = coroutine.yield(ask("in coroutine", t, a)) end error({a}) end)
for i = 1, 3 do co(i) end
pcall(co)
local text = sys.json_encode(t)
local back = sys.json_decode(text)
sys.note("a note", {1, 2, 3})
pcall(table.sort, back.k1, function(a, b) return ask("less", a, b) end)
local words = {}
for w in ("the quick brown fox"):gmatch("%a+") do words[#words + 1] = w:upper():rep(50, ",") end
table.sort(words)
local f = load("return function(...) local x <close> = nil return {...} end")
f()(1, 2, 3)
load(function() return nil end)
sys.load("return 1", "name", {})
local ok, message = xpcall(function() error("caught " .. #words) end, sys.traceback)
local s = string.format("%s %q %5.2f %p %s", {}, text, 1.5, print, setmetatable({}, {__tostring = function() return "x" end}))
coroutine.close(coroutine.create(function() end))
local weak = setmetatable({}, {__mode = "k", __gc = true})
for k in pairs(t) do weak[{}] = k end
for i, v in ipairs(words) do words[i] = nil end
pcall(sys.request, print)
ask("bye", s, message)
error(setmetatable({}, {__tostring = function() return "the end " .. #s end}))
`

// runFaulty runs everything with failing allocations and returns how it ended. Answers are
// large enough to need memory of their own.
func runFaulty(t *testing.T, p *Program, from, times int) (allocations int, err error) {
	t.Helper()
	s, err := New(p, Options{Memory: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.failAllocations(from, times)
	before := s.allocations()
	args := value.Of(&value.Table{Seq: []any{"an answer", 1.5}, Keys: []any{"k"}, Vals: []any{&value.Table{Array: true}}})
	for round := 0; ; round++ {
		var ev Event
		if round%7 == 3 {
			ev, err = s.Raise("refused")
		} else {
			ev, err = s.Resume(args)
		}
		if err != nil || ev.Kind == Returned {
			return s.allocations() - before, err
		}
		if _, err := value.Decode(ev.Values); err != nil {
			t.Fatalf("allocation %d, %d times: %v", from, times, err)
		}
	}
}

// Wherever memory runs out, for a moment or for good, the process lives and the call ends with
// an error of the script or of the limit.
func TestFailingAllocations(t *testing.T) {
	p := mustCompile(t, everything)
	n, err := runFaulty(t, p, 0, 0)
	var script *ScriptError
	if !errors.As(err, &script) || script.Message[:8] != "the end " {
		t.Fatalf("without faults: %v", err)
	}
	step := 1
	if testing.Short() {
		step = 17
	}
	for _, times := range []int{1, 2, 1 << 30} {
		struck := 0
		for from := 1; from <= n; from += step {
			_, err := runFaulty(t, p, from, times)
			var limit *LimitError
			switch {
			case errors.As(err, &limit) && limit.Limit == "memory":
				struck++
			case !errors.As(err, &script):
				t.Fatalf("allocation %d of %d fails %d times: %v", from, n, times, err)
			}
		}
		if times > 1 && struck == 0 {
			t.Errorf("allocations that fail %d times never struck", times)
		}
	}
	t.Logf("%d allocations", n)
}

// A state cannot be made with too little memory, at any point of its making.
func TestTooLittleMemoryForAState(t *testing.T) {
	p := mustCompile(t, everything)
	made := false
	for memory := int64(1 << 10); memory < 256<<10; memory += 509 {
		s, err := New(p, Options{Memory: memory})
		if err == nil {
			made = true
			s.Close()
			continue
		}
		asLimit(t, err)
		if made {
			t.Errorf("%d bytes do not suffice, fewer did", memory)
		}
	}
	if !made {
		t.Error("256 KiB do not suffice for a state")
	}
}
