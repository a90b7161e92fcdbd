package escape

// Attempts on the library: its members replaced, and all of its functions called with anything.

var replaced = []attempt{
	{name: "replaced basics", code: `type, tostring, pcall, error, next, ipairs, pairs, select, rawget, rawset, tonumber = nil return {alc.llm("echo x"), alc.json_encode({1})}`, gives: `["echo x","[1]"]`},
	{name: "replaced libraries", code: `string, table, math, coroutine, utf8, os, io = nil return alc.llm("echo x")`, gives: `"echo x"`},
	{name: "replaced members", code: `table.concat, table.unpack, table.sort, math.floor = error, error, error, error return #alc.llm_batch({{prompt = "a"}, {prompt = "b"}})`, gives: `2`},
	{name: "no alc", code: `alc = nil print("x") return require("kind").name`, gives: `"kind"`},
	{name: "no alc.llm", code: `alc.llm = nil return alc.llm_safe("x", nil, "default")`, gives: `"default"`},
	{name: "alc.llm of its own", code: `alc.llm = function(p) return "own: " .. p end return {alc.llm_safe("x"), (alc.llm_json('{"a":1}'))}`, gives: `["own: x",{"a":1}]`},
	{name: "alc.llm that calls itself", code: `local llm = alc.llm alc.llm = function(...) return alc.llm(...) end return alc.llm("x")`, limit: "step_cpu"},
	{name: "alc.json_encode of its own", code: `alc.json_encode = function() return "}" end alc.state.set("escape.k", {1}) return {{alc.state.get("escape.k")}, alc.state.delete("escape.k")}`, gives: `[[[1]],true]`},
	{name: "alc.log that loops", code: `alc.log = function() while true do end end return alc.llm_safe("x", 5, 1)`, limit: "step_cpu"},
	{name: "print of its own", code: `print = nil warn = nil return pcall(print)`, gives: `false`},
	{name: "members under other types", code: `rawset(alc, "llm", 5) rawset(alc, 1, 2) rawset(alc, "__index", error) return {pcall(alc.llm, "x")}`, gives: `[false,"attempt to call a number value"]`},
	{name: "alc.llm in a batch", code: `alc.llm = function() return "own" end return alc.llm_batch{{prompt = "echo a"}}`, gives: `["echo a"]`},
	{name: "alc.llm_batch of its own", code: `alc.llm_batch = function() return {"own"} end return {alc.llm("echo x"), alc.llm_batch()}`, gives: `["echo x",["own"]]`},
	{name: "alc.llm that loops, in all that asks", code: `alc.llm = function() while true do end end alc.cache("x")`, limit: "step_cpu"},
	{name: "alc.llm that gives no text", code: `alc.llm = function() return setmetatable({}, {__tostring = error, __index = error, __concat = error, __len = error}) end return {(pcall(alc.llm_json, "x")), (pcall(alc.cache, "x")), (pcall(alc.llm_safe, "x", nil, 1))}`, gives: `[false,true,true]`},
	{name: "alc.json_decode that loops", code: `alc.json_decode = function() while true do end end alc.llm_json("echo {}")`, limit: "step_cpu"},
	{name: "alc.state replaced", code: `alc.state = {get = error, set = error} return {alc.cache("echo x"), (pcall(alc.state.get, "k"))}`, gives: `["echo x",false]`},
	{name: "alc.state's members replaced", code: `local s = alc.state s.get = function() return "own" end s.set = function() end return {s.update("escape.k", function(v) return v .. "!" end), s.has("escape.k")}`, gives: `["own!",false]`},
	{name: "an update that always meets another value", code: `alc.state.update("escape.race", function() alc.state.set("escape.race", math.random()) return 1 end)`, limit: "step_cpu"},
	{name: "alc._dirs of its own", code: `rawset(alc, "_dirs", setmetatable({}, {__index = function() return "%HOME%" end})) return {(pcall(require, "secret")), (pcall(alc.eval, "secret", "kind"))}`, gives: `[false,false]`},
	{name: "alc.env of its own", code: `alc.env = {PATH = "mine"} rawset(alc, "env", nil) return {alc.env == nil, os.getenv("PATH") == nil}`, gives: `[true,true]`},
	{name: "alc.card replaced", code: `alc.card = nil return alc.llm("echo x", {card_context = "nothing"})`, gives: `"echo x"`},
	{name: "os and io replaced", code: `os.getenv = function() return "mine" end io.open = function() return "mine" end return {os.getenv("HOME"), io.open("/etc/passwd"), (io.lines == nil)}`, gives: `["mine","mine",false]`},
	{name: "every member, by one that raises", code: `local function no() error("replaced", 0) end for k, v in pairs(alc) do if type(v) == "function" then alc[k] = no elseif type(v) == "table" then for n, f in pairs(v) do pcall(rawset, v, n, no) end end end
		print("still here") return {(pcall(alc.llm, "x")), require("kind").name, os.time() > 0}`, gives: `[false,"kind",true]`},
	{name: "every function of Lua, by one that raises", code: `local pairs, type, llm, encode, state = pairs, type, alc.llm, alc.json_encode, alc.state
		for _, lib in pairs{string, table, math, utf8, coroutine} do for k in pairs(lib) do lib[k] = function() error("replaced", 0) end end end
		state.set("escape.k", {1}) local v = state.get("escape.k") state.delete("escape.k") return {llm("echo x"), encode(v), alc.chunk and 1 or 2}`, gives: `["echo x","[1]",1]`},
	{name: "a mock that never ends", code: `local t = require("alc.testing") return type(t)`, gives: `"table"`},
	{name: "members that are taken away one by one", code: `for k in pairs(alc) do alc[k] = nil end for k in pairs(alc) do return k end return "empty"`, gives: `"empty"`},
}

