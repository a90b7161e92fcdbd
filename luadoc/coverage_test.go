package luadoc_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// walking lists what a VM has: every function below the roots, and what is at each documented
// name. ctx.values are documented values, whose insides are not members.
const walking = `
local roots = { alc = alc, std = std, os = os, io = io, package = package, evalframe = require("evalframe") }

local function callable(v)
  if type(v) == "function" then return true end
  local meta = getmetatable(v)
  return type(meta) == "table" and meta.__call ~= nil
end

local values = {}
for _, name in ipairs(ctx.values) do values[name] = true end

local found = {}
local function walk(path, t)
  for k, v in pairs(t) do
    local name = path .. "." .. tostring(k)
    if callable(v) or values[name] or type(v) ~= "table" then found[name] = callable(v) and "function" or "value" end
    if type(v) == "table" and not values[name] then walk(name, v) end
  end
end
for name, t in pairs(roots) do walk(name, t) end

local documented = {}
for _, name in ipairs(ctx.names) do
  local v = roots
  if _G[name:match("^[^.]+")] ~= nil then v = _G end
  for part in name:gmatch("[^.]+") do v = v[part] end
  documented[name] = v == nil and "missing" or callable(v) and "function" or "value"
end
return { found = found, documented = documented }
`

func plain(name string) string { return strings.ReplaceAll(name, ":", ".") }

// The source describes every member that a session's VM has, and no other.
func TestCoverage(t *testing.T) {
	t.Parallel()
	var in struct {
		Names  []string `json:"names"`
		Values []string `json:"values"`
	}
	want := map[string]string{}
	for _, m := range api(t).Members() {
		if m.Spec {
			continue
		}
		name := plain(m.Name)
		in.Names = append(in.Names, name)
		want[name] = "function"
		if !m.Function() {
			in.Values = append(in.Values, name)
			want[name] = "value"
		}
	}
	ctx, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Found, Documented map[string]string }
	if err := json.Unmarshal(run(t, sessions(t, nil), walking, string(ctx)), &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got.Documented); d != "" {
		t.Errorf("what is documented is not what the VM has (-documented +VM):\n%s", d)
	}
	if len(got.Found) < 150 {
		t.Errorf("found only %d members", len(got.Found))
	}
	for name := range got.Found {
		if want[name] == "" {
			t.Errorf("the VM has %s, and luadoc/api does not describe it", name)
		}
	}
}

var (
	caseBegins = regexp.MustCompile(`\n(?:\t\t\{|func )`)
	// failing is how tests write that a call must raise.
	failing = regexp.MustCompile(`raised\(|raised,|pcall|fails\(|lua_error|error_has|to\.fail`)
)

// units are the tests of behaviour: recorded vectors, cases of tables in Go, spec files.
func units(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"../engine/*_test.go", "../lua/*_test.go", "../test/vectors/testdata/*.jsonl", "../strategy/pkgtest/testdata/*.lua"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(found), err)
		}
		for _, f := range found {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			parts := []string{string(text)}
			switch filepath.Ext(f) {
			case ".jsonl":
				parts = strings.Split(string(text), "\n")
			case ".go":
				parts = caseBegins.Split(string(text), -1)
			}
			all = append(all, parts...)
		}
	}
	return all
}

// using returns a function that tells whether a test uses a member: by its whole name, or by its
// last, which scripts like to reach by a short name of the table that it stands in.
func using(name string) func(text string) bool {
	name = plain(name)
	parts := strings.Split(name, ".")
	last := parts[len(parts)-1]
	whole := regexp.MustCompile(`(?:^|[^.:\w])` + regexp.QuoteMeta(name) + `\b`)
	short := regexp.MustCompile(`[.:"]` + last + `\b`)
	deep := len(parts) > 2 || parts[0] == "evalframe"
	return func(text string) bool {
		return strings.Contains(text, last) && (whole.MatchString(text) || deep && short.MatchString(text))
	}
}

