package limits

import (
	"fmt"
	"strings"
)

// breach is a session that hits a limit.
type breach struct {
	name   string
	limit  string // that is hit
	value  any    // as the caller gives it
	shown  string // as the error shows it
	code   string
	rounds int // answers that it gets before
}

// computing are scripts that never end, memory ones that want all there is: each in a way of its own,
// most of them trying to catch what ends them.
var computing = []string{
	`while true do end`,
	`local function f() return f() end f()`,
	`while true do pcall(function() while true do end end) end`,
	`local function f() while true do pcall(f) end end f()`,
	`local function loop() while true do end end while true do xpcall(loop, loop) end`,
	`while true do coroutine.resume(coroutine.create(function() while true do end end)) end`,
	`local co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do co() end`,
	`while true do pcall(function() local x <close> = setmetatable({}, {__close = function() while true do end end}) error() end) end`,
	`local t = setmetatable({}, {__index = function() while true do end end}) while true do pcall(function() return t.x end) end`,
	`error(setmetatable({}, {__tostring = function() while true do pcall(error) end end}))`,
	`while true do pcall(table.sort, {3, 2, 1}, function() while true do pcall(error) end end) end`,
	`while true do pcall(string.gsub, "aaa", "a", function() while true do pcall(error) end end) end`,
	`while true do pcall(load, function() while true do pcall(error) end end) end`,
	`(("a"):rep(40)):find(("a*"):rep(20) .. "b")`,
	`(("a"):rep(40)):gsub(("a*"):rep(20) .. "b", "")`,
	`table.move({}, 1, math.maxinteger - 1, 2)`,
	`table.insert(setmetatable({}, {__len = function() return math.maxinteger - 1 end}), 1, 5)`,
	`table.remove(setmetatable({}, {__len = function() return math.maxinteger - 1 end}), 1)`,
	`table.concat(setmetatable({}, {__index = function() return "" end}), "", 1, math.maxinteger)`,
	`while true do (""):rep(1 << 60) end`,
	`local a, b = ("a"):rep(2 << 20), ("a"):rep(1 << 20) .. "b" while true do a:find(b, 1, true) end`,
	`while true do local t = {{}, {}, {}} end`,
	`while true do pcall(alc.json_decode, alc.json_encode({1, 2, {3}})) end`,
	`while true do pcall(alc.log, "info", "x") end`,
	`while true do pcall(os.clock) end`,
}

var hoarding = []string{
	`local s = "x" while true do s = s .. s end`,
	`while true do pcall(function() local s = "x" while true do s = s .. s end end) end`,
	`local t = {} while true do t[#t + 1] = {} end`,
	`local t = {} while true do pcall(function() while true do t[#t + 1] = {} end end) end`,
	`local t, i = {}, 0 while true do i = i + 1 t["k" .. i] = i end`,
	`local t = {} while true do t[#t + 1] = function() return t end end`,
	`local t = {} while true do t[#t + 1] = coroutine.create(next) end`,
	`local function f(...) return 1 + f(1, 2, 3, ...) end while true do pcall(f) end`,
	`local s = "x" xpcall(function() while true do s = s .. s end end, function() while true do s = s .. s end end)`,
	`pcall(function() local x <close> = setmetatable({}, {__close = function() local t = {} while true do t[#t + 1] = {} end end}) error() end)`,
	`error(setmetatable({}, {__tostring = function() local s = "x" while true do s = s .. s end end}))`,
	`local s = "x=1 " while true do s = s .. s load(s) end`,
	`load(function() return "x = 1 " end)`,
	`while true do pcall(coroutine.wrap(function() local t = {} while true do t[#t + 1] = {} end end)) end`,
	`local t = {} for i = 1, 25 do t = {t, t} end return t`,
	`local t = {} for i = 1, 25 do t = {t, t} end alc.json_encode(t)`,
	`while true do local ok, s = pcall(string.rep, "x", 1 << 40) if not ok then s = ("x"):rep(1 << 22) hoard = (hoard or "") .. s end end`,
	`local t = {} while true do t[#t + 1] = ("%s%99d"):format("x", #t) end`,
	`local t = {} while true do t[#t + 1] = ("x"):rep(1000):gsub("x", "yy") end`,
	`local t = {} while true do t = {t, table.pack(table.unpack({}, 1, 1000))} end`,
	`local t = {} while true do t[#t + 1] = table.concat({("x"):rep(5000), #t}) end`,
	`local t = {} while true do t[#t + 1] = setmetatable({}, {__mode = "k"}) end`,
	`alc.llm("q") local t = {} while true do t[#t + 1] = {} end`,
	`local a = alc.llm("q") while true do a = a .. a end`,
	`for i = 1, 3 do alc.llm("q") end while true do pcall(function() local t = {} while true do t = {t} end end) end`,
}

// breaches lists a hundred sessions, each with a limit, a value or a script of its own.
func breaches() []breach {
	var all []breach
	add := func(limit string, value any, shown, code string, rounds int) {
		all = append(all, breach{fmt.Sprintf("%s-%d", limit, len(all)), limit, value, shown, code, rounds})
	}
	for i, code := range computing {
		ms := fmt.Sprintf("%dms", 50+2*i)
		add("step_cpu", ms, ms, code, 0)
	}
	for i, code := range hoarding {
		add("memory", fmt.Sprintf("%dKiB", 4096+64*i), kib(4096+64*i), code, strings.Count(code, "alc.llm(\"q\")")*(1+2*strings.Count(code, "1, 3")))
	}
	for i := range 10 {
		add("llm_calls", 1+i, fmt.Sprint(1+i), `for i = 1, 100 do pcall(alc.llm, "q" .. i) end`, 1+i)
		add("batch", 1+i, fmt.Sprint(1+i), fmt.Sprintf(`local qs = {} for i = 1, %d do qs[i] = {prompt = "q" .. i} end pcall(alc.llm_batch, qs)`, 2+i), 0)
		add("prompt_size", 100+i, fmt.Sprintf("%d bytes", 100+i), fmt.Sprintf(`pcall(alc.llm, ("x"):rep(%d))`, 101+i), 0)
		add("result_size", 1000+i, fmt.Sprintf("%d bytes", 1000+i), fmt.Sprintf(`return ("x"):rep(%d)`, 999+i), 0)
		add("wall", fmt.Sprintf("%dms", 1+i), fmt.Sprintf("%dms", 1+i), `while true do alc.llm("again") end`, 1<<20)
	}
	return all
}

// kib is a size as the error of a VM shows it.
func kib(n int) string {
	if n%1024 == 0 {
		return fmt.Sprintf("%dMiB", n/1024)
	}
	return fmt.Sprintf("%dKiB", n)
}
