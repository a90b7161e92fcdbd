package engine

import "testing"

func TestTuning(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "known keys only", code: `return alc.tuning({ a = 1, b = 2 }, { b = 3, c = 4 })`, want: `{"a":1,"b":3}`},
		{name: "tables are merged", code: `return alc.tuning({ t = { a = 1, u = { b = 2, c = 3 } } }, { t = { u = { c = 4, d = 5 } } })`, want: `{"t":{"a":1,"u":{"b":2,"c":4}}}`},
		{name: "arrays are replaced", code: `return alc.tuning({ l = { 1, 2 }, m = { 1 } }, { l = { 3 }, m = { x = 1 } })`, want: `{"l":[3],"m":{"x":1}}`},
		{name: "an empty table stays empty", code: `return alc.tuning({ t = {} }, { t = { a = 1 } })`, want: `{"t":{}}`},
		{name: "other types replace", code: `return alc.tuning({ t = { a = 1 }, n = 1, on = true }, { t = "x", n = { 1 }, on = false })`, want: `{"t":"x","n":[1],"on":false}`},
		{name: "_schema is dropped where tables are merged", code: `return alc.tuning({ _schema = 1, a = 1, s = { _schema = 1, b = 2 }, u = { _schema = 1 } }, { _schema = 2, s = {} })`, want: `{"a":1,"s":{"b":2},"u":{"_schema":1}}`},
		{name: "what is not overridden is shared", code: `local d = { t = { a = 1 } } local r = alc.tuning(d, {}) return { r ~= d, r.t == d.t, alc.tuning(d, { t = {} }).t ~= d.t }`, want: `[true,true,true]`},
		{name: "prefix", code: `return { alc.tuning({ a = 1 }, { p = { a = 2 }, a = 3 }, { prefix = "p" }), alc.tuning({ a = 1 }, { a = 3 }, { prefix = "p" }), alc.tuning({ a = 1 }, { p = {}, a = 3 }, { prefix = "p" }) }`, want: `[{"a":2},{"a":3},{"a":1}]`},
		{name: "prefix of another type", want: `[{"a":1},{"a":1},["warn true","warn true"]]`, code: `
local l = {}
alc.log = function(level, m) l[#l + 1] = level .. " " .. tostring(m:find("pk", 1, true) ~= nil) end
return { alc.tuning({ a = 1 }, { pk = "x", a = 2 }, { prefix = "pk" }), alc.tuning({ a = 1 }, { pk = false, a = 2 }, { prefix = "pk" }), l }`},
		{name: "no ctx", code: `return { alc.tuning({ a = 1 }), alc.tuning({ a = 1 }, nil, { prefix = "p" }), alc.tuning({ a = 1 }, false), alc.tuning({ a = 1 }, "x") }`, want: `[{"a":1},{"a":1},{"a":1},{"a":1}]`},
		{name: "defaults of another type", code: `return { alc.tuning("x", { a = 1 }), tostring(alc.tuning(nil)), alc.tuning(5) }`, want: `["x","nil",5]`},
		{name: "ctx of another type", code: `local r = alc.tuning({}, 5)`, want: "lua_error: strategy.lua:1: bad argument #2 to 'tuning' (table expected, got number)"},
		{name: "options of another type", code: `local r = alc.tuning({}, {}, 5)`, want: "lua_error: strategy.lua:1: bad argument #3 to 'tuning' (table expected, got number)"},
	})
}

