package engine

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// askingModules are what the scripts below require.
func askingModules(h *memHost) {
	h.modules["asking"] = `local a = alc.llm("while loading") return {answer = a, again = function() return alc.llm("later") end}`
	h.modules["outer"] = `return {inner = require("asking")}`
}

// alc.llm works wherever Lua lets a coroutine yield, and where our libraries have made it so. Each
// script asks "a", "b" … and is answered A, B …, live, restored at every pause, and replayed.
func TestWhereAsking(t *testing.T) {
	for _, c := range []struct{ name, code, want string }{
		{"pcall", `return {pcall(alc.llm, "a")}`, `[true,"A"]`},
		{"xpcall", `return {xpcall(function() error(alc.llm("a"), 0) end, function(e) return e .. "!" end)}`, `[false,"A!"]`},
		{"pcall in pcall", `return {pcall(pcall, pcall, function() return alc.llm("a") .. alc.llm("b") end)}`, `[true,true,true,"AB"]`},
		{"after a caught error", `pcall(function() local x = alc.llm("a") error(x) end) return alc.llm("b")`, `"B"`},
		{"coroutine.wrap", `return coroutine.wrap(function() return alc.llm("a") end)()`, `"A"`},
		{"coroutine.resume", `return {coroutine.resume(coroutine.create(function() return alc.llm("a"), alc.llm("b") end))}`, `[true,"A","B"]`},
		{"a generator", `local out = {} for v in coroutine.wrap(function() for _, p in ipairs{"a", "b"} do coroutine.yield(alc.llm(p)) end end) do out[#out + 1] = v end return out`, `["A","B"]`},
		{"two coroutines in turn", `local x = coroutine.wrap(function() local v = alc.llm("a") coroutine.yield(v) return alc.llm("c") end)
			local y = coroutine.wrap(function() coroutine.yield(alc.llm("b")) end) return {x(), y(), x()}`, `["A","B","C"]`},
		{"coroutines 190 deep", `local function f(n) if n == 0 then return alc.llm("a") end return coroutine.wrap(f)(n - 1) end return f(190)`, `"A"`},
		{"resumes 190 deep", `local function f(n) if n == 0 then return alc.llm("a") end return select(2, coroutine.resume(coroutine.create(f), n - 1)) end return f(190)`, `"A"`},
		{"pcalls 180 deep", `local function f(n) if n == 0 then return alc.llm("a") end return select(2, pcall(f, n - 1)) end return f(180)`, `"A"`},
		{"__index", `return setmetatable({}, {__index = function(_, k) return alc.llm(k) end}).a`, `"A"`},
		{"__newindex", `local got setmetatable({}, {__newindex = function(_, k) got = alc.llm(k) end}).a = 1 return got`, `"A"`},
		{"__call", `return setmetatable({}, {__call = function(_, p) return alc.llm(p) end})("a")`, `"A"`},
		{"__concat", `return setmetatable({}, {__concat = function(_, p) return alc.llm(p) end}) .. "a"`, `"A"`},
		{"__add and __unm", `local t = setmetatable({}, {__add = function() return alc.llm("a") end, __unm = function() return alc.llm("b") end}) return {t + 1, -t}`, `["A","B"]`},
		{"__eq", `local mt = {__eq = function() return alc.llm("a") == "A" end} return setmetatable({}, mt) == setmetatable({}, mt)`, `true`},
		{"__lt and __le", `local mt = {__lt = function() return alc.llm("a") == "A" end, __le = function() return alc.llm("b") == "B" end} local x, y = setmetatable({}, mt), setmetatable({}, mt) return {x < y, x <= y}`, `[true,true]`},
		{"__len", `return #setmetatable({}, {__len = function() return #alc.llm("a") end})`, `1`},
		{"__close", `local got do local x <close> = setmetatable({}, {__close = function() got = alc.llm("a") end}) end return got`, `"A"`},
		{"__close on an error", `local got pcall(function() local x <close> = setmetatable({}, {__close = function() got = alc.llm("a") end}) error("x") end) return got`, `"A"`},
		{"__pairs", `for k, v in pairs(setmetatable({}, {__pairs = function() return next, {k = alc.llm("a")} end})) do return {k, v} end`, `["k","A"]`},
		{"an iterator", `local out = {} for v in function() local n = #out + 1 return n < 3 and alc.llm(({"a", "b"})[n]) or nil end do out[#out + 1] = v end return out`, `["A","B"]`},
		{"ipairs over __index", `local out = {} for i, v in ipairs(setmetatable({}, {__index = function(_, i) return i < 3 and alc.llm(({"a", "b"})[i]) or nil end})) do out[i] = v end return out`, `["A","B"]`},
		{"table.sort", `local t, n = {2, 1}, 0 table.sort(t, function(x, y) n = n + 1 return x < y and alc.llm(("abcdef"):sub(n, n)) ~= nil end) return t`, `[1,2]`},
		{"string.gsub", `return (("a-b"):gsub("%w", function(c) return alc.llm(c) end))`, `"A-B"`},
		{"string.gsub in string.gsub", `return (("a b"):gsub("%S+", function(w) return (w:gsub(".", alc.llm)) end))`, `"A B"`},
		{"a load reader", `local n = 0 return load(function() n = n + 1 return ({"return '", n == 2 and alc.llm("a") or "", "'"})[n] end)()`, `"A"`},
		{"a loaded chunk", `return load("return alc.llm('a')")()`, `"A"`},
		{"a module's body", `return require("asking").answer`, `"A"`},
		{"a module's body within another's", `return require("outer").inner.answer .. require("outer").inner.again()`, `"AB"`},
		{"a module's body in a coroutine in pcall", `return {pcall(coroutine.wrap(function() return require("asking").answer end))}`, `[true,"A"]`},
		{"package.preload", `package.preload.own = function(name) return {name = name, got = alc.llm("a")} end return require("own").got`, `"A"`},
		{"alc.map", `return alc.map({"a", "b"}, function(p) return alc.llm(p) end)`, `["A","B"]`},
		{"alc.state.update", `return alc.state.update("k", function() return alc.llm("a") end)`, `"A"`},
		{"alc.cache", `return alc.cache("a")`, `"A"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, _ := play(t, askingModules, start(c.code), "A", "B", "C", "D", "E", "F")
			if o.Kind != OutcomeFinished || string(o.Output) != c.want {
				t.Errorf("got %s %s %+v, want %s", o.Kind, o.Output, o.Failure, c.want)
			}
		})
	}
}

// Where a C function stands in between, the error says which, and what to do; nothing is recorded
// or shown, and the session goes on.
func TestWhereAskingFails(t *testing.T) {
	for _, c := range []struct{ name, code, inside string }{
		{"tostring", `return select(2, pcall(tostring, setmetatable({}, {__tostring = ask})))`, "a function that tostring calls"},
		{"string.format", `return select(2, pcall(string.format, "%s", setmetatable({}, {__tostring = ask})))`, "a function that string.format calls"},
		{"table.concat", `return select(2, pcall(table.concat, setmetatable({}, {__index = ask}), "", 1, 1))`, "a function that table.concat calls"},
		{"table.unpack", `return select(2, pcall(table.unpack, setmetatable({}, {__index = ask}), 1, 1))`, "a function that table.unpack calls"},
		{"table.insert", `return select(2, pcall(table.insert, setmetatable({}, {__newindex = ask}), 1))`, "a function that table.insert calls"},
		{"table.move", `return select(2, pcall(table.move, setmetatable({}, {__index = ask}), 1, 2, 3))`, "a function that table.move calls"},
		{"table.sort without a comparator", `local mt = {__lt = ask} return select(2, pcall(table.sort, {setmetatable({}, mt), setmetatable({}, mt)}))`, "a function that table.sort calls"},
		{"string.gsub with a table", `return select(2, pcall(string.gsub, "x", "x", setmetatable({}, {__index = ask})))`, "a function that string.gsub calls"},
		{"arithmetic on a string", `return select(2, pcall(function() return "10" + setmetatable({}, {__add = ask}) end))`, "arithmetic on a string"},
		{"a coroutine in tostring", `return select(2, pcall(tostring, setmetatable({}, {__tostring = function() return coroutine.wrap(ask)() end})))`, "a function that tostring calls"},
		{"a coroutine in a coroutine in tostring", `return select(2, pcall(tostring, setmetatable({}, {__tostring = function() return select(2, coroutine.resume(coroutine.create(function() return coroutine.wrap(ask)() end))) end})))`, "a function that tostring calls"},
		{"coroutine.close", `local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = ask}) coroutine.yield() end) coroutine.resume(co) return select(2, coroutine.close(co))`, "a function that coroutine.close calls"},
		{"a message handler", `return select(2, xpcall(error, function() return select(2, pcall(ask)) end))`, "a message handler of xpcall"},
		{"the closes of a failed wrap", `local why local co = coroutine.wrap(function() local x <close> = setmetatable({}, {__close = function() why = select(2, pcall(ask)) end}) error("x") end) pcall(co) return why`, "a function called from C or a __close handler of a failed coroutine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, ask := range map[string]string{
				"alc.llm": `alc.llm("hidden")`, "alc.llm ": `alc.llm_batch{{prompt = "hidden"}}`, "alc.time": `alc.time()`,
				"alc.fork": `alc.fork({"asking"}, {})`, "alc.state.set": `alc.state.set("hidden", 1)`, "require": `require("asking")`,
			} {
				name = strings.TrimSpace(name)
				o, h := play(t, askingModules, start("local _ = alc.state, alc.fork, alc.time local function ask() local v = "+ask+" return v end\n"+c.code))
				var why string
				if err := json.Unmarshal(o.Output, &why); err != nil {
					t.Errorf("%s: got %s %+v with %d queries", name, o.Output, o.Failure, len(o.Queries))
					continue
				}
				want := "strategy.lua:1: " + name + ": cannot pause here: inside " + c.inside + "; call it before or after, and pass the value in"
				if !strings.HasSuffix(why, want) { // coroutine.wrap puts its own place before it
					t.Errorf("got  %s\nwant %s", why, want)
				}
				if got := kinds(h.events); got != "started finished " || len(h.state) != 0 {
					t.Errorf("%s: recorded %s%s", name, got, fmt.Sprint(h.state))
				}
			}
		})
	}
}

// A part of the library that is not loaded yet cannot be where nothing can pause; the error says so.
func TestWhereLoadingFails(t *testing.T) {
	for code, want := range map[string]string{
		`alc.state.get("k")`: "alc.state", `alc.vote({})`: "alc.vote", `os.time()`: "os.time", `pairs(alc)`: "alc",
	} {
		o, _ := play(t, nil, start(`return select(2, pcall(tostring, setmetatable({}, {__tostring = function() local v = `+code+` return v end})))`))
		want = `"strategy.lua:1: ` + want + `: cannot be loaded here, where no script can pause: inside a function that tostring calls; use it once before"`
		if string(o.Output) != want {
			t.Errorf("%s:\n got %s\nwant %s", code, o.Output, want)
		}
	}
}
