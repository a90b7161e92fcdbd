package lua

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// within tells whether fn, which returns how much CPU time something took, keeps to a bound. On a busy
// machine what is to end a VM may have to wait while the VM runs: a miss counts when it comes again.
func within(t *testing.T, bound time.Duration, fn func() time.Duration) {
	t.Helper()
	if sanitized {
		bound *= 4
	}
	var took []time.Duration
	for range 5 {
		d := fn()
		if d <= bound {
			return
		}
		took = append(took, d)
	}
	t.Errorf("took %v of CPU time, again and again; the bound is %v", took, bound)
}

// prepare opens a program and lets it make what it needs.
func prepare(t *testing.T, source string) *State {
	t.Helper()
	s := open(t, source, Options{})
	if strings.Contains(source, "sys.request()") {
		request(t, s)
	}
	return s
}

// A strike ends everything within 100 ms, whatever the script catches.
func TestStrikeEndsEverything(t *testing.T) {
	for name, source := range endless {
		t.Run(name, func(t *testing.T) {
			within(t, 100*time.Millisecond, func() time.Duration { return strike(t, source) })
		})
	}
}

// strike strikes a program 20 ms after its beginning and returns how much CPU time its end took.
func strike(t *testing.T, source string) time.Duration {
	t.Helper()
	s := prepare(t, source)
	defer s.Close()
	struck := make(chan time.Duration, 1)
	timer := time.AfterFunc(20*time.Millisecond, func() {
		struck <- cpuTime(t)
		s.Strike("wall")
	})
	defer timer.Stop()
	_, err := s.Resume(nil)
	ended := cpuTime(t)
	if diff := cmp.Diff(&LimitError{Limit: "wall"}, asLimit(t, err)); diff != "" {
		t.Error(diff)
	}
	if _, err := s.Resume(nil); err != ErrDead {
		t.Errorf("resuming a struck state: %v, want ErrDead", err)
	}
	return ended - <-struck
}

// So does the limit of CPU time, which the VM hits by itself and whose resolution is a tick.
func TestStepCPUEndsEverything(t *testing.T) {
	if testing.Short() {
		t.Skip("the programs are those of TestStrikeEndsEverything, and the way out is the same")
	}
	const limit = 30 * time.Millisecond
	for name, source := range endless {
		t.Run(name, func(t *testing.T) {
			within(t, limit+tick+100*time.Millisecond, func() time.Duration {
				s := prepare(t, source)
				defer s.Close()
				s.SetLimits(defaultMemory, limit)
				began := cpuTime(t)
				_, err := s.Resume(nil)
				if diff := cmp.Diff(&LimitError{"step_cpu", "30ms"}, asLimit(t, err)); diff != "" {
					t.Error(diff)
				}
				return cpuTime(t) - began
			})
		})
	}
}

// One call over a large string must not outlast a strike by much either.
func TestStrikeEndsLongCalls(t *testing.T) {
	for name, c := range map[string]struct{ setup, call string }{
		"upper":         {`local s = ("x"):rep(120 << 20)`, `pcall(string.upper, s)`},
		"lower":         {`local s = ("x"):rep(120 << 20)`, `pcall(string.lower, s)`},
		"reverse":       {`local s = ("x"):rep(120 << 20)`, `pcall(string.reverse, s)`},
		"quoted format": {`local s = ("\0"):rep(80 << 20)`, `pcall(string.format, "%q", s)`},
		"utf8.len":      {`local s = ("ä"):rep(55 << 20)`, `utf8.len(s)`},
		"utf8.offset":   {`local s = ("ä"):rep(40 << 20)`, `utf8.offset(s, 1 << 40)`},
		"tonumber":      {`local s = (" "):rep(40 << 20)`, `tonumber(s)`},
		"comparison":    {`local s = ("x"):rep(80 << 20) local a, b = s .. "a", s .. "b"`, `local _ = a < b`},
		"concat":        {`local s = ("x"):rep(80 << 20)`, `pcall(function() return s .. "a" end)`},
		"pack":          {``, `pcall(string.pack, "c" .. (10 << 20), "x")`},
		"next":          {`local t = {} for i = 1, 1 << 22 do t[i * 1.5] = i end for k in pairs(t) do t[k] = nil end`, `next(t)`},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, 100*time.Millisecond, func() time.Duration {
				return strike(t, "local sys = ... "+c.setup+" sys.request() while true do "+c.call+" end")
			})
		})
	}
}

// The CPU limit is of one step: what earlier steps used does not count, nor what other VMs use
// on the same thread.
func TestStepCPUIsOfOneStep(t *testing.T) {
	s := open(t, `local sys = ...
		for i = 1, 20 do
			local x = 0
			for j = 1, 500000 do x = x + j end
			sys.request(i)
		end`, Options{StepCPU: 100 * time.Millisecond})
	for range 20 {
		request(t, s)
	}
	finish(t, s)
}