// Every member is used by a test of behaviour, not only by its example, and what its entry says that
// it raises by one that wants an error.
func TestEveryMemberIsTested(t *testing.T) {
	t.Parallel()
	all := units(t)
	if len(all) < 1000 {
		t.Fatalf("found only %d tests", len(all))
	}
	for _, m := range api(t).Members() {
		uses := using(m.Name)
		switch {
		case !slices.ContainsFunc(all, uses):
			t.Errorf("no test of behaviour uses %s", m.Name)
		case len(m.Errors) > 0 && !slices.ContainsFunc(all, func(text string) bool { return uses(text) && failing.MatchString(text) }):
			t.Errorf("no test of behaviour wants an error of %s", m.Name)
		}
	}
}

func TestUsing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, name string
		want       bool
	}{
		{`alc.map({1}, f)`, "alc.map", true},
		{`alc.mapped`, "alc.map", false},
		{`c.map({1}, f)`, "alc.map", false},
		{`local m = alc.math return m.mean {1}`, "alc.math.mean", true},
		{`local m = alc.math return m.meaning {1}`, "alc.math.mean", false},
		{`mean {1}`, "alc.math.mean", false},
		{`alc.env:get("A")`, "alc.env:get", true},
		{`ef.vary("d")`, "evalframe.vary", true},
		{`x.print(1)`, "print", false},
		{`print(1)`, "print", true},
	} {
		if got := using(tt.name)(tt.text); got != tt.want {
			t.Errorf("%s in %s: %v", tt.name, tt.text, got)
		}
	}
}

// loading runs a definitions file with globals of its own and lists the functions that it makes.
const loading = `
local roots = ctx.file == "spec.d.lua" and { alc = {} } or {}
local chunk = assert(load(ctx.source, "=definitions", "t", roots))
local module = chunk()
if module then roots[ctx.module] = module end
local names = {}
local function walk(path, t)
  for k, v in pairs(t) do
    local name = path == "" and k or path .. "." .. k
    if type(v) == "function" then names[#names + 1] = name else walk(name, v) end
  end
end
walk("", roots)
table.sort(names)
return names
`

// A definitions file is Lua, and its functions are those that the source describes, which
// TestCoverage finds in the VM.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	home, defs := sessions(t, nil), api(t).Definitions()
	want := map[string][]string{}
	for _, m := range api(t).Members() {
		file := "alc.d.lua"
		switch {
		case m.Spec:
			file = "spec.d.lua"
		case strings.HasPrefix(m.Name, "evalframe."):
			file = "evalframe.d.lua"
		}
		if m.Function() && !m.Standard && !m.Callable {
			want[file] = append(want[file], plain(m.Name))
		}
	}
	if len(defs) != 3 || len(want) != 3 {
		t.Fatalf("%d files, want 3", len(defs))
	}
	for file, source := range defs {
		ctx, err := json.Marshal(map[string]string{"source": source, "module": "evalframe", "file": file})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := json.Unmarshal(run(t, home, loading, string(ctx)), &got); err != nil {
			t.Fatal(err)
		}
		slices.Sort(want[file])
		if d := cmp.Diff(want[file], got); d != "" {
			t.Errorf("%s (-described +defined):\n%s", file, d)
		}
	}
}

// Every type that a definition names is Lua's, a class of ours, or spelled out.
func TestTypeNames(t *testing.T) {
	t.Parallel()
	defs := api(t).Definitions()
	all := defs["alc.d.lua"] + defs["evalframe.d.lua"] + defs["spec.d.lua"]
	classes := map[string]bool{}
	for _, m := range regexp.MustCompile(`---@class ([\w.]+)`).FindAllStringSubmatch(all, -1) {
		classes[m[1]] = true
	}
	used := regexp.MustCompile(`\b(?:alc|evalframe|lust)\.[A-Z]\w+`)
	lines := regexp.MustCompile(`(?m)^---@(?:param|return|field|type|overload|class) .*$`).FindAllString(all, -1)
	if len(lines) < 400 {
		t.Fatalf("found only %d annotations", len(lines))
	}
	for _, line := range lines {
		for _, name := range used.FindAllString(line, -1) {
			if !classes[name] {
				t.Errorf("%s names %s, which is no class", line, name)
			}
		}
	}
}
