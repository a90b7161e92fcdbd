package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// mathCase is an expression over m, the library, r, a generator, and a few names, with what it
// gives: floats to ten digits, tables with sorted keys, "! " and the text of an error.
type mathCase struct{ expr, want string }

const mathPrelude = `
local m = alc.math
local nan, inf, h = 0/0, math.huge, {0.5, 0.5}
local function show(v)
  if type(v) == "table" then
    local out, keys = {}, {}
    for i = 1, #v do out[i] = show(v[i]) end
    for k in pairs(v) do if math.type(k) ~= "integer" then keys[#keys + 1] = k end end
    table.sort(keys)
    for _, k in ipairs(keys) do out[#out + 1] = k .. "=" .. show(v[k]) end
    return "{" .. table.concat(out, " ") .. "}"
  end
  if math.type(v) == "float" then
    local s = string.format("%.10g", v)
    return v == v // 1 and s:find("^-?%d+$") and s .. ".0" or s
  end
  return tostring(v)
end
local out = {}
local function try(f)
  local r = m.rng_create(42)
  local ok, v = pcall(f, r)
  out[#out + 1] = ok and show(v) or "! " .. v
end
`

// mathScript runs all cases of a function in one session, with a pause in the middle.
func mathScript(cases []mathCase) string {
	var b strings.Builder
	b.WriteString(mathPrelude)
	for i, c := range cases {
		if i == len(cases)/2 {
			b.WriteString("alc.llm('go on')\n")
		}
		fmt.Fprintf(&b, "try(function(r) local v = %s return v end)\n", c.expr)
	}
	b.WriteString("return out")
	return b.String()
}

func TestMath(t *testing.T) {
	for name, cases := range mathCases {
		t.Run(name, func(t *testing.T) {
			o, _ := play(t, nil, start(mathScript(cases)), "yes")
			if o.Failure != nil {
				t.Fatal(o.Failure.Message)
			}
			var got []string
			if err := json.Unmarshal(o.Output, &got); err != nil || len(got) != len(cases) {
				t.Fatalf("%s: %v", o.Output, err)
			}
			for i, c := range cases {
				if !strings.Contains(c.expr, "m."+name) {
					t.Errorf("%s is a case of another function", c.expr)
				}
				text, failed := strings.CutPrefix(c.want, "! ")
				if failed && (!strings.HasPrefix(got[i], "! strategy.lua:") || !strings.Contains(got[i], text)) || !failed && got[i] != c.want {
					t.Errorf("%s\ngot  %s\nwant %s", c.expr, got[i], c.want)
				}
			}
		})
	}
}

// Every member of alc.math has cases, with an error among them.
func TestMathIsCovered(t *testing.T) {
	o, _ := play(t, nil, start(`local names = {} for k, f in pairs(alc.math) do names[#names + 1] = k .. " " .. type(f) end return names`))
	var members, want []string
	if err := json.Unmarshal(o.Output, &members); err != nil {
		t.Fatal(err)
	}
	for name, cases := range mathCases {
		want = append(want, name+" function")
		if !slices.ContainsFunc(cases, func(c mathCase) bool { return strings.HasPrefix(c.want, "! ") }) {
			t.Errorf("%s has no case of an error", name)
		}
	}
	slices.Sort(members)
	slices.Sort(want)
	if d := cmp.Diff(want, members); d != "" || len(members) != 84 {
		t.Errorf("cases and members of alc.math differ (-cases +members), %d members:\n%s", len(members), d)
	}
	for name := range mathOps {
		if _, ok := mathCases[strings.TrimPrefix(name, "math.")]; !ok {
			t.Errorf("request %s belongs to no member", name)
		}
	}
}

