package engine

import (
	"strings"
	"testing"
)

// askedOptions stands in for the model and keeps what it is asked with.
const askedOptions = `
local seen = {}
alc.llm = function(prompt, opts) seen[#seen + 1] = { prompt = prompt, opts = opts } return "answer" end
`

func TestGroundAndSpecify(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "flags", code: askedOptions + `alc.ground("a") alc.specify("b") return seen`, want: `[{"prompt":"a","opts":{"grounded":true}},{"prompt":"b","opts":{"underspecified":true}}]`},
		{name: "options are kept and copied", want: `[{"prompt":"a","opts":{"grounded":true,"system":"s"}},{"system":"s","grounded":false},"answer"]`,
			code: askedOptions + `local o = { system = "s", grounded = false } local r = alc.ground("a", o) return { seen[1], o, r }`},
		{name: "asks the model", code: `return { alc.ground("a"), alc.specify("b") }`, answers: []string{" x\n", "y"}, want: `[" x\n","y"]`},
		{name: "options of another type", code: "\nalc.ground('a', 'x')", want: "lua_error: strategy.lua:2: bad argument #2 to 'ground' (table expected, got string)"},
		{name: "no prompt", code: "\nalc.specify()", want: "lua_error: strategy.lua:2: bad argument #1 to 'llm' (string expected, got no value)"},
	})
}

// The flags reach whoever answers.
func TestFlagsReachTheHost(t *testing.T) {
	s := begin(t, newMemHost(), start(`alc.ground("a", { system = "s" }) alc.specify("b") alc.parallel({ 1 }, function() return { prompt = "c", grounded = true } end)`))
	step := func() Query {
		t.Helper()
		q := s.Open()[0]
		if _, err := s.Answer(t.Context(), []Answer{{QueryID: q.ID, Response: "x"}}); err != nil {
			t.Fatal(err)
		}
		return q
	}
	if q := step(); !q.Grounded || q.Underspecified || q.System == nil || *q.System != "s" {
		t.Errorf("ground asked %+v", q)
	}
	if q := step(); q.Grounded || !q.Underspecified {
		t.Errorf("specify asked %+v", q)
	}
	if q := step(); q.Prompt != "c" || !q.Grounded {
		t.Errorf("parallel asked %+v", q)
	}
}

func TestLLMSafe(t *testing.T) {
	logged := `local log = {} alc.log = function(level, msg) log[#log + 1] = level .. " " .. msg end `
	runLibrary(t, []libraryTest{
		{name: "an answer", code: `return { alc.llm_safe("p", { max_tokens = 5 }, "d") }`, answers: []string{"a"}, want: `["a"]`},
		{name: "a failure", code: logged + `alc.llm = function() error("boom", 0) end local r = alc.llm_safe("p", nil, { 1 }) return { r, log }`, want: `[[1],["warn alc.llm_safe: the call failed and the default stands in: boom"]]`},
		{name: "no default", code: `alc.llm = function() error("boom") end return tostring(alc.llm_safe("p"))`, want: `"nil"`},
		{name: "bad arguments", code: `return { alc.llm_safe(nil, nil, 1), alc.llm_safe("p", 5, 2) }`, want: `[1,2]`},
		{name: "the budget", code: `return alc.llm_safe("p", nil, "d")`, ctx: `{"budget":{"max_llm_calls":0}}`, want: `"d"`},
		{name: "an error that is no text", code: logged + `alc.llm = function() error({}) end alc.llm_safe("p") return #log`, want: `1`},
		{name: "an error that cannot be logged as it is", code: `alc.llm = function() error("\xff", 0) end return alc.llm_safe("p", nil, "d")`, want: `"d"`},
		{name: "an error that cannot be shown", code: `alc.llm = function() error(setmetatable({}, { __tostring = function() error("x") end })) end return alc.llm_safe("p", nil, "d")`, want: `"d"`},
		{name: "no model at all", code: `alc.llm = nil return alc.llm_safe("p", nil, "d")`, want: `"d"`},
	})
}

