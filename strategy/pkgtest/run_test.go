package pkgtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func runSpecs(t *testing.T, p Plan) Report {
	t.Helper()
	r, err := Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func inline(code string) Plan {
	return Plan{Specs: []Spec{{Path: "@inline.lua", Name: "inline.lua", Source: []byte(code)}}}
}

func TestRunEmpty(t *testing.T) {
	if r := runSpecs(t, inline("")); r.Total != 0 || len(r.Files) != 1 {
		t.Fatalf("Run = %+v", r)
	}
}

// The helpers of spec files, tested with themselves.
func TestOwnSpecs(t *testing.T) {
	specs, err := Find("testdata", "testdata", "")
	if err != nil {
		t.Fatal(err)
	}
	r := runSpecs(t, Plan{Specs: specs})
	if len(r.Files) != 3 || r.Total < 30 {
		t.Errorf("%d tests in %d files", r.Total, len(r.Files))
	}
	for _, f := range r.Files {
		for _, test := range f.Tests {
			if !test.Passed {
				t.Errorf("%s: %s > %s: %s", f.Path, test.Suite, test.Name, *test.Error)
			}
		}
	}
}

// What a failure looks like.
func TestFailures(t *testing.T) {
	for name, tt := range map[string]struct {
		code, suite, name, err string
		limits                 map[string]any
	}{
		"a check":     {code: "lust.describe('a', function()\nlust.it('b', function()\nlust.expect(1).to.equal(2) end) end)", suite: "a", name: "b", err: "inline.lua:3: expected 2, got 1"},
		"an error":    {code: "lust.it('b', function() error('mine') end)", name: "b", err: "inline.lua:1: mine"},
		"a table":     {code: "lust.it('b', function() error { code = 5 } end)", name: "b", err: "{ code = 5 }"},
		"nothing":     {code: "lust.it('b', function() error() end)", name: "b", err: "an error without a message (nil)"},
		"a question":  {code: "lust.it('b', function() alc.llm('x') end)", name: "b", err: "mock required: alc.llm (called at inline.lua:1)"},
		"the file":    {code: "\nerror('mine')", suite: "@inline.lua", name: TopLevel, err: "inline.lua:2: mine"},
		"no Lua":      {code: "local = 1", suite: "@inline.lua", name: TopLevel, err: "inline.lua:1: <name> expected near '='"},
		"never ends":  {code: "lust.it('b', function() while true do end end)", suite: "@inline.lua", name: TopLevel, err: "limit step_cpu (100ms) reached", limits: map[string]any{"step_cpu": "100ms"}},
		"outside":     {code: "lust.it('b', function() assert(io.open('/etc/hostname')) end)", name: "b", err: "inline.lua:1: /etc/hostname: "},
		"a module":    {code: "lust.it('b', function() require('none') end)", name: "b", err: "inline.lua:1: module 'none' not found"},
		"past a stub": {code: "lust.it('b', function() coroutine.wrap(function() alc.llm_batch { { prompt = 'x' } } end)() end)", name: "b", err: "inline.lua:1: mock required: alc.llm_batch"},
	} {
		t.Run(name, func(t *testing.T) {
			p := inline(tt.code)
			p.Limits = tt.limits
			r := runSpecs(t, p)
			if r.Failed != 1 || r.Passed != 0 {
				t.Fatalf("%+v", r)
			}
			got := r.Files[0].Tests[0]
			if got.Suite != tt.suite || got.Name != tt.name || !strings.HasPrefix(*got.Error, tt.err) {
				t.Errorf("%q > %q: %s", got.Suite, got.Name, *got.Error)
			}
		})
	}
}

// A failure that names another file comes with the way that led there.
func TestTraceback(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "m.lua"), []byte("return { f = function() error('deep') end }"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := inline("local m = require('m')\nlust.it('b', function()\n  m.f()\nend)")
	p.Search = []string{dir}
	got := runSpecs(t, p).Files[0].Tests[0]
	if *got.Error != "m.lua:1: deep" || !strings.Contains(got.Traceback, "inline.lua:3:") || strings.Contains(got.Traceback, sandboxName) {
		t.Errorf("%s\n%s", *got.Error, got.Traceback)
	}
}

// Spec files see nothing of each other, and leave nothing behind.
func TestFilesAreApart(t *testing.T) {
	const code = `lust.it("finds nothing", function()
		lust.expect({ alc.state.get("k"), #alc.card.list(), mine }).to.equal({ nil, 0, nil })
		alc.state.set("k", 1) alc.card.create { pkg = { name = "p" } } mine = 1
		local path = os.tmpname()
		io.open(path, "w"):close()
	end)`
	var specs []Spec
	for range 6 {
		specs = append(specs, Spec{Path: "x.lua", Name: "x.lua", Source: []byte(code)})
	}
	t.Setenv("TMPDIR", t.TempDir())
	r := runSpecs(t, Plan{Specs: specs})
	if r.Passed != 6 || r.Failed != 0 {
		t.Errorf("%+v", r)
	}
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Packages by name, whatever their directories are called, and package.path.
func TestRequire(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"checkout/init.lua": `return { name = "init", sub = require("mine.sub") }`, "checkout/sub.lua": `return "sub"`,
		"lib/other/init.lua": `return "other"`, "lib/deep/er.lua": `return "deeper"`, "late/late.lua": `return "late"`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := inline(`lust.it("requires", function()
		lust.expect({ require("mine"), require("other"), (require("deep.er")) }).to.equal({ { name = "init", sub = "sub" }, "other", "deeper" })
		lust.expect(pcall(require, "late")).to.equal(false)
		package.path = package.path .. ";" .. lateDir .. "/?.lua"
		lust.expect(require("late")).to.equal("late")
		package.loaded.other = nil
		package.preload.other = function() return "preloaded" end
		lust.expect(require("other")).to.equal("preloaded")
	end)`)
	p.Specs[0].Source = append([]byte("local lateDir = '"+filepath.Join(dir, "late")+"' "), p.Specs[0].Source...)
	p.Packages = []Package{{Name: "mine", Dir: filepath.Join(dir, "checkout")}}
	p.Search = []string{filepath.Join(dir, "lib")}
	p.Read = []string{filepath.Join(dir, "late")}
	if r := runSpecs(t, p); r.Failed != 0 {
		t.Error(*r.Files[0].Tests[0].Error)
	}
}

// Specs of older packages look for their neighbours by way of PWD, or of package.path, and clear what
// they loaded.
func TestOlderSpecs(t *testing.T) {
	dir := t.TempDir()
	pkg := filepath.Join(dir, "vote")
	if err := os.MkdirAll(pkg, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(pkg, "init.lua"), []byte(`return { run = function(ctx) return alc.llm(ctx.task) end }`), 0o600); err != nil {
		t.Fatal(err)
	}
	p := inline(`
		package.path = os.getenv("PWD") .. "/?.lua;" .. os.getenv("PWD") .. "/?/init.lua;" .. package.path
		local first = package.path:match("([^;]+)/%?%.lua;[^;]+$")
		lust.expect(first:sub(1, 1)).to.equal("/")
		for _, name in ipairs { "vote", "vote.more" } do package.loaded[name] = nil end
		local asked
		lust.describe("vote", function()
			lust.after(function() _G.alc, package.loaded.vote = nil, nil end)
			for round = 1, 2 do
				lust.it("asks in round " .. round, function()
					_G.alc = { llm = function(prompt) asked = prompt return "answer " .. round end }
					lust.expect(require("vote").run { task = "t" }).to.equal("answer " .. round)
					lust.expect(asked).to.equal("t")
				end)
			end
			lust.it("has no alc any more", function() lust.expect(alc).to_not.exist() end)
		end)
		lust.it("sees no other variable", function() lust.expect(os.getenv("HOME")).to_not.exist() end)`)
	p.Search = []string{dir}
	if r := runSpecs(t, p); r.Failed != 0 || r.Passed != 4 {
		t.Errorf("%+v", r)
		for _, test := range r.Files[0].Tests {
			if !test.Passed {
				t.Error(*test.Error)
			}
		}
	}
}

// In a directory for modules nothing but modules can be read, and they are found last.
func TestModules(t *testing.T) {
	dir, first := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{
		filepath.Join(dir, "near.lua"): `return "near"`, filepath.Join(dir, "both.lua"): `return "last"`, filepath.Join(dir, "near.txt"): "private",
		filepath.Join(first, "both.lua"): `return "first"`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := inline(`lust.it("requires", function()
		lust.expect({ require("near"), (require("both")) }).to.equal({ "near", "first" })
		local file, why = io.open(dir .. "/near.txt")
		lust.expect(file).to_not.exist()
		lust.expect(why).to.match("not granted")
	end)`)
	p.Specs[0].Source = append([]byte("local dir = '"+dir+"' "), p.Specs[0].Source...)
	p.Search, p.Modules = []string{first}, []string{dir}
	if r := runSpecs(t, p); r.Failed != 0 {
		t.Error(*r.Files[0].Tests[0].Error)
	}
}

// As with stock Lua, the file of a temporary name exists; without it, the name does for a directory,
// and a package in there can be required.
func TestTemporaryName(t *testing.T) {
	r := runSpecs(t, inline(`lust.it("makes a package", function()
		local dir = os.tmpname()
		io.open(dir, "r"):close()
		lust.expect(os.remove(dir)).to.equal(true)
		local file = io.open(dir .. "/made/init.lua", "w")
		file:write("return 'made'")
		file:close()
		package.path = dir .. "/?/init.lua;" .. package.path
		lust.expect(require("made")).to.equal("made")
	end)`))
	if r.Failed != 0 {
		t.Error(*r.Files[0].Tests[0].Error)
	}
}

// What specs write for someone who watches goes nowhere.
func TestStreamsAreSilent(t *testing.T) {
	r := runSpecs(t, inline(`lust.it("writes", function()
		print("a")
		io.write("b", 1):write("c")
		io.stdout:write("d"):write("e")
		io.stderr:write("f")
		io.flush()
		lust.expect(io.stdout:setvbuf("no")).to.exist()
		lust.expect(io.stderr:flush()).to.exist()
	end)`))
	if r.Failed != 0 {
		t.Error(*r.Files[0].Tests[0].Error)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b_spec.lua", "a_spec.lua", "helper.lua", "a.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for filter, want := range map[string][]string{"": {"a_spec.lua", "b_spec.lua"}, "b": {"b_spec.lua"}} {
		specs, err := Find(dir, "spec", filter)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range specs {
			got = append(got, filepath.Base(s.Path))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("filter %q: %s", filter, d)
		}
	}
	if _, err := Find(dir, "spec", "zz"); err == nil {
		t.Error("found a file that is not there")
	}
}

func TestBadLimit(t *testing.T) {
	p := inline("")
	p.Limits = map[string]any{"memory": "much"}
	if _, err := Run(t.Context(), p); err == nil || !strings.Contains(err.Error(), "memory") {
		t.Errorf("%v", err)
	}
}