func TestStrikeBeforeResume(t *testing.T) {
	s := open(t, `local sys = ... sys.request("one")`, Options{})
	request(t, s)
	s.Strike("wall")
	s.Strike("later")
	_, err := s.Resume(nil)
	if got := asLimit(t, err).Limit; got != "wall" {
		t.Errorf("limit %q, want the first strike's", got)
	}
}

func TestSetLimits(t *testing.T) {
	s := open(t, `local sys = ... sys.request("one") while true do end`, Options{})
	request(t, s)
	s.SetLimits(64<<20, 30*time.Millisecond)
	_, err := s.Resume(nil)
	if diff := cmp.Diff(&LimitError{"step_cpu", "30ms"}, asLimit(t, err)); diff != "" {
		t.Error(diff)
	}
}

// bombs are programs that want all memory there is.
var bombs = map[string]string{
	"strings":             `local s = "x" while true do s = s .. s end`,
	"caught strings":      `while true do pcall(function() local s = "x" while true do s = s .. s end end) end`,
	"tables":              `local t = {} while true do t[#t + 1] = {} end`,
	"caught tables":       `local t = {} while true do pcall(function() while true do t[#t + 1] = {} end end) end`,
	"keys":                `local t = {} local i = 0 while true do i = i + 1 t["k" .. i] = i end`,
	"closures":            `local t = {} while true do t[#t + 1] = function() return t end end`,
	"coroutines":          `local t = {} while true do t[#t + 1] = coroutine.create(print or next) end`,
	"stack":               `local function f(...) return 1 + f(1, 2, 3, ...) end while true do pcall(f) end`,
	"stack, caught once":  `local function f(...) return 1 + f(1, 2, 3, ...) end pcall(f) return "alive"`,
	"stack, not caught":   `local function f(...) return 1 + f(1, 2, 3, ...) end f()`,
	"stack, resumed":      `local function f(...) return 1 + f(1, 2, 3, ...) end coroutine.resume(coroutine.create(f)) return "alive"`,
	"stack, wrapped":      `local function f(...) return 1 + f(1, 2, 3, ...) end pcall(coroutine.wrap(f)) return "alive"`,
	"stack, load reader":  `local function f(...) return 1 + f(1, 2, 3, ...) end load(f) return "alive"`,
	"stack, comparator":   `local function f(...) return 1 + f(1, 2, 3, ...) end pcall(table.sort, {1, 2}, f) return "alive"`,
	"stack, other error":  `local other = setmetatable({}, {__close = function() error() end}) local function f(...) return 1 + f(1, 2, 3, ...) end pcall(function() local x <close> = other f() end) return "alive"`,
	"stack, closing asks": `local sys = ... local asks = setmetatable({}, {__close = function() sys.request() end}) local function f(...) return 1 + f(1, 2, 3, ...) end pcall(function() local x <close> = asks f() end)`,
	"stack, closed":       `local function f(...) return 1 + f(1, 2, 3, ...) end local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = f}) coroutine.yield() end) coroutine.resume(co) coroutine.close(co) return "alive"`,
	"unpack":              `local s = ("x"):rep(6 << 20) pcall(table.unpack, {}, 1, 800000) return "alive"`,
	"byte":                `local s = ("x"):rep(6 << 20) pcall(string.byte, s, 1, 800000) return "alive"`,
	"traceback message":   `local sys = ... local s = ("x"):rep(5 << 20) pcall(sys.traceback, s) return "alive"`,
	"long message":        `local sys = ... local s = ("x"):rep(9 << 20) pcall(sys.traceback, s) return "alive"`,
	"stacks":              `local function f(n, ...) if n == 0 then coroutine.yield() end return 1 + f(n - 1, 1, 2, 3, ...) end local t = {} while true do t[#t + 1] = coroutine.create(f) pcall(coroutine.resume, t[#t], 300) end`,
	"sizes in turn":       `local keep = {} for size = 16, 4096, 16 do for i = 1, 1e9 do local ok, s = pcall(string.rep, "x", size + i % 7) keep[#keep + 1] = s .. i end end`,
	"request":             `local sys = ... local t = {} for i = 1, 20 do t = {t, t} end sys.request(t)`,
	"result":              `local t = {} for i = 1, 20 do t = {t, t} end return t`,
	"json":                `local sys = ... local t = {} for i = 1, 25 do t = {t, t} end sys.json_encode(t)`,
	"xpcall handler":      `local s = "x" xpcall(function() while true do s = s .. s end end, function() while true do s = s .. s end end)`,
	"close handler":       `pcall(function() local x <close> = setmetatable({}, {__close = function() local t = {} while true do t[#t + 1] = {} end end}) error() end)`,
	"traceback":           `local function f(n) if n == 0 then local t = {} while true do t[#t + 1] = {} end end return (f(n - 1)) end f(1000)`,
	"tostring of error":   `error(setmetatable({}, {__tostring = function() local s = "x" while true do s = s .. s end end}))`,
	"load":                `local s = "x=1 " while true do s = s .. s load(s) end`,
	"load reader":         `load(function() return "x = 1 " end)`,
	"format":              `local s = ("x"):rep(5 << 20) while true do pcall(string.format, "%s%s%s%s", s, s, s, s) end`,
	"quoted format":       `local s = ("\0"):rep(5 << 20) while true do pcall(string.format, "%q%q", s, s) end`,
	"concat over __index": `local s = ("x"):rep(1 << 20) local t = setmetatable({}, {__index = function() return s end}) while true do pcall(table.concat, t, "", 1, 100) end`,
	"upper":               `local s = ("x"):rep(7 << 20) while true do pcall(function() return s:upper() .. s:lower() end) end`,
	"char":                `local t, all = {}, {} for i = 1, 100000 do t[i] = 65 end while true do pcall(function() all[#all + 1] = string.char(table.unpack(t)) end) end`,
	"utf8.char":           `local t, all = {}, {} for i = 1, 100000 do t[i] = 0x10FFFF end while true do pcall(function() all[#all + 1] = utf8.char(table.unpack(t)) end) end`,
	"string.pack":         `local s = ("x"):rep(1 << 20) local f = ("s4"):rep(10) while true do pcall(string.pack, f, s, s, s, s, s, s, s, s, s, s) end`,
	"string.pack padding": `while true do pcall(string.pack, "c" .. (12 << 20), "x") end`,
	"load pieces":         `local n, s = 0, "--" .. ("x"):rep(1 << 20) while true do pcall(load, function() n = n + 1 if n % 20 > 0 then return s end end) end`,
	"coroutine in pcall":  `while true do pcall(coroutine.wrap(function() local t = {} while true do t[#t + 1] = {} end end)) end`,
}