func TestLLMJSON(t *testing.T) {
	scripted := func(answers ...string) string {
		return `
local seen, warned, answers = {}, 0, { "` + strings.Join(answers, `", "`) + `" }
alc.llm = function(p, o) seen[#seen + 1] = { p = p, o = o } return answers[#seen] end
alc.log = function(level) if level == "warn" then warned = warned + 1 end end
`
	}
	runLibrary(t, []libraryTest{
		{name: "first answer", code: `local v, raw = alc.llm_json("q") return { v, raw }`, answers: []string{"so: [1]"}, want: `[[1],"so: [1]"]`},
		{name: "second answer", code: `local v, raw = alc.llm_json("q", { max_tokens = 9 }) return { v, raw }`, answers: []string{"no", "{}"}, want: `[{},"{}"]`},
		{name: "neither", code: `local v, raw = alc.llm_json("q") return { v == nil, raw }`, answers: []string{"no", "nor"}, want: `[true,"nor"]`},
		{name: "warnings", code: scripted("no", "nor") + `alc.llm_json("q") return warned`, want: `2`},
		{name: "no warning", code: scripted("{}") + `alc.llm_json("q") return warned`, want: `0`},
		{name: "what it asks the second time", want: `[true,true,true,true,7,"r","mine",2]`, code: scripted("BROKEN", "{}") + `
local o = { system = "mine", max_tokens = 7, role = "r" }
alc.llm_json("REQUEST", o)
local p, again = seen[2].p, seen[2].o
return { p:find("BROKEN", 1, true) ~= nil, p:find("REQUEST", 1, true) ~= nil, again.system ~= "mine", type(again.system) == "string", again.max_tokens, again.role, o.system, #seen }`},
		{name: "the same options the first time", code: scripted("{}") + `local o = {} alc.llm_json("q", o) return { seen[1].o == o, alc.llm_json == nil }`, want: `[true,false]`},
		{name: "a failing call", code: `alc.llm_json("q")`, ctx: `{"budget":{"max_llm_calls":1}}`, answers: []string{"no"}, want: "lua_error: "},
		{name: "options of another type", code: `local x = alc.llm_json("q", 5)`, want: "lua_error: strategy.lua:1: bad argument #2 to 'llm_json' (table expected, got number)"},
	})
}

func TestParallel(t *testing.T) {
	batch := `
local sent
alc.llm_batch = function(b) sent = b local r = {} for i = 1, #b do r[i] = "r" .. i end return r end
`
	runLibrary(t, []libraryTest{
		{name: "one pause", code: `return alc.parallel({ "a", "b" }, function(x, i) return x .. i end)`, answers: []string{"A", "B"}, want: `["A","B"]`},
		{name: "shared options", code: batch + `alc.parallel({ 1 }, function() return "p" end, { system = "s", max_tokens = 5, role = "r", grounded = true }) return sent`, want: `[{"prompt":"p","system":"s","max_tokens":5}]`},
		{name: "tables go as they are", code: batch + `local q = { prompt = "p", role = "r" } alc.parallel({ 1 }, function() return q end, { system = "s" }) return { sent[1] == q, q }`, want: `[true,{"prompt":"p","role":"r"}]`},
		{name: "post_fn", code: `return alc.parallel({ "a", "b" }, function(x) return x end, { post_fn = function(r, x, i) return r .. x .. i end })`, answers: []string{"A", "B"}, want: `["Aa1","Bb2"]`},
		{name: "post_fn that asks", code: `return alc.parallel({ "a", "b" }, function(x) return x end, { post_fn = function(r) return alc.llm(r) end })`, answers: []string{"A", "B", "1", "2"}, want: `["1","2"]`},
		{name: "post_fn without a result", code: batch + `local r = alc.parallel({ 1, 2 }, function() return "p" end, { post_fn = function(r, _, i) if i == 2 then return r end end }) return { r[1] == nil, r[2] }`, want: `[true,"r2"]`},
		{name: "post_fn that fails", code: batch + `alc.parallel({ 1 }, function() return "p" end, { post_fn = function() error("in post", 0) end })`, want: "lua_error: in post"},
		{name: "items end at a hole", code: batch + `alc.parallel({ 1, nil, 3 }, function(x) return "p" .. x end) return sent`, want: `[{"prompt":"p1"}]`},
		{name: "an empty prompt", code: batch + `alc.parallel({ 1 }, function() return "" end) return sent`, want: `[{"prompt":""}]`},
		{name: "nothing is sent before all prompts are made", code: batch + `pcall(alc.parallel, { 1, 2 }, function(x) if x == 1 then return "p" end end) return sent == nil`, want: `true`},
		{name: "no items", code: "\nlocal r = alc.parallel({}, print)", want: "lua_error: strategy.lua:2: alc.parallel: items must be a non-empty array"},
		{name: "no array", code: `local r = alc.parallel({ x = 1 }, print)`, want: "lua_error: strategy.lua:1: alc.parallel: items must be a non-empty array"},
		{name: "no function", code: `local r = alc.parallel({ 1 })`, want: "lua_error: strategy.lua:1: alc.parallel: prompt_fn must be a function"},
		{name: "a number as prompt", code: `local r = alc.parallel({ 1, 2 }, function(x) return x == 1 and "p" or x end)`, want: "lua_error: strategy.lua:1: alc.parallel: prompt_fn must return string or table, got number at index 2"},
		{name: "no prompt", code: `local r = alc.parallel({ 1 }, function() end)`, want: "lua_error: strategy.lua:1: alc.parallel: prompt_fn must return string or table, got nil at index 1"},
		{name: "a table without prompt", code: `local r = alc.parallel({ 1 }, function() return { prompt = 5 } end)`, want: "lua_error: strategy.lua:1: alc.parallel: prompt_fn returned table without .prompt at index 1"},
		{name: "prompt_fn that fails", code: `alc.parallel({ 1 }, function() error("in prompt", 0) end)`, want: "lua_error: in prompt"},
	})
}