func TestPipe(t *testing.T) {
	stages := `
local function gives(v) return function(c) c.result = v return c end end
local tasks = {}
local function notes(c) tasks[#tasks + 1] = tostring(c.task) return c end
`
	runLibrary(t, []libraryTest{
		{name: "results become tasks", code: stages + `local c = alc.pipe({ gives { 1 }, notes, gives(false), notes, gives(2.5), notes }, { task = "t" }) return { tasks, c.task }`, want: `[["[1]","false","2.5"],"2.5"]`},
		{name: "no result leaves the task", code: stages + `alc.pipe({ notes, notes }, { task = "t" }) return tasks`, want: `["t","t"]`},
		{name: "a result from before counts", code: stages + `alc.pipe({ notes, notes }, { task = "t", result = "old" }) return tasks`, want: `["t","old"]`},
		{name: "history", code: stages + `return alc.pipe({ gives("a"), gives { 1 } }, {}).pipe_history`, want: `[{"strategy":"(inline-1)","result":"a"},{"strategy":"(inline-2)","result":[1]}]`},
		{name: "history holds the result itself", code: stages + `local v = {} return alc.pipe({ gives(v) }, {}).pipe_history[1].result == v`, want: `true`},
		{name: "the caller's ctx stays", code: stages + `local c = { sub = {}, pipe_history = "mine" } local out = alc.pipe({ function(x) x.sub.n = 1 x.new = 1 return x end }, c) return { c, out.new }`, want: `[{"sub":{"n":1},"pipe_history":"mine"},1]`},
		{name: "a fresh ctx that carries the history", code: `return alc.pipe({ function(c) return { result = "x", pipe_history = c.pipe_history } end }, {})`, want: `{"result":"x","pipe_history":[{"strategy":"(inline-1)","result":"x"}]}`},
		{name: "asks", code: `local st = function(c) c.result = alc.llm(c.task) return c end return alc.pipe({ st, st }, { task = "t" }).result`, answers: []string{"a", "b"}, want: `"b"`},
		{name: "packages", code: `package.loaded.p = { run = function(c) c.result = c.task .. "!" return c end } return alc.pipe({ "p", "p" }, { task = "t" }).result`, want: `"t!!"`},
		{name: "on_stage may change the ctx", code: stages + `alc.pipe({ gives(1), notes }, {}, { on_stage = function(i, name, c) c.task = name .. i end }) return tasks`, want: `["(inline-1)1"]`},
		{name: "a failed stage is left out", want: `["b:a",1,["(inline-1) nil","(inline-2) x","(inline-3) nil"],["(inline-1)","(inline-3)"]]`, code: stages + `
local called, history = {}, {}
local c = alc.pipe({ gives("a"), function(c) c.touched = 1 error("x", 0) end, function(c) c.result = "b:" .. c.task return c end }, {},
  { on_error = "skip", on_stage = function(_, name) called[#called + 1] = name end })
for i, h in ipairs(c.pipe_history) do history[i] = h.strategy .. " " .. tostring(h.error) end
return { c.result, c.touched, history, called }`},
		{name: "a failed stage is logged", want: `["warn","(inline-1)","why"]`, code: `
local l
alc.log = function(level, m) l = { level, m:match("%(inline%-1%)"), m:match("why") } end
alc.pipe({ function() error("why") end }, {}, { on_error = "skip" })
return l`},
		{name: "a failed stage that asked", code: `return alc.pipe({ function(c) alc.llm("p") error("x", 0) end }, {}, { on_error = "skip" }).pipe_history`, answers: []string{"a"}, want: `[{"strategy":"(inline-1)","error":"x"}]`},
		{name: "errors abort", code: `alc.pipe({ function() error({ code = 7 }) end }, {})`, want: "lua_error: table"},
		{name: "error tables pass unchanged", code: `local e = { 7 } local _, got = pcall(alc.pipe, { function() error(e) end }, {}) return got == e`, want: `true`},
		{name: "a result that is no JSON", code: stages + `local c = { gives { print }, notes } return { (pcall(alc.pipe, c, {})), (pcall(alc.pipe, c, {}, { on_error = "skip" })), (pcall(alc.pipe, { c[1] }, {})) }`, want: `[false,false,true]`},
		{name: "on_stage that fails", code: stages + `return (pcall(alc.pipe, { notes }, {}, { on_error = "skip", on_stage = function() error("x") end }))`, want: `false`},
		{name: "the stages before a bad entry have run", code: stages + `return { (pcall(alc.pipe, { notes, 5 }, { task = "t" })), tasks }`, want: `[false,["t"]]`},
		{name: "no stages", code: `local c = alc.pipe({}, {})`, want: "lua_error: strategy.lua:1: alc.pipe: strategies must be a non-empty array"},
		{name: "no ctx", code: `local c = alc.pipe({ print })`, want: "lua_error: strategy.lua:1: alc.pipe: ctx must be a table"},
		{name: "options of another type", code: `local c = alc.pipe({ print }, {}, 5)`, want: "lua_error: strategy.lua:1: bad argument #3 to 'pipe' (table expected, got number)"},
		{name: "an entry of another type", code: `local c = alc.pipe({ 5 }, {}, { on_error = "skip" })`, want: "lua_error: strategy.lua:1: alc.pipe: strategy[1] must be a string or function"},
		{name: "an unknown package", code: `local c = alc.pipe({ "nope" }, {}, { on_error = "skip" })`, want: "lua_error: strategy.lua:1: alc.pipe: failed to load strategy 'nope': module 'nope' not found:"},
		{name: "a package that fails to load", code: `package.preload.bad = function() error("broken") end local c = alc.pipe({ "bad" }, {})`, want: "lua_error: strategy.lua:1: alc.pipe: failed to load strategy 'bad': strategy.lua:1: broken"},
		{name: "a package that asks while it loads", code: `package.preload.asks = function() local a = alc.llm("p") return { run = function(c) c.result = a return c end } end return alc.pipe({ "asks" }, {}).result`, answers: []string{"x"}, want: `"x"`},
		{name: "a package without run", code: `package.loaded.p = { run = 5 } local c = alc.pipe({ "p" }, {}, { on_error = "skip" })`, want: "lua_error: strategy.lua:1: alc.pipe: strategy 'p' must export run(ctx)"},
		{name: "a stage that returns no table", code: `local c = alc.pipe({ function() return "x" end }, {}, { on_error = "skip" })`, want: "lua_error: strategy.lua:1: alc.pipe: strategy '(inline-1)' must return a table (ctx)"},
		{name: "a fresh ctx without the history", code: `local c = alc.pipe({ function() return {} end }, {}, { on_error = "skip" })`, want: "lua_error: strategy.lua:1: alc.pipe: strategy '(inline-1)' returned a ctx without the pipe_history"},
	})
}