// The theme loads when alc.math is first looked into, and makes what is asked for.
func TestMathIsLazy(t *testing.T) {
	tests := []struct{ name, code, want string }{
		{"a table at the start", `return type(alc.math)`, `"table"`},
		{"nothing is loaded before", `return rawget(alc, "math") == nil`, `true`},
		{"a member that was replaced stays", `alc.math.mean = function() return "mine" end return {alc.math.mean(), alc.math.median{1}, alc.math.mean()}`, `["mine",1.0,"mine"]`},
		{"a member is one value", `local f = alc.math.mean return {f == alc.math.mean, rawget(alc.math, "mean") == f, alc.math.nothing == nil}`, `[true,true,true]`},
		{"after pairs it is a plain table", `for _ in pairs(alc.math) do end return {getmetatable(alc.math) == nil, type(rawget(alc.math, "median"))}`, `[true,"function"]`},
		{"pairs load it", `local n = 0 for _ in pairs(alc.math) do n = n + 1 end return n`, `84`},
		{"replaced text functions do no harm", `string.format = nil tostring = nil return alc.math.mean{"3", 4}`, `3.5`},
		{"in a coroutine", `return coroutine.wrap(function() return alc.math.mean{1, 2} end)()`, `1.5`},
		{"in a metamethod", `return setmetatable({}, {__index = function(_, k) return alc.math.mean{1, k} end})[3]`, `2.0`},
		{"in a comparator", `local t = {3, 1, 2} table.sort(t, function(a, b) return alc.math.mean{a} < alc.math.mean{b} end) return t`, `[1,2,3]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, _ := play(t, nil, start(tt.code))
			if o.Failure != nil || string(o.Output) != tt.want {
				t.Errorf("got %s %v, want %s", o.Output, o.Failure, tt.want)
			}
		})
	}
}

// A generator is an opaque value of its own, and goes on after pauses as if there had been none.
func TestGenerators(t *testing.T) {
	tests := []struct {
		name, code string
		answers    []string
		want       string
	}{
		{"opaque", `local r = alc.math.rng_create(1) return {type(r), getmetatable(r), pcall(function() return r.seed end)}`, nil, `["userdata",false,false,`},
		{"no JSON", `return (pcall(alc.json_encode, alc.math.rng_create(1)))`, nil, `false`},
		{"no result", `return {alc.math.rng_create(1)}`, nil, `lua_error: json_encode: unsupported value type userdata`},
		{"no state", `return (pcall(alc.state.set, "r", alc.math.rng_create(1)))`, nil, `false`},
		{"each its own", `local m = alc.math local a, b = m.rng_create(7), m.rng_create(7) m.rng_float(b) m.rng_float(b) local x = {m.rng_float(a), m.rng_float(a)}
			local c = m.rng_create(7) return x[1] == m.rng_float(c) and x[2] == m.rng_float(c) and a ~= c`, nil, `true`},
		{"over pauses", `local m, r = alc.math, alc.math.rng_create(42) local t = {}
			for i = 1, 3 do t[i] = m.rng_int(r, 1, 100) alc.llm("p" .. t[i]) end t[4], t[5] = m.rng_int(r, 1, 100), m.rng_int(r, 1, 100) return t`,
			[]string{"a", "b", "c"}, `[53,55,64,41,4]`},
		{"in a prompt", `local m, r = alc.math, alc.math.rng_create(0) return alc.llm(tostring(m.normal_sample(r, 0, 1))) .. alc.llm(table.concat(m.shuffle(r, {1, 2, 3})))`,
			[]string{"x", "y"}, `"xy"`},
		{"a failed call takes no draw", `local m, a, b = alc.math, alc.math.rng_create(3), alc.math.rng_create(3)
			pcall(m.rng_int, a, 6, 5) pcall(m.gamma_sample, a, 0, 1) pcall(m.rng_int, a) return m.rng_float(a) == m.rng_float(b)`, nil, `true`},
		{"other boxes are none", `return (pcall(alc.math.rng_float, io))`, nil, `false`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, _ := play(t, nil, start(tt.code), tt.answers...)
			got := string(o.Output)
			if o.Failure != nil {
				got = o.Failure.Code + ": " + o.Failure.Message
			}
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// Arguments that ask for more than the session may have end in an error or a limit, not in a
// worker without memory or time.
func TestMathIsBounded(t *testing.T) {
	tests := []struct{ name, code, want string }{
		{"bins", `alc.math.histogram({1, 2}, 1e15)`, "lua_error: strategy.lua:1: histogram: bins 1000000000000000 is more than the memory of this session can hold"},
		{"calibration bins", `alc.math.calibration_error({1}, {1}, 2^62)`, "lua_error: strategy.lua:1: calibration_error: bins"},
		{"picks", `alc.math.sample_with_replacement(alc.math.rng_create(1), {1}, 2^40)`, "lua_error: strategy.lua:1: sample_with_replacement: n"},
		{"draws", `local x = {} for i = 1, 10000 do x[i] = i end for i = 1, 100 do pcall(alc.math.bootstrap_mean, x, 100000, 1) end`, "limit_exceeded: limit step_cpu (100ms)"},
		{"permutations", `local x = {} for i = 1, 10000 do x[i] = i end alc.math.permutation_test(x, x, 10000000, 1)`, "limit_exceeded: limit step_cpu (100ms)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := start(tt.code)
			st.Limits.StepCPU = 100 * time.Millisecond
			o := begin(t, newMemHost(), st).Outcome()
			if got := fmt.Sprint(o.Failure.Code, ": ", o.Failure.Message); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Arguments are read raw, and stay as they were.
func TestMathReadsRaw(t *testing.T) {
	o, _ := play(t, nil, start(`local m = alc.math
		local t = setmetatable({1, 2, x = 100}, {__len = function() error("len") end, __index = function() error("index") end, __pairs = error})
		local b = setmetatable({{1, 2}, {4, 4}}, getmetatable(t))
		local before = m.rng_create(5)
		return {m.mean(t), m.rank(t), #m.shuffle(before, t), m.cluster_bootstrap_mean(b, 10, 1).point, rawlen(t), t[1], t.x}`))
	if want := `[1.5,[1.0,2.0],2,2.75,2,1,100]`; o.Failure != nil || string(o.Output) != want {
		t.Errorf("got %s %v, want %s", o.Output, o.Failure, want)
	}
}