// anything is Lua for a list of values to call functions with.
const anything = `
local cycle = {} cycle[1], cycle.self = cycle, cycle
local hostile = setmetatable({}, {__index = function() error("index") end, __newindex = error, __len = function() return 1 << 40 end, __call = error, __tostring = error,
	__concat = error, __eq = error, __lt = error, __le = error, __add = error, __pairs = error, __close = error, __name = 5})
local lying = setmetatable({}, {__index = function(_, k) if type(k) ~= "number" or k < 100 then return k end end, __len = function() return -1 end, __tostring = function() return "\xff\0" end})
local list = {nil, true, 0, -1, 1.5, 0/0, 1/0, math.mininteger, math.maxinteger, 1 << 31, 1 << 24, "", "x", "\0\xff\xfe", ("("):rep(300), ("x"):rep(2000), "%s%d%q", "../../secret", "/etc/passwd",
	{}, {1, 2, 3}, {"a", "b"}, {{}, {}}, {[1 << 40] = 1}, cycle, hostile, lying, print, error, function() error(hostile) end, function(...) return ... end, coroutine.create(error), coroutine.running()}
local n = 33
local tried = 0
local function try(f)
  for i = 1, n do
    local a = list[i]
    pcall(f, a)
    for _, b in ipairs{-1, 0/0, 1 << 24, "x", {}, {1}, hostile} do pcall(f, a, b) end
    pcall(f, a, a, a) pcall(f, {a, a}, {a, a}, {a, a}) pcall(f, {x = a}, {x = a}) pcall(f, "x", a, a) pcall(f, {1, 2}, a, a) pcall(f, a, function() return a end) pcall(f, "x", {n = a, size = a, max = a, limit = a, k = a})
    tried = tried + 14
  end
end
`

