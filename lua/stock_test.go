package lua

import (
	"strings"
	"testing"

	"github.com/algocline/algocline/lua/internal/stock"
)

func stockVM(t testing.TB) *stock.VM {
	t.Helper()
	v, err := stock.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// show puts any values into one text. Objects are named by their kind: their addresses are
// stock Lua's own affair.
const show = `
local function show(...)
	local out = table.pack(...)
	for i = 1, out.n do
		local v = out[i]
		local kind = type(v)
		if kind == "table" or kind == "function" or kind == "thread" then v = kind end
		if kind == "string" then v = ("%q"):format(v) end
		out[i] = tostring(v)
	end
	return table.concat(out, " ")
end
`

// same runs a script, whose global main gives some values, here and in stock Lua.
func same(t *testing.T, script string) {
	t.Helper()
	const outer = "\nlocal co = coroutine.wrap(function() return show(main()) end) return co()"
	source := show + script + outer
	want, err := stockVM(t).Run(source, "")
	if err != nil {
		t.Fatalf("stock Lua fails: %v\n%s", err, script)
	}
	got, _ := run(t, source)[0].(string)
	if got != want {
		t.Errorf("%s\n got %s\nwant %s", strings.TrimSpace(script), got, want)
	}
}

func TestCoroutinesAsInStockLua(t *testing.T) {
	for _, script := range []string{
		// resume and yield
		`function main() local co = coroutine.create(function(a, b) local c = coroutine.yield(a + b) return c * 2, "end" end)
			local r = {} r[1] = show(coroutine.resume(co, 1, 2)) r[2] = show(coroutine.resume(co, 21)) r[3] = show(coroutine.resume(co)) return table.unpack(r) end`,
		`function main() local co = coroutine.create(function() error("x") end) return coroutine.resume(co) end`,
		`function main() local co = coroutine.create(function() error({}) end) return coroutine.resume(co) end`,
		`function main() local co = coroutine.create(error) coroutine.resume(co) return coroutine.resume(co) end`,
		`function main() return pcall(coroutine.resume, 1) end`,
		`function main() return pcall(coroutine.resume) end`,
		`function main() return pcall(coroutine.create, 1) end`,
		`function main() return pcall(coroutine.wrap) end`,
		`function main() local co co = coroutine.create(function() return coroutine.resume(co) end) return coroutine.resume(co) end`,
		`function main() local co co = coroutine.wrap(function() return pcall(co) end) return co() end`,
		`function main() local a, b a = coroutine.create(function() return coroutine.resume(b) end) b = coroutine.create(function() return coroutine.resume(a) end) return coroutine.resume(a) end`,
		`function main() local co = coroutine.create(function(...) return select("#", ...) end) return coroutine.resume(co, table.unpack({}, 1, 5000)) end`,
		`function main() local co = coroutine.create(function() coroutine.yield(table.unpack({}, 1, 5000)) end) return select("#", coroutine.resume(co)) end`,
		`function main() local co = coroutine.create(function(...) end) return select("#", coroutine.resume(co, table.unpack({}, 1, 200000))), coroutine.status(co) end`,
		// status
		`function main() local s = {} local co co = coroutine.create(function() s[1] = coroutine.status(co) coroutine.wrap(function() s[2] = coroutine.status(co) end)() coroutine.yield() end)
			s[0] = coroutine.status(co) coroutine.resume(co) s[3] = coroutine.status(co) coroutine.resume(co) s[4] = coroutine.status(co) return s[0], s[1], s[2], s[3], s[4] end`,
		`function main() local co = coroutine.create(error) coroutine.resume(co, "x") return coroutine.status(co) end`,
		`function main() return pcall(coroutine.status, {}) end`,
		`function main() local co, main = coroutine.running() return type(co), main, coroutine.status(co), coroutine.isyieldable(), coroutine.isyieldable(co) end`,
		`function main() local co = coroutine.create(function() end) return coroutine.isyieldable(co) end`,
		// yields through protected calls, iterators, metamethods
		`function main() local co = coroutine.wrap(function() return pcall(function() return coroutine.yield(1) end) end) return co(), co(2) end`,
		`function main() local co = coroutine.wrap(function() return pcall(function() coroutine.yield(1) error("late") end) end) co() return co() end`,
		`function main() local co = coroutine.wrap(function() return xpcall(function() coroutine.yield(1) error("late", 0) end, function(m) return m .. "!" end) end) co() return co() end`,
		`function main() local co = coroutine.wrap(function() return select(2, xpcall(function(...) return select("#", ...) end, error, 1, nil, nil)) end) return co() end`,
		`function main() local co = coroutine.wrap(function() for i in function(_, i) i = (i or 0) + 1 coroutine.yield(i) return i < 3 and i or nil end do end return "done" end) return co(), co(), co(), co() end`,
		`function main() local t = setmetatable({}, {__index = function(_, k) return coroutine.yield(k) end, __add = function(a, b) return coroutine.yield("add") end}) local co = coroutine.wrap(function() return t.x, t + 1 end) return co(), co(5), co(6) end`,
		`function main() local co = coroutine.wrap(function() for k, v in pairs(setmetatable({}, {__pairs = function(t) coroutine.yield("p") return next, {a = 1}, nil end})) do return k, v end end) return co(), co() end`,
		`function main() return pcall(coroutine.wrap(function() table.concat(setmetatable({}, {__index = function() coroutine.yield() end}), "", 1, 1) end)) end`,
		`function main() return coroutine.wrap(function() return pcall(tostring, setmetatable({}, {__tostring = function() coroutine.yield() end})) end)() end`,
		// wrap
		`function main() local co = coroutine.wrap(function() error("x") end) return pcall(co) end`,
		`function main() local co = coroutine.wrap(function() error({1}) end) return pcall(co) end`,
		`function main() local co = coroutine.wrap(function() error() end) return pcall(co) end`,
		`function main() local co = coroutine.wrap(function() return 1 end) co() return pcall(co) end`,
		`function main() local log = {} local co = coroutine.wrap(function() local x <close> = setmetatable({}, {__close = function(_, e) log[#log + 1] = tostring(e) end}) error("x", 0) end) return pcall(co), log[1], #log end`,
		`function main() local co = coroutine.wrap(function() local x <close> = setmetatable({}, {__close = function(_, e) error("again", 0) end}) error("x", 0) end) return pcall(co) end`,
		`function main() local co = coroutine.wrap(function() local x <close> = setmetatable({}, {__close = function(_, e) error({}, 0) end}) error("x", 0) end) return pcall(co) end`,
		// close
		`function main() local log = {} local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = function(_, e) log[#log + 1] = tostring(e) end}) coroutine.yield() end) coroutine.resume(co) return coroutine.close(co), coroutine.status(co), log[1] end`,
		`function main() local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = function() error("in close", 0) end}) coroutine.yield() end) coroutine.resume(co) return coroutine.close(co) end`,
		`function main() local co = coroutine.create(function() error("x", 0) end) coroutine.resume(co) return coroutine.close(co) end`,
		`function main() local co = coroutine.create(function() error("x", 0) end) coroutine.resume(co) coroutine.close(co) return coroutine.close(co) end`,
		`function main() local co = coroutine.create(function() end) return coroutine.close(co), coroutine.resume(co) end`,
		`function main() return pcall(coroutine.close, coroutine.running()) end`,
		`function main() local co co = coroutine.create(function() return coroutine.wrap(function() return pcall(coroutine.close, co) end)() end) return coroutine.resume(co) end`,
		`function main() local co co = coroutine.create(function() local x <close> = setmetatable({}, {__close = function() coroutine.yield(1) end}) coroutine.yield(2) end) coroutine.resume(co) return coroutine.close(co) end`,
		// depth
		`function main() local function f(n) if n == 0 then return "bottom" end return coroutine.wrap(f)(n - 1) end return pcall(f, 150) end`,
		`function main() local function f(n) return coroutine.wrap(f)(n + 1) end local ok, e = pcall(f, 1) return ok, e:match("C stack overflow") end`,
	} {
		same(t, script)
	}
}

func TestBaseAsInStockLua(t *testing.T) {
	for _, script := range []string{
		`function main() return pcall(pcall) end`,
		`function main() return pcall(xpcall, 1) end`,
		`function main() return pcall(error) end`,
		`function main() return xpcall(function() error("a", 0) end, function(m) error("b", 0) end) end`,
		`function main() return xpcall(error, function(...) return select("#", ...) end, "m") end`,
		`function main() return select("#", xpcall(function() end, next)) end`,
		`function main() return tostring(1), tostring(1.0), tostring(-0.0), tostring(1e100), tostring(nil), tostring(true), tostring(2^63), tostring(math.mininteger) end`,
		`function main() return tostring(setmetatable({}, {__tostring = function() return "text" end})) end`,
		`function main() return pcall(tostring, setmetatable({}, {__tostring = function() return 1 end})) end`,
		`function main() return pcall(tostring, setmetatable({}, {__tostring = function() return {} end})) end`,
		`function main() return (tostring(setmetatable({}, {__name = "Kind"})):match("^Kind: 0x%x+$")) ~= nil end`,
		`function main() return (tostring({}):match("^table: 0x%x+$")) ~= nil end`,
		`function main() return pcall(tostring) end`,
		`function main() return pcall(setmetatable, {}) end`,
		`function main() return pcall(setmetatable, 1, {}) end`,
		`function main() return pcall(setmetatable, setmetatable({}, {__metatable = 1}), {}) end`,
		`function main() local mt = {__gc = function() end} local t = setmetatable({}, mt) return mt.__gc ~= nil, getmetatable(t) == mt, getmetatable(setmetatable(t, nil)) end`,
		`function main() return pcall(pairs) end`,
		`function main() return pairs({}) == next, select("#", pairs({})), select("#", ipairs({})) end`,
		`function main() local t = {} for k, v in pairs(setmetatable({}, {__pairs = function(t) return function(_, k) if not k then return 1, 2 end end, t, nil end})) do t[#t + 1] = k + v end return t[1], #t end`,
		`function main() local s = 0 for i, v in ipairs(setmetatable({}, {__index = function(_, i) return i < 5 and i or nil end})) do s = s + v end return s end`,
		`function main() return load("return 1 + ...")(2) end`,
		`function main() return load("x y") end`,
		`function main() return load("x y", "=name") end`,
		`function main() return load("x y", "@name") end`,
		`function main() return load("return a", "n", "t", {a = 5})() end`,
		`function main() return load("return a", "n", "t", nil) end`,
		`function main() return load("return 1", "n", "b") end`,
		`function main() local n = 0 return load(function() n = n + 1 return ({"return ", "1", " + 1"})[n] end)() end`,
		`function main() local n = 0 return load(function() n = n + 1 return ({"return ", "", " + 1"})[n] end) end`,
		`function main() local n = 0 return load(function() n = n + 1 return n < 3 and n or nil end) end`,
		`function main() return load(function() return {} end) end`,
		`function main() return load(function() error("reader", 0) end) end`,
		`function main() return pcall(load) end`,
		`function main() return pcall(load, {}) end`,
		`function main() return pcall(load, "x", {}) end`,
		`function main() return load(function() end) ~= nil end`,
		`function main() return type(collectgarbage("count")), collectgarbage("isrunning"), collectgarbage("stop"), collectgarbage("isrunning"), collectgarbage("restart"), collectgarbage(), collectgarbage("step", 1e6) end`,
		`function main() return pcall(collectgarbage, "x") end`,
		`function main() return collectgarbage("incremental") end`,
		`function main() return select("#", collectgarbage("collect")), select(-1, 1, 2), pcall(select, 0) end`,
		`function main() math.randomseed(42) return math.random(0), math.random(10), math.random(-3, 3), math.random(), math.random(math.mininteger, math.maxinteger), math.random(1 << 40) end`,
		`function main() math.randomseed(1, 2) return math.random(0), select("#", math.randomseed(3)) end`,
		`function main() return select(2, pcall(math.random, 2, 1)):gsub('#%d', '') end`,
		`function main() return pcall(math.random, 1, 2, 3) end`,
		`function main() return pcall(math.random, 1.5) end`,
		`function main() return math.pow(2, 0.5), math.log10(1000), math.cosh(1), math.sinh(1), math.tanh(1), math.frexp(10), math.ldexp(0.5, 4) end`,
	} {
		same(t, script)
	}
}
