package engine

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// libraryTest is a script and what it must lead to: the JSON text of its result, or, when want
// begins with "lua_error: ", the beginning of its failure.
type libraryTest struct {
	name, code, ctx string
	answers         []string
	want            string
}

// runLibrary plays each script live, dropped at every pause, and replayed.
func runLibrary(t *testing.T, tests []libraryTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := start(tt.code)
			if tt.ctx != "" {
				st.Ctx = []byte(tt.ctx)
			}
			o, _ := play(t, nil, st, tt.answers...)
			checkOutcome(t, o, tt.want)
		})
	}
}

func checkOutcome(t *testing.T, o Outcome, want string) {
	t.Helper()
	if o.Kind != OutcomeFinished {
		t.Fatalf("ended as %s, with %d queries open", o.Kind, len(o.Queries))
	}
	if o.Failure != nil {
		got := o.Failure.Code + ": " + o.Failure.Message
		if !strings.HasPrefix(want, "lua_error: ") || !strings.HasPrefix(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		return
	}
	var g, w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("got %s, want %s", o.Output, want)
	}
	if err := json.Unmarshal(o.Output, &g); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(w, g); d != "" {
		t.Errorf("result (-want +got):\n%s", d)
	}
}

// messages is Lua for the first line of each error that a list of calls raises.
const messages = `
local function raised(...)
  local ok, e = pcall(...)
  return ok and "no error" or (tostring(e):gsub("\n.*", ""))
end
`

// What a theme's functions use is what it was before the script ran, however late the theme is
// loaded and whatever the script has done to it.
func TestLibrarySurvivesReplacedFunctions(t *testing.T) {
	code := `
for _, lib in ipairs { string, table, math, utf8 } do
  for name in pairs(lib) do lib[name] = function() error("replaced") end end
end
local calls = {
  { alc.chunk, "a\nb", { size = 1 } },
  { alc.fingerprint, "Hello" },
  { alc.match_enum, "ÉTÉ aprove", { "approve" } },
  { alc.match_bool, "yes" },
  { alc.parse_score, "7" },
  { alc.parse_number, "7" },
  { alc.json_extract, "x {}" },
  { alc.fmt, "%d", 1.5 },
  { alc.map, { 1 }, function(x) return x end },
  { alc.vote, { "a" } },
  { alc.tuning, { a = 1 }, { a = 2 } },
  { alc.pipe, { function(c) c.result = {} return c end, function(c) return c end }, {} },
  { alc.cache_info },
  { alc.budget_check },
}
type, tostring, tonumber, pcall0 = nil, nil, nil, pcall
local ok = {}
for i, c in ipairs(calls) do ok[i] = pcall(c[1], c[2], c[3]) end
return ok
`
	o, _ := play(t, nil, start(code))
	checkOutcome(t, o, "["+strings.Repeat("true,", 13)+"true]")
}

// A function that the script has replaced stays replaced when its theme is loaded.
func TestLazyMembers(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "a replaced member stays", code: `alc.filter = "mine" alc.map({}, 1) return alc.filter`, want: `"mine"`},
		{name: "the others are the functions themselves", want: `[true,true]`,
			code: `local f = alc.reduce alc.map({}, 1) return { f == alc.reduce, f({ 1, 2 }, math.max) == 2 }`},
		{name: "a removed member stays removed", code: `alc.filter = nil alc.map({}, 1) return { alc.filter == nil, type(alc.map) }`, want: `[true,"function"]`},
		{name: "pairs shows them all", code: `local n = 0 for k in pairs(alc) do n = n + 1 end return { n > 35, rawget(alc, "vote") ~= nil, rawget(alc, "state") ~= nil }`, want: `[true,true,true]`},
		{name: "os and io too", code: `local t = os.time os.time = 5 return { type(t), os.time, type(io.open), io.nothing == nil, package.loaded.os == os }`, want: `["function",5,"function",true,true]`},
		{name: "a function kept from before works", code: `local vote = alc.vote alc.vote({}) return vote({ "a" }).winner`, want: `"a"`},
		{name: "they are functions", code: `for _, n in ipairs { "chunk", "fmt", "cache", "pipe", "log" } do assert(type(alc[n]) == "function") end return 1`, want: `1`},
	})
}

// A VM that uses none of the themes is small, and all of these themes together are not large.
func TestLibrarySize(t *testing.T) {
	held := func(code string) float64 {
		o := begin(t, newMemHost(), start(code+` collectgarbage() return collectgarbage("count")`)).Outcome()
		var n float64
		if err := json.Unmarshal(o.Output, &n); err != nil {
			t.Fatalf("%v: %+v", err, o.Failure)
		}
		return n
	}
	var load strings.Builder
	for _, m := range []string{"chunk", "match_bool", "parse_score", "fmt", "cache_info", "ground", "map", "tuning"} {
		fmt.Fprintf(&load, "pcall(alc.%s) ", m)
	}
	core := held("")
	all := held(load.String())
	t.Logf("core %.1f KB, with the themes of text and combinators %.1f KB", core, all)
	if core > 80 {
		t.Errorf("the core holds %.1f KB, want at most 80", core)
	}
	if all-core > 60 {
		t.Errorf("the themes hold %.1f KB, want at most 60", all-core)
	}
}