var argumentsOfAll = []attempt{
	{name: "of alc", code: anything + `
		local skip = {fork = true, llm_batch = true, state = true, card = true, math = true, env = true}
		for _, k in ipairs((function() local names = {} for k in pairs(alc) do names[#names + 1] = k end table.sort(names) return names end)()) do
			if not skip[k] and type(alc[k]) == "function" then try(alc[k]) end
		end return tried > 10000`, gives: `true`, limits: map[string]any{"llm_calls": 10_000, "batch": 1000, "memory": "64MiB"}},
	{name: "of alc.math", code: anything + `for k, f in pairs(alc.math) do if type(f) == "function" then try(f) end end return tried > 30000`, gives: `true`, limits: map[string]any{"memory": "64MiB"}},
	{name: "of alc.state and alc.card", code: anything + `for _, t in ipairs{alc.state, alc.card} do for k, f in pairs(t) do if type(f) == "function" and k ~= "update" then for i = 1, n do pcall(f, list[i]) pcall(f, list[i], list[i], list[i]) pcall(f, "escape", list[i]) tried = tried + 1 end end end end return tried > 500`, gives: `true`},
	{name: "of alc.llm and alc.llm_batch", code: anything + `for i = 1, n do local a = list[i] pcall(alc.llm, a, a) pcall(alc.llm, "x", {system = a, max_tokens = a, role = a, grounded = a, card_context = a, cache_breakpoint = a}) pcall(alc.llm_batch, a) pcall(alc.llm_batch, {a}) pcall(alc.llm_batch, {{prompt = a}}) end return "alive"`,
		gives: `"alive"`, limits: map[string]any{"llm_calls": 10_000}},
	{name: "of alc.fork", code: anything + `for i = 1, n do local a = list[i] pcall(alc.fork, a, a) pcall(alc.fork, {a}, a) pcall(alc.fork, {"kind"}, a) end return "alive"`, gives: `"alive"`},
	{name: "of string and utf8", code: anything + `for _, lib in ipairs{string, utf8} do for k, f in pairs(lib) do if type(f) == "function" and k ~= "rep" then try(f) end end end return tried > 9000`, gives: `true`, limits: map[string]any{"memory": "64MiB"}},
	{name: "of math", code: anything + `for k, f in pairs(math) do if type(f) == "function" then try(f) end end return tried > 10000`, gives: `true`},
	{name: "of the base functions", code: anything + `for _, f in ipairs{assert, error, getmetatable, ipairs, load, next, pairs, pcall, rawequal, rawget, rawlen, rawset, select, tonumber, tostring, type, xpcall, collectgarbage, require, print, warn, loadfile, dofile, package.searchpath, package.searchers[1]} do try(f) end return tried > 10000`, gives: `true`},
	{name: "of os and io", code: anything + `for _, lib in ipairs{os, io} do for k, f in pairs(lib) do if type(f) == "function" then try(f) end end end return tried > 5000`, gives: `true`, grants: map[string]any{"read": "%HOME%/granted"}},
	{name: "of coroutine", code: anything + `for k, f in pairs(coroutine) do for i = 1, n do if k ~= "yield" then pcall(f, list[i]) pcall(f, list[i], list[i]) end end end return "alive"`, gives: `"alive"`},
	{name: "of table", code: anything + `for k, f in pairs(table) do for i = 1, n do local a = list[i] if not rawequal(a, hostile) and not rawequal(a, lying) then pcall(f, a) pcall(f, a, 1) pcall(f, {1, 2, 3}, a) pcall(f, {1, 2, 3}, 1, a) end end end return "alive"`, gives: `"alive"`},
	{name: "of a file", code: anything + `local f = io.open("open.txt") for _, k in ipairs{"read", "lines", "seek", "setvbuf", "write", "flush"} do for i = 1, n do pcall(f[k], f, list[i]) pcall(f[k], f, list[i], list[i]) pcall(f[k], list[i]) end end return f:close()`, gives: `true`, grants: map[string]any{"read": "%HOME%/granted"}},
	{name: "of patterns", code: `local bad = {"(", ")", "%", "[", "[a", "[^", "[%", "%b", "%bx", "%f", "%f[", "%1", "%9", "(()", "()%2", ("("):rep(40), "[]", "[^]", "(.", "%g(", "a**", "^*", "[a-", "[z-a]"}
		for _, p in ipairs(bad) do for _, f in ipairs{string.find, string.match, string.gmatch} do pcall(f, "some text (x)", p) end pcall(string.gsub, "x", p, "%1") pcall(string.gsub, "x", "x", p) end return "alive"`, gives: `"alive"`},
	{name: "of formats", code: `for _, f in ipairs{"%", "%1", "%99999d", "%1.999f", "%-+ #0d", "%ll", "%n", "%*d", "%c", "%q", "%s", "%i", "%p", "%a", "%5q", "%.300s", "%00000000000000005d"} do for _, v in ipairs{1, 1.5, 0/0, -1 << 63, "x\0y", {}, print, true} do pcall(string.format, f, v) end pcall(string.format, f) end return "alive"`, gives: `"alive"`},
	{name: "of packs", code: `for _, f in ipairs{"i17", "i0", "s16", "c", "c-1", "c99999999999999999999", "!17", "!", "X", "Xz", "<>=!", "j", "z", "s", "d", "n", "xxx", "i16i16!16i16"} do for _, v in ipairs{1, -1, 1.5, "x", "x\0", math.mininteger} do pcall(string.pack, f, v, v) pcall(string.unpack, f, ("\255"):rep(20)) pcall(string.unpack, f, "x", v) pcall(string.packsize, f) end end return "alive"`, gives: `"alive"`},
}
