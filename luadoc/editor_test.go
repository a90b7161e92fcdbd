package luadoc_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/algocline/algocline/strategies"
)

// languageServer checks a directory of Lua files as an editor would.
const languageServer = "emmylua_check"

// workspace makes a directory as an author has it: the definitions, the bundled strategies, every
// snippet of the documentation, and the settings of the language server.
func workspace(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range api(t).Definitions() {
		put("types/"+name, text)
	}
	if err := strategies.Install(filepath.Join(dir, "work")); err != nil {
		t.Fatal(err)
	}
	for file, prefix := range map[string]string{referenceFile: "reference", differencesFile: "differences"} {
		md, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list, packages := read(t, string(md))
		for i, s := range list {
			name, _, _ := strings.Cut(s.heading, "(")
			name, _, _ = strings.Cut(name, ": ")
			put(fmt.Sprintf("work/snippets/%s_%03d_%s.lua", prefix, i, strings.NewReplacer(":", ".", " ", "_").Replace(name)), s.code+"\n")
		}
		for name, code := range packages {
			put("work/"+name+"/init.lua", code+"\n")
		}
	}
	settings, err := json.Marshal(map[string]any{
		"runtime":   map[string]any{"version": "Lua5.4", "requirePattern": []string{"?.lua", "?/init.lua"}},
		"workspace": map[string]any{"library": []string{filepath.Join(dir, "types")}},
		// Examples are short: they do not ask whether there is anything, nor give everything a name.
		"diagnostics": map[string]any{"disable": []string{"need-check-nil", "preferred-local-alias"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	put("work/.emmyrc.json", string(settings))
	return dir
}

// deliberate are findings that an example is there to make, by member.
var deliberate = map[string]string{
	"alc.card.close":  "assign-type-mismatch", // a status that is none is refused
	"io.popen":        "missing-parameter",    // it raises whatever it gets
	"io.type":         "param-type-mismatch",  // what is no file
	"package.preload": "unresolved-require",   // a module that the script makes
	"lust.paths":      "undefined-field",      // a check that the spec adds
}

var (
	inFile  = regexp.MustCompile(`^--- (.*?)(?: \[.*\])?$`)
	finding = regexp.MustCompile(`^(?:error|warning|hint|info\w*): .*\[([\w-]+)\]$`)
	member  = regexp.MustCompile(`^snippets/reference_\d+_(.*)\.lua$`)
)

// A language server finds nothing wrong with the definitions, nor, when it reads them, with the
// strategies and snippets that are tested otherwise.
func TestLanguageServer(t *testing.T) {
	t.Parallel()
	server, err := exec.LookPath(languageServer)
	if err != nil {
		t.Skipf("%s is not installed; cargo install %s brings it", languageServer, languageServer)
	}
	dir := workspace(t)
	expected := 0
	for _, part := range []string{"types", "work"} {
		out, err := exec.CommandContext(t.Context(), server, filepath.Join(dir, part)).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", languageServer, err, out)
		}
		expected += judge(t, string(out))
	}
	if expected < len(deliberate) {
		t.Errorf("only %d of %d deliberate findings; did it check anything?", expected, len(deliberate))
	}
}

// judge reports what the language server found, and counts what was deliberate.
func judge(t *testing.T, out string) (expected int) {
	t.Helper()
	file := ""
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if m := inFile.FindStringSubmatch(line); m != nil {
			file = m[1]
		}
		m := finding.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if of := member.FindStringSubmatch(file); of != nil && deliberate[of[1]] == m[1] {
			expected++
			continue
		}
		t.Errorf("%s: %s", file, line)
	}
	return expected
}