func TestEnvironment(t *testing.T) {
	st := start(messages + `
local env = alc.env
return {
  a = env.A, empty = env.EMPTY, none = env.NONE == nil, got = env:get("A"), default = env:get("NONE", "d"),
  no_default = env:get("NONE") == nil, some = env:use { "A", "NONE", "5" }, number = env[5], method = type(env.get),
  named_get = env:get("get"), meta = getmetatable(env),
  errors = {
    raised(function() env.A = "2" end),
    raised(function() env.NEW = "2" end),
    raised(function() env:get() end),
    raised(function() env:use() end),
    raised(function() env:use { {} } end),
  },
}`)
	st.Env = map[string]string{"A": "1", "EMPTY": "", "5": "five", "get": "shadowed"}
	o, _ := play(t, nil, st)
	checkOutcome(t, o, `{"a":"1","empty":"","none":true,"got":"1","default":"d","no_default":true,"some":{"A":"1","5":"five"},
		"number":"five","method":"function","named_get":"shadowed","meta":false,"errors":[
		"strategy.lua:13: alc.env is readonly","strategy.lua:14: alc.env is readonly",
		"strategy.lua:15: bad argument #2 to 'get' (string expected, got no value)",
		"strategy.lua:16: bad argument #2 to 'use' (table expected, got no value)",
		"strategy.lua:17: bad argument #2 to 'use' (string expected, got table)"]}`)
}

// The children of a fork have the values of their parent.
func TestEnvironmentOfChildren(t *testing.T) {
	st := start(`return alc.fork({ "child" }, {})[1].result`)
	st.Env = map[string]string{"A": "1"}
	st.Dirs = Dirs{State: "/home/a/state"}
	o, _ := play(t, func(h *memHost) {
		h.modules["child"] = `return { run = function() return { alc.env.A, alc._dirs.state } end }`
	}, st)
	checkOutcome(t, o, `["1","/home/a/state"]`)
}

func TestNoEnvironment(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "nothing in it", code: `return { alc.env.A == nil, alc.env:get("A", 5), alc.env:use { "A" } }`, want: `[true,5,{}]`},
		{name: "may be replaced", code: `alc.env = { A = 1 } return alc.env.A`, want: `1`},
	})
}

// Directories are those of the session's start, wherever it is replayed.
func TestDirs(t *testing.T) {
	st := start(`alc.llm("p") return alc._dirs`)
	st.Dirs = Dirs{State: "/home/a/state", Cards: "/home/a/cards", Scenarios: "/home/a/scenarios"}
	o, _ := play(t, nil, st, "x")
	checkOutcome(t, o, `{"state":"/home/a/state","cards":"/home/a/cards","scenarios":"/home/a/scenarios"}`)
}

func TestStd(t *testing.T) {
	runLibrary(t, []libraryTest{
		{name: "json", code: `return { std.json.decode("[1]"), std.json.encode { a = 1 } }`, want: `[[1],"{\"a\":1}"]`},
		{name: "time", code: `return std.time.now() > 1e9`, want: `true`},
		{name: "files need a grant", code: `local s, why = std.fs.read("/etc/passwd") return { s == nil, why:find("--allow-read", 1, true) ~= nil, std.fs.is_file("/etc/passwd") }`, want: `[true,true,false]`},
	})
}

// Every standard function that a theme uses is among those that are kept for themes.
func TestThemesUseWhatIsKept(t *testing.T) {
	kept := map[string]bool{}
	for _, m := range regexp.MustCompile(`pristine\.(\w+) = keep\({}, \w+, "([^"]*)"`).FindAllStringSubmatch(string(libFile("lib/base.lua")), -1) {
		for _, name := range strings.Fields(m[2]) {
			kept[m[1]+"."+name] = true
		}
	}
	themes, err := libFiles.ReadDir("lib/theme")
	if err != nil || len(themes) == 0 || len(kept) == 0 {
		t.Fatalf("%d themes, %d names, %v", len(themes), len(kept), err)
	}
	comment := regexp.MustCompile(`--[^\n]*`)
	used := regexp.MustCompile(`\b(?:math|string|table|utf8)\.\w+`)
	for _, f := range themes {
		for _, name := range used.FindAllString(comment.ReplaceAllString(string(libFile("lib/theme/"+f.Name())), ""), -1) {
			if !kept[name] {
				t.Errorf("theme %s uses %s, which base.lua does not keep", f.Name(), name)
			}
		}
	}
}

// Whatever a function is called with, its error speaks of the call, at the caller's line, and not
// of the library's inside.
func TestErrorsNameTheCaller(t *testing.T) {
	runLibrary(t, []libraryTest{{name: "all types of arguments", want: `{}`, code: `
local functions = { "chunk", "fingerprint", "match_enum", "match_bool", "parse_score", "parse_number", "json_extract", "fmt",
  "log_fmt", "cache", "cache_info", "cache_clear", "ground", "specify", "llm_safe", "llm_json", "parallel", "budget_check",
  "map", "filter", "reduce", "vote", "tuning", "pipe" }
local values = { false, 5, "x", {}, { 1 }, print, coroutine.create(print) }
alc.llm = function(p) return "[1]" end
alc.llm_batch = function(b) return b end
local odd, seen = {}, {}
local function try(name, ...)
  local ok, e = pcall(function(...) local r = alc[name](...) end, ...)
  if not ok and type(e) == "string" and not e:find("^strategy.lua:") and not seen[name .. e] then
    seen[name .. e] = true
    odd[#odd + 1] = name .. ": " .. e
  end
end
for _, name in ipairs(functions) do
  try(name)
  for i = 0, #values do
    for j = 0, #values do
      for k = 0, #values do try(name, values[i], values[j], values[k]) end
    end
  end
end
return odd`}})
}
