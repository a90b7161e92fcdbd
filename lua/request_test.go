package lua

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/algocline/algocline/value"
	"github.com/google/go-cmp/cmp"
)

func TestRequestAndAnswer(t *testing.T) {
	s := open(t, `local sys, first, second = ...
		local a, b = sys.request("one", first, second)
		local c = sys.request("two", a, b)
		return c, select("#", sys.request())`, Options{})
	if diff := cmp.Diff([]any{"one", int64(1), 2.5}, request(t, s, int64(1), 2.5)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{"two", "x", nil}, request(t, s, "x", nil)); diff != "" {
		t.Error(diff)
	}
	if got := request(t, s, true); len(got) != 0 {
		t.Errorf("request without values gave %v", got)
	}
	if diff := cmp.Diff([]any{true, int64(0)}, finish(t, s)); diff != "" {
		t.Error(diff)
	}
	if _, err := s.Resume(nil); err != ErrDead {
		t.Errorf("after the end: %v, want ErrDead", err)
	}
}

func TestRaise(t *testing.T) {
	s := open(t, `local sys = ...
		local ok, e = pcall(sys.request, "one")
		local co = coroutine.create(function() sys.request("two") end)
		local ok2, e2 = coroutine.resume(co)
		return ok, e, ok2, e2, coroutine.status(co)`, Options{})
	request(t, s)
	if _, err := s.Raise("refused"); err != nil {
		t.Fatal(err)
	}
	ev, err := s.Raise("again: \x00\xff")
	if err != nil {
		t.Fatal(err)
	}
	want := []any{false, "refused", false, "again: \x00\xff", "dead"}
	if diff := cmp.Diff(want, decode(t, ev.Values)); diff != "" {
		t.Error(diff)
	}
}