func TestMemoryBombs(t *testing.T) {
	const limit = 16 << 20
	for name, source := range bombs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, source, Options{Memory: limit, StepCPU: 10 * time.Second})
			_, err := s.Resume(nil)
			if diff := cmp.Diff(&LimitError{"memory", "16MiB"}, asLimit(t, err)); diff != "" {
				t.Error(diff)
			}
			if m := s.Memory(); m > limit+2<<20 {
				t.Errorf("the VM holds %d bytes with a limit of %d", m, limit)
			}
		})
	}
}

// Garbage is collected before a buffer of a library function is refused its memory.
func TestGarbageMakesRoom(t *testing.T) {
	for name, source := range map[string]string{
		"format":              `local s = ("x"):rep(1 << 20) function again() return string.format("%s%s", s, s) end`,
		"quoted format":       `local s = ("\0"):rep(1 << 20) function again() return string.format("%q", s) end`,
		"concat over __index": `local s = ("x"):rep(1 << 20) local t = setmetatable({}, {__index = function() return s end}) function again() return table.concat(t, "", 1, 3) end`,
		"upper":               `local s = ("x"):rep(3 << 20) function again() return s:upper() .. s:lower() end`,
		"reverse":             `local s = ("x"):rep(3 << 20) .. "y" function again() return s:reverse() end`,
		"char":                `local t = {} for i = 1, 100000 do t[i] = 65 end function again() return string.char(table.unpack(t)) end`,
		"utf8.char":           `local t = {} for i = 1, 100000 do t[i] = 0x10FFFF end function again() return utf8.char(table.unpack(t)) end`,
		"string.pack":         `local s = ("x"):rep(1 << 20) function again() return string.pack("s4s4", s, s) end`,
		"traceback":           `local sys = ... local s = ("x"):rep(2 << 20) function again() return sys.traceback(s) end`,
		"stack":               `local function f(n) if n > 0 then return 1 + f(n - 1) end return 0 end function again() return coroutine.wrap(f)(4000) end`,
		"byte":                `local s = ("x"):rep(200000) function again() return coroutine.wrap(string.byte)(s, 1, -1) end`,
		"codepoint":           `local s = ("x"):rep(200000) function again() return coroutine.wrap(utf8.codepoint)(s, 1, -1) end`,
		"unpack":              `function again() return coroutine.wrap(table.unpack)({}, 1, 200000) end`,
		"resume":              `local t, n = {}, 30000 function again() return coroutine.wrap(function() return select("#", coroutine.wrap(function() return table.unpack(t, 1, n) end)()) end)() end`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, source+` collectgarbage("stop") for i = 1, 100 do again() end return true`, Options{Memory: 16 << 20})
			finish(t, s)
		})
	}
}

// A large answer is decoded under protection: it ends the session, not the process.
func TestAnswerLargerThanMemory(t *testing.T) {
	s := open(t, `local sys = ... return #sys.request("q")`, Options{Memory: 4 << 20})
	request(t, s)
	_, err := s.Raise(string(make([]byte, 8<<20)))
	if got := asLimit(t, err).Limit; got != "memory" {
		t.Errorf("limit %q", got)
	}
}

// Memory that a script lets go is there for it again, in whatever sizes.
func TestMemoryIsReused(t *testing.T) {
	s := open(t, `
		for round = 1, 12 do
			local t = {}
			for i = 1, 4000 do t[i] = ("x"):rep(round * 100) .. i end
		end
		collectgarbage()
		return true`, Options{Memory: 16 << 20})
	finish(t, s)
}
