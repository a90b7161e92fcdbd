package engine

import (
	"testing"
)

const evalframe = messages + "local ef = require('evalframe')\n"

func TestEvalframeKinds(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "cases", want: `[true,false,true,false,false]`, code: evalframe + `
			local c = ef.case { input = "x", tags = { "a" } }
			return { ef.case.is_case(c), ef.case.is_case { input = "x" }, ef.case.has_tag(c, "a"), ef.case.has_tag(c, "b"), ef.case.is_case(nil) }`},
		{name: "bindings", want: `[true,false,false]`, code: evalframe + `
			return { ef.bind.is_binding(ef.bind { ef.graders.contains }), ef.bind.is_binding { ef.graders.contains }, ef.bind.is_binding(1) }`},
		{name: "the provider of a strategy that is none raises", want: `[true,true]`, code: evalframe + `
			package.preload.idle = function() return {} end
			return { raised(ef.providers.algocline { strategy = "none" }, "x"):match("module 'none' not found") ~= nil,
				raised(ef.providers.algocline { strategy = "idle" }, "x") == "strategy 'idle' has no run function" }`},
		{name: "claude_cli", want: `["",true]`, code: evalframe + `
			local r = ef.providers.claude_cli { model = "x" }("hello")
			return { r.text, r.error ~= nil }`},
		{name: "std", want: `[true,true]`, code: evalframe + `return { ef.std == std, ef.std.json.decode("[1]")[1] == 1 }`},
		{name: "any has the error of the last", want: `[["false","nil"],["false","no"],["false","no2"],["false","nil"]]`, code: evalframe + `
			local function fails(text) return ef.grader "e" { check = function() error(text, 0) end } end
			local never, out = ef.grader "f" { check = function() return false end }, {}
			for i, pair in ipairs { { fails "no", never }, { never, fails "no" }, { fails "no", fails "no2" }, { never, never } } do
				local grade, why = ef.grader.any(pair[1], pair[2]).check({ text = "x" }, ef.case { input = "x" })
				out[i] = { tostring(grade), tostring(why) }
			end
			return out`},
		{name: "booleans pass, but take no step", want: `[1,0,0,0,0.7]`, code: evalframe + `
			local pass, steps = ef.scorer "p" { pass = 0.5 }.score, ef.scorer "s" { steps = { { 0, 0.2 }, { 1, 0.7 } } }.score
			return { pass(true), pass(false), steps(true), steps(false), steps(1) }`},
		{name: "factuality", answers: []string{"I say 4.", "none", "9"}, want: `[4,"no number",5]`, code: evalframe + `
			local judge = ef.llm_graders.factuality { provider = alc.llm }
			local c = ef.case { input = "Capital?", expected = { "Paris", "Lutetia" } }
			local one = judge.check({ text = "Paris" }, c)
			local two, why = judge.check({ text = "Paris" }, c)
			return { one, two == nil and why and "no number", (judge.check({ text = "Paris" }, c)) }`},
		{name: "factuality without a provider", want: `true`, code: evalframe + `
			return raised(ef.llm_graders.factuality, {}):match("provider") ~= nil and raised(ef.llm_graders.factuality):match("provider") ~= nil`},
	})
}