func TestBudgetCheck(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "no budget", code: `return alc.budget_check()`, want: `true`},
		{name: "calls", code: `local a = alc.budget_check() alc.llm("p") return { a, alc.budget_check() }`, ctx: `{"budget":{"max_llm_calls":1}}`, answers: []string{"x"}, want: `[true,false]`},
		{name: "time", code: `return alc.budget_check()`, ctx: `{"budget":{"max_elapsed_ms":0}}`, want: `false`},
		{name: "tokens are not looked at", code: `return alc.budget_check()`, ctx: `{"budget":{"max_tokens":0}}`, want: `true`},
		{name: "asks alc.budget_remaining", code: `alc.budget_remaining = function() return { elapsed_ms = -1 } end return alc.budget_check()`, want: `false`},
		{name: "numbers only", code: `alc.budget_remaining = function() return { llm_calls = "0" } end return alc.budget_check()`, want: `true`},
	})
}

func TestCache(t *testing.T) {
	counted := `local n = 0 alc.llm = function(p) n = n + 1 return p .. n end `
	runLibrary(t, []libraryTest{
		{name: "asks once", code: `return { alc.cache("p"), alc.cache(" P "), alc.cache_info() }`, answers: []string{"a"}, want: `["a","a",{"entries":1,"hits":1,"misses":1,"max_entries":256}]`},
		{name: "what makes a key", code: counted + `alc.cache("p") alc.cache("p", { system = "s" }) alc.cache("p", { max_tokens = 5 }) alc.cache("p", { system = "s", max_tokens = 5 }) alc.cache("p", { role = "r", system = {} }) return n`, want: `4`},
		{name: "a key of its own", code: counted + `return { alc.cache("a", { cache_key = "k" }), alc.cache("b", { cache_key = "k" }), alc.cache("c", { cache_key = 1 }), alc.cache("d", { cache_key = 1 }) }`, want: `["a1","a1","c2","c2"]`},
		{name: "a key that is no text", code: counted + `local k = {} return { alc.cache("a", { cache_key = k }), alc.cache("b", { cache_key = k }), alc.cache("c", { cache_key = "\xff" }) }`, want: `["a1","a1","c2"]`},
		{name: "skipped", code: counted + `return { alc.cache("a", { cache_skip = true }), alc.cache("a"), alc.cache("a", { cache_skip = true }), alc.cache_info() }`, want: `["a1","a2","a3",{"entries":1,"hits":0,"misses":1,"max_entries":256}]`},
		{name: "failures are not kept", code: `alc.llm = function() error("x", 0) end local ok = pcall(alc.cache, "p") return { ok, alc.cache_info().entries, alc.cache_info().misses }`, want: `[false,0,0]`},
		{name: "cleared", code: counted + `alc.cache("a") alc.cache_clear() return { alc.cache("a"), alc.cache_info() }`, want: `["a2",{"entries":1,"hits":0,"misses":1,"max_entries":256}]`},
		{name: "the oldest goes first, hits or not", want: `[false,true,256,true]`, code: counted + `
for i = 1, 256 do alc.cache("p" .. i) end
alc.cache("p1")
alc.cache("new")
local function known(p) local before = n alc.cache(p) return n == before end
return { known("p1"), known("p3"), alc.cache_info().entries, known("new") }`},
		{name: "the ring goes round", want: `[768,256,true,false]`, code: counted + `
for i = 1, 768 do alc.cache("p" .. i) end
local asked = n
local function known(p) local before = n alc.cache(p) return n == before end
return { asked, alc.cache_info().entries, known("p513"), known("p512") }`},
		{name: "a key that is asked while it is asked", want: `["inner","inner",1]`, code: `
local depth = 0
alc.llm = function(p) depth = depth + 1 if depth == 1 then alc.cache(p) return "inner" end return "inner" end
return { alc.cache("p"), alc.cache("p"), alc.cache_info().entries }`},
		{name: "logs", want: `["debug miss","debug hit"]`, code: `
local l = {}
alc.llm = function() return "x" end
alc.log = function(level, m) l[#l + 1] = level .. " " .. (m:match("hit") or m:match("miss")) end
alc.cache("p")
alc.cache("p")
alc.cache("p", { cache_skip = true })
return l`},
		{name: "options of another type", code: `local r = alc.cache("p", 5)`, want: "lua_error: strategy.lua:1: bad argument #2 to 'cache' (table expected, got number)"},
		{name: "no prompt", code: `local r = alc.cache()`, want: "lua_error: "},
	})
}
