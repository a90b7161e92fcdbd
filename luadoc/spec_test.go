package luadoc_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/strategy/pkgtest"
)

// runSpec runs a spec, whose tests must pass, and returns them.
func runSpec(t *testing.T, code string) []pkgtest.Test {
	t.Helper()
	tests := outcomes(t, code)
	for _, test := range tests {
		if !test.Passed {
			t.Errorf("%s: %s", test.Name, *test.Error)
		}
	}
	return tests
}

func outcomes(t *testing.T, code string) []pkgtest.Test {
	t.Helper()
	r, err := pkgtest.Run(t.Context(), pkgtest.Plan{Specs: []pkgtest.Spec{{Path: "@example.lua", Name: "example.lua", Source: []byte(code)}}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Total == 0 {
		t.Fatal("no test was run")
	}
	return r.Files[0].Tests
}

// internal are members of lust that are there for lust itself.
var internal = []string{"lust.level", "lust.passes", "lust.errors", "lust.befores", "lust.afters", "lust.results"}

// The source describes all that only spec files have: the globals and the members of alc that the
// package tester adds.
func TestSpecCoverage(t *testing.T) {
	t.Parallel()
	const listing = `
		local names = {}
		for root, v in pairs(_G) do
			names[#names + 1] = root
			if root == "lust" or root == "alc" or root == "alc_mock" or root == "test_doubles" then
				names[#names] = nil
				for k in pairs(v) do names[#names + 1] = root .. "." .. k end
			end
		end
	`
	names := func(text []byte) []string {
		var list []string
		if err := json.Unmarshal(text, &list); err != nil {
			t.Fatal(err)
		}
		return list
	}
	inSession := names(run(t, sessions(t, nil), listing+`return names`, ""))
	inSpec := outcomes(t, `local encode = alc.json_encode`+listing+`lust.it("tells", function() error(encode(names), 0) end)`)
	var found []string
	for _, name := range names([]byte(*inSpec[0].Error)) {
		if !slices.Contains(inSession, name) && !slices.Contains(internal, name) {
			found = append(found, name)
		}
	}
	var described []string
	for _, m := range api(t).Members() {
		if m.Spec {
			described = append(described, plain(m.Name))
		}
	}
	slices.Sort(found)
	slices.Sort(described)
	if d := cmp.Diff(described, found); d != "" {
		t.Errorf("what only spec files have (-described +there):\n%s", d)
	}
}

// What the types of the spec helpers promise is there.
func TestSpecTypes(t *testing.T) {
	t.Parallel()
	makers := map[string]string{
		"lust.Expectation": `lust.expect(1)`, "lust.Check": `lust.expect(1).to`, "lust.Be": `lust.expect(1).to.be`,
		"lust.Fail": `lust.expect(1).to.fail`, "alc.Spy": `alc.spy("vote")`, "alc.Double": `test_doubles.stub()`,
		"alc.Mock": `test_doubles.mock()`, "alc.Fixture": `test_doubles.fixture()`, "lust.Spy": `lust.spy(print)`,
	}
	for _, th := range api(t).Themes {
		if !th.Spec {
			continue
		}
		for _, typ := range th.Types {
			maker := makers[typ.Name]
			if maker == "" {
				t.Errorf("no test makes a %s", typ.Name)
				continue
			}
			for _, f := range typ.Fields {
				if !strings.HasPrefix(f.Name, "[") {
					runSpec(t, fmt.Sprintf(`local v = %s
						lust.it("%s", function() lust.expect(v[%q]).to.exist() end)`, maker, typ.Name+" "+f.Name, f.Name))
				}
			}
		}
	}
}