func TestEvalframeStats(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "aggregate", want: `{"total":5,"passed":3,"pass_rate":0.6,"pass_at_1":0.6,"pass_at_5":1.0,"mean":0.7,"median":1,"min":0,"max":1,"std":0.4472,
			"lower":0.1448,"upper":1,"a":[1,1,0.5,2],"b":[1,0,1.0,1],"tags":2,"ten":true}`, code: evalframe + `
			local function result(score, tags) return { case = ef.case { input = "x", tags = tags }, score = score, passed = score >= 1 } end
			local r = ef.stats.aggregate { result(1, { "a" }), result(0.5, { "a" }), result(1, { "b" }), result(0), result(1) }
			local function four(x) return tonumber(string.format("%.4f", x)) end
			local function tag(t) return { t.pass, t.fail, t.rate, t.stats.n } end
			local n = 0
			for _ in pairs(r.by_tag) do n = n + 1 end
			return { total = r.total, passed = r.passed, pass_rate = r.pass_rate, pass_at_1 = r.pass_at_1, pass_at_5 = r.pass_at_5, ten = r.pass_at_10 == nil,
				mean = four(r.scores.mean), median = r.scores.median, min = r.scores.min, max = r.scores.max, std = four(r.scores.std_dev),
				lower = four(r.ci_95.lower), upper = r.ci_95.upper, a = tag(r.by_tag.a), b = tag(r.by_tag.b), tags = n }`},
		{name: "aggregate of nothing and of one", want: `[0,0,0,[0.5,0.5]]`, code: evalframe + `
			local none = ef.stats.aggregate {}
			local one = ef.stats.aggregate { { case = ef.case { input = "x" }, score = 0.5, passed = false } }
			return { none.total, none.passed, none.scores.n, { one.ci_95.lower, one.ci_95.upper } }`},
		{name: "pass_at_k", want: `[0,1,0,0.5,0.7778,1]`, code: evalframe + `
			local p = ef.stats.pass_at_k
			local function four(x) return tonumber(string.format("%.4f", x)) end
			return { p(3, 0, 5), p(3, 1, 5), p(10, 0, 1), four(p(10, 5, 1)), four(p(10, 5, 2)), p(10, 6, 5) }`},
		{name: "welch_t", want: `[[0,0,false,"insufficient_data"],[0,4,false,"equal"],[-12.2474,4,true,"a<b"],[12.2474,4,true,"a>b"],[0,4,false,"equal"]]`, code: evalframe + `
			local d, w = ef.stats.describe, ef.stats.welch_t
			local function short(r) return { tonumber(string.format("%.4f", r.t_stat)), math.tointeger(r.df // 1), r.significant, r.direction } end
			return { short(w(d { 1 }, d { 1, 2 })), short(w(d { 1, 1, 1 }, d { 2, 2, 2 })), short(w(d { 1, 2, 3 }, d { 11, 12, 13 })),
				short(w(d { 11, 12, 13 }, d { 1, 2, 3 })), short(w(d { 1, 2, 3 }, d { 1, 2, 3 })) }`},
	})
}

func TestEvalframeSweeps(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "vary", want: `["d_1","mine","d_3",true]`, code: evalframe + `
			local first = { x = 1 }
			local dim = ef.vary "d" { first, { name = "mine" }, {} }
			return { dim[1].name, dim[2].name, dim[3].name, dim[1] ~= first and first.name == nil }`},
		{name: "variants", want: `["a_1_b_1","a_1_b_2","a_2_b_1","a_2_b_2",9,2,1]`, code: evalframe + `
			local a, b = ef.vary "a" { { x = 1 }, { x = 2 } }, ef.vary "b" { { y = 1 }, { y = 2 } }
			local all = ef.variants { a, b, base = { x = 0, z = 9 } }
			return { all[1].name, all[2].name, all[3].name, all[4].name, all[1].z, all[4].x, all[3].y }`},
		{name: "zip", want: `[1,"a_1_b_1"]`, code: evalframe + `
			local all = ef.variants { ef.vary "a" { { x = 1 } }, ef.vary "b" { { y = 1 }, { y = 2 } }, mode = "zip" }
			return { #all, all[1].name }`},
		{name: "errors", want: `[true,true,true,true,true]`, code: evalframe + `
			local function fails(...) return raised(...) ~= "no error" end
			return { fails(ef.vary, 5), fails(ef.vary "d", {}), fails(ef.variants, {}), fails(ef.variants, { ef.vary "d" { {} }, mode = "x" }), fails(ef.vary "d", "x") }`},
	})
}

func TestLoadCases(t *testing.T) {
	files := map[string]string{
		"/data/good.lua":   `local n = {} for _, w in ipairs { "a", "b" } do n[#n + 1] = { input = string.upper(w), tags = { type(alc) } } end return n`,
		"/data/bad.lua":    `return {`,
		"/data/raises.lua": `error("mine")`,
		"/data/list.lua":   `return 5`,
		"/data/asks.lua":   `return { { input = alc.llm("x") } }`,
	}
	const code = evalframe + `
		local cases = ef.load_cases("/data/good.lua")
		local out = { #cases, cases[2].input, cases[1].tags[1], ef.case.is_case(cases[1]) }
		for i, name in ipairs { "bad", "raises", "list", "asks", "none" } do
			local why = raised(ef.load_cases, "/data/" .. name .. ".lua")
			out[4 + i] = why ~= "no error" and why:find("/data/" .. name .. ".lua", 1, true) ~= nil or why
		end
		out[#out + 1] = raised(ef.load_cases, "/else/x.lua"):match("%-%-allow%-read=DIR")
		return out`
	h := newMemHost()
	h.disk = files
	st := start(code)
	st.Grants = Grants{Read: []string{"/data"}}
	checkOutcome(t, begin(t, h, st).Outcome(), `[2,"B","nil",true,true,true,true,true,true,"--allow-read=DIR"]`)
}