// Places where a request pauses the program, each with what it returns when all are answered
// with the request's own value.
func TestRequestsPassThrough(t *testing.T) {
	for _, c := range []struct {
		name, source string
		want         []any
	}{
		{"pcall", `return pcall(ask, 1)`, []any{true, int64(1)}},
		{"xpcall", `return xpcall(ask, error, 1)`, []any{true, int64(1)}},
		{"coroutine.wrap", `return coroutine.wrap(function() return ask(1) + ask(2) end)()`, []any{int64(3)}},
		{"coroutine.resume", `return coroutine.resume(coroutine.create(function() return ask(1), ask(2) end))`, []any{true, int64(1), int64(2)}},
		{"between yields", `local co = coroutine.wrap(function() local a = coroutine.yield(ask(1)) return a + ask(2) end) return co(), co(10)`, []any{int64(1), int64(12)}},
		{"generators", `local function gen(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(ask(i)) end end) end local s = 0 for v in gen(3) do for w in gen(v) do s = s + w end end return s`, []any{int64(10)}},
		{"iterator", `local s = 0 for i in function(_, i) i = ask((i or 0) + 1) return i <= 3 and i or nil end do s = s + i end return s`, []any{int64(6)}},
		{"__index", `return setmetatable({}, {__index = function(_, k) return ask(k) end}).x`, []any{"x"}},
		{"__newindex", `local v setmetatable({}, {__newindex = function(_, k, x) v = ask(x) end}).x = 5 return v`, []any{int64(5)}},
		{"__call", `return setmetatable({}, {__call = function(_, x) return ask(x) end})(7)`, []any{int64(7)}},
		{"__concat", `return setmetatable({}, {__concat = function(_, x) return ask(x) end}) .. "y"`, []any{"y"}},
		{"__eq", `local mt = {__eq = function() return ask(true) end} return setmetatable({}, mt) == setmetatable({}, mt)`, []any{true}},
		{"__lt", `local mt = {__lt = function() return ask(true) end} return setmetatable({}, mt) < setmetatable({}, mt)`, []any{true}},
		{"__len", `return #setmetatable({}, {__len = function() return ask(3) end})`, []any{int64(3)}},
		{"__close", `local v do local x <close> = setmetatable({}, {__close = function() v = ask(8) end}) end return v`, []any{int64(8)}},
		{"ipairs over __index", `local s = 0 for i, v in ipairs(setmetatable({5}, {__index = function(_, i) return ask(i) < 4 and i or nil end})) do s = s + v end return s`, []any{int64(10)}},
		{"__pairs", `for k, v in pairs(setmetatable({}, {__pairs = function() return next, {a = ask(1)}, nil end})) do return k, v end`, []any{"a", int64(1)}},
		{"table.sort", `local t = {3, 1, 2} table.sort(t, function(a, b) return ask(a) < ask(b) end) return table.unpack(t)`, []any{int64(1), int64(2), int64(3)}},
		{"string.gsub", `return ("abc"):gsub("%w", function(c) return ask(c:upper()) end, 2)`, []any{"ABc", int64(2)}},
		{"string.gsub in string.gsub", `return ("ab cd"):gsub("%w+", function(w) return (w:gsub("%w", function(c) return "<" .. ask(c) .. ">" end)) end)`, []any{"<a><b> <c><d>", int64(2)}},
		{"load reader", `local n = 0 return load(function() n = n + 1 return ask(({"return ", "4"})[n]) end)()`, []any{int64(4)}},
		{"deep", `local function f(n) if n == 0 then return ask("bottom") end return coroutine.wrap(f)(n - 1) end return f(150)`, []any{"bottom"}},
		{"deep with pcall", `local function f(n) if n == 0 then return ask("bottom") end return select(2, pcall(coroutine.wrap(f), n - 1)) end return f(90)`, []any{"bottom"}},
		{"bare yield", `local a = coroutine.yield(1, 2) return a, select("#", coroutine.yield()), pcall(coroutine.yield, 3)`, []any{nil, int64(0), true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, "local sys = ... local function ask(x) return sys.request(x) end "+c.source, Options{})
			ev, err := s.Resume(nil)
			for err == nil && ev.Kind == Requested {
				ev, err = s.Resume(append(value.List(nil), ev.Values...))
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, decode(t, ev.Values)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Where a request cannot pause it raises, says where it stands, and shows nothing to Go.
func TestRequestThatCannotPause(t *testing.T) {
	for _, c := range []struct{ name, source, where string }{
		{"tostring", `return pcall(tostring, setmetatable({}, {__tostring = ask}))`, "tostring"},
		{"string.format", `return pcall(string.format, "%s", setmetatable({}, {__tostring = ask}))`, "string.format"},
		{"table.concat", `return pcall(table.concat, setmetatable({}, {__index = ask}), "", 1, 1)`, "table.concat"},
		{"handler", `return false, select(2, xpcall(error, function() return select(2, pcall(ask)) end))`, "a message handler of xpcall"},
		{"coroutine in tostring", `return pcall(tostring, setmetatable({}, {__tostring = function() return coroutine.wrap(function() return ask() end)() end}))`, "tostring"},
		{"arithmetic on a string", `return pcall(function() return "1" + setmetatable({}, {__add = ask}) end)`, "arithmetic on a string"},
		{"arithmetic on a string in a coroutine", `return pcall(function() return "1" + setmetatable({}, {__add = function() return coroutine.wrap(ask)() end}) end)`, "arithmetic on a string"},
		{"coroutine.close", `local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = ask}) coroutine.yield() end) coroutine.resume(co) return coroutine.close(co)`, "coroutine.close"},
		{"default sort", `local mt = {__lt = ask} return pcall(table.sort, {setmetatable({}, mt), setmetatable({}, mt)})`, "table.sort"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, `local sys = ... local function ask() return sys.request("llm") end `+c.source, Options{})
			got := finish(t, s)
			message, _ := got[1].(string)
			if got[0] != false || !strings.Contains(message, "llm: cannot pause here: inside ") || !strings.Contains(message, c.where) {
				t.Errorf("got %v, want an error about %s", got, c.where)
			}
		})
	}
}

// A program may word that error itself.
func TestBlocked(t *testing.T) {
	got := run(t, `local sys = ...
		sys.blocked(function(obstacle, ...) return ... .. "|" .. select("#", ...) .. "|" .. obstacle end)
		return select(2, pcall(tostring, setmetatable({}, {__tostring = function() return sys.request("a", 2, nil) end}))), pcall(sys.blocked)`)
	want := []any{"a|3|a function that tostring calls", false, "bad argument #1 to '?' (function expected, got no value)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestYieldable(t *testing.T) {
	got := run(t, `local sys = ...
		local in_format
		string.format("%s", setmetatable({}, {__tostring = function() in_format = coroutine.wrap(sys.yieldable)() return "" end}))
		return sys.yieldable(), coroutine.wrap(sys.yieldable)(), in_format`)
	if diff := cmp.Diff([]any{true, true, false}, got); diff != "" {
		t.Error(diff)
	}
}

func TestScriptError(t *testing.T) {
	for _, c := range []struct{ source, message, trace string }{
		{"local x\nx.y = 1", "test.lua:2: attempt to index a nil value (local 'x')", "test.lua:2: in main chunk"},
		{`error("plain", 0)`, "plain", "in function 'error'"},
		{`error({})`, "table: 0x00000001", "in function 'error'"},
		{`error()`, "nil", "stack traceback:"},
		{`error(setmetatable({}, {__tostring = function() return "custom" end}))`, "custom", "stack traceback:"},
		{`error(setmetatable({}, {__tostring = function() error("worse", 0) end}))`, "worse", "stack traceback:"},
		{`error(setmetatable({}, {__tostring = function() return 1 end}))`, "1", "stack traceback:"},
		{`local function inner() error("deep") end local function outer() inner() end outer()`, "test.lua:1: deep", "in upvalue 'inner'"},
		{`return function() end`, "unsupported value type function", "stack traceback:"},
		{`coroutine.wrap(function() error("in coroutine") end)()`, "test.lua:1: test.lua:1: in coroutine", "stack traceback:"},
	} {
		s := open(t, c.source, Options{})
		_, err := s.Resume(nil)
		var script *ScriptError
		if !errors.As(err, &script) {
			t.Errorf("%s: %v, want a *ScriptError", c.source, err)
			continue
		}
		if script.Message != c.message || !strings.Contains(script.Traceback, c.trace) {
			t.Errorf("%s:\ngot %q with %q\nwant %q with %q", c.source, script.Message, script.Traceback, c.message, c.trace)
		}
		if _, err := s.Resume(nil); err != ErrDead {
			t.Errorf("after an error: %v, want ErrDead", err)
		}
	}
}

func TestMalformedArguments(t *testing.T) {
	s := open(t, `local sys, a = ... return a, sys.request(), coroutine.wrap(function() return sys.request() end)()`, Options{})
	for _, bad := range []value.List{{'x'}, {'i', 1}, {'s', 255, 255, 255, 255}, {'N', 't'}} {
		for round := range 2 {
			var transfer *TransferError
			if _, err := s.Resume(bad); !errors.As(err, &transfer) {
				t.Errorf("round %d: %q gives %v, want a *TransferError", round, bad, err)
			}
		}
	}
	request(t, s, "a")
	if _, err := s.Resume(value.List{'x'}); err == nil {
		t.Error("a malformed answer is taken")
	}
	request(t, s, "b")
	if _, err := s.Resume(value.List{'x'}); err == nil {
		t.Error("a malformed answer is taken inside a coroutine")
	}
	if diff := cmp.Diff([]any{"a", "b", "c"}, finish(t, s, "c")); diff != "" {
		t.Error(diff)
	}
}

func TestUnsupportedValuesRaiseAtTheRequest(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{`print or next`, "unsupported value type function"},
		{`coroutine.create(next)`, "unsupported value type thread"},
		{`{[{}] = 1}`, "unsupported key type table"},
		{`cycle`, "recursive table"},
		{`deep(201)`, "tables nested more than 200 deep"},
	} {
		got := run(t, `local sys = ... local cycle = {} cycle.a = {cycle}
			local function deep(n) local t = {} for i = 2, n do t = {t} end return t end
			return pcall(sys.request, `+c.source+`)`)
		if message, _ := got[1].(string); got[0] != false || !strings.Contains(message, c.want) {
			t.Errorf("%s: %v, want %q", c.source, got, c.want)
		}
	}
	s := open(t, `local sys = ... local t = {} for i = 2, 200 do t = {t} end return sys.request(t)`, Options{})
	request(t, s)
}

func TestNotes(t *testing.T) {
	s := open(t, `local sys = ...
		sys.note("a", 1) sys.note() sys.note(nil, "b")
		local ok, e = pcall(sys.note, next)
		sys.request(ok, e)
		sys.note("c")
		pcall(error)
		return 1`, Options{})
	ev, err := s.Resume(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []any{
		&value.Table{Seq: []any{"a", int64(1)}},
		&value.Table{},
		&value.Table{Keys: []any{int64(2)}, Vals: []any{"b"}},
	}
	if diff := cmp.Diff(want, decode(t, ev.Notes)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{false, "unsupported value type function"}, decode(t, ev.Values)); diff != "" {
		t.Error(diff)
	}
	if ev, err = s.Resume(nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{&value.Table{Seq: []any{"c"}}}, decode(t, ev.Notes)); diff != "" {
		t.Error(diff)
	}
}

// Notes are kept when the program fails, and bounded: the oldest go.
func TestNotesAreBounded(t *testing.T) {
	s := open(t, `local sys = ...
		for i = 1, 5000 do sys.note(i, ("x"):rep(1000)) end
		error("end")`, Options{})
	ev, err := s.Resume(nil)
	if err == nil {
		t.Fatal("no error")
	}
	notes := decode(t, ev.Notes)
	if n := len(ev.Notes); n > 1<<20 || n < 1<<20-1100 {
		t.Errorf("notes take %d bytes, want just under 1 MiB", n)
	}
	first := notes[0].(*value.Table).Seq[0].(int64)
	last := notes[len(notes)-1].(*value.Table).Seq[0].(int64)
	if last != 5000 || first != 5001-int64(len(notes)) {
		t.Errorf("notes %d to %d, %d of them", first, last, len(notes))
	}
	s = open(t, `local sys = ... sys.note("small") sys.note(("x"):rep(2 << 20)) sys.note("after") return 1`, Options{})
	if ev, err = s.Resume(nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{&value.Table{Seq: []any{"after"}}}, decode(t, ev.Notes)); diff != "" {
		t.Error(diff)
	}
}

func TestDigestFollowsHelpers(t *testing.T) {
	digest := func(source string) uint64 {
		ev, err := open(t, "local sys = ... "+source, Options{}).Resume(nil)
		if err != nil {
			t.Fatal(err)
		}
		return ev.Digest
	}
	seen := map[uint64]string{}
	for _, source := range []string{``, `sys.json_encode(1)`, `sys.json_encode(2)`, `sys.json_encode({1, 2})`,
		`sys.json_encode(1) sys.json_encode(2)`, `sys.json_encode(2) sys.json_encode(1)`, `sys.json_decode("1.5")`} {
		d := digest(source)
		if d != digest(source) {
			t.Errorf("%q: two digests", source)
		}
		if other, ok := seen[d]; ok {
			t.Errorf("%q and %q have one digest", source, other)
		}
		seen[d] = source
	}
}

func TestLoadedByName(t *testing.T) {
	got := run(t, `local sys = ...
		local f = sys.load("return x, ...", "cot/init.lua", {x = 5})
		local bad, message = sys.load("x = = 1", "strategy.lua")
		local g = sys.load("error('here')", "strategy.lua", nil)
		local binary = {sys.load("\27Lua", "b.lua")}
		return f(6), bad, message, select(2, pcall(g)), binary[1], binary[2]`)
	want := []any{int64(5), nil, "strategy.lua:1: unexpected symbol near '='", "strategy.lua:1: here", nil,
		"attempt to load a binary chunk (mode is 't')"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSeed(t *testing.T) {
	draw := func(seed int) string {
		return fmt.Sprint(run(t, fmt.Sprintf(`local sys = ... sys.seed(%d) return math.random(), math.random(1000), math.random(0)`, seed)))
	}
	first, again, other := draw(1), draw(1), draw(2)
	if first != again || first == other {
		t.Errorf("seeds 1, 1 and 2 draw %s, %s and %s", first, again, other)
	}
}

func TestTraceback(t *testing.T) {
	got := run(t, `local sys = ...
		local function f() return sys.traceback("m", 1) end
		local function g() error("x") end
		return f(), select(2, xpcall(g, sys.traceback)), sys.traceback(nil), sys.traceback(5), sys.traceback({}) ~= nil`)
	for i, want := range []string{"m\nstack traceback:\n\ttest.lua:2: in ", "test.lua:3: x\nstack traceback:\n\t[C]: in function 'error'\n\ttest.lua:3: in ",
		"stack traceback:\n\ttest.lua:4: in main chunk", "5\nstack"} {
		if text, _ := got[i].(string); !strings.HasPrefix(text, want) {
			t.Errorf("traceback %d is %q, want %q…", i, text, want)
		}
	}
}

func TestEscapeHatchesAreAbsent(t *testing.T) {
	got := run(t, `local found = {}
		for _, name in ipairs{"dofile", "loadfile", "print", "warn", "io", "os", "debug", "package", "require"} do
			if _G[name] ~= nil then found[#found + 1] = name end
		end
		if string.dump then found[#found + 1] = "string.dump" end
		return table.concat(found, " ")`)
	if diff := cmp.Diff([]any{""}, got); diff != "" {
		t.Error(diff)
	}
}

// Before the first request there is nowhere to raise.
func TestRaiseStartsAProgram(t *testing.T) {
	s := open(t, `return select("#", ...)`, Options{})
	ev, err := s.Raise("nobody hears it")
	if err != nil {
		t.Fatal(err)
	}
	if got := decode(t, ev.Values); got[0] != int64(1) {
		t.Errorf("the program got %v arguments, want the primitives alone", got[0])
	}
}
