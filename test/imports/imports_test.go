// Package imports holds the direction of imports: a package may import what is below it and
// nothing beside or above it. The order of the rooms is that of the design; a new room must be
// given its place here.
package imports

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/algocline/algocline/"

// floors are the rooms from the top to the ground. A room holds every package below its path that
// has no entry of its own.
var floors = [][]string{
	{"test", "bench"},
	{"cmd"},
	{"internal/demo", "internal/doctor"},
	{"mcpserver", "httpserver"},
	{"service"},
	{"llm", "strategies"},
	{"strategy", "eval"},
	{"pool/worker"},
	{"pool"},
	{"engine"},
	{"card"},
	{"journal"},
	{"lua"},
	{"value"},
	{"internal", "internal/safefile", "luadoc"},
}

// forbidden are imports that the order alone would allow.
var forbidden = map[string][]string{
	"lua":     {"internal"},
	"journal": {"lua", "value", "internal"},
	"engine":  {"internal"},
	// Faces call the service and nothing beneath it but the words of the pool's protocol.
	"mcpserver":  {"pool/worker", "engine", "lua", "value", "llm", "strategies"},
	"httpserver": {"pool/worker", "engine", "lua", "value"},
	// A front must not carry what only workers need.
	"service": {"pool/worker", "engine", "lua", "value", "llm", "strategies"},
	"pool":    {"engine", "lua", "value"},
	"llm":     {"engine", "journal", "lua", "value"},
}

type listedPackage struct {
	ImportPath string
	Imports    []string
}

func TestDirection(t *testing.T) {
	t.Parallel()
	packages := list(t)
	if len(packages) < 10 {
		t.Fatalf("found %d packages; is the root right?", len(packages))
	}
	for _, p := range packages {
		from, floor := roomOf(p.ImportPath)
		if floor < 0 {
			t.Errorf("%s has no place in the order of rooms; give it one", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, module) {
				continue
			}
			to, below := roomOf(imported)
			if to == from {
				continue
			}
			if below <= floor || slices.Contains(forbidden[from], to) {
				t.Errorf("%s imports %s: %s may not import %s", p.ImportPath, imported, from, to)
			}
		}
	}
}

// roomOf returns the room of a package, the longest that fits, and its floor, counted from the
// top, or -1.
func roomOf(path string) (room string, floor int) {
	path = strings.TrimPrefix(path, module)
	floor = -1
	for i, rooms := range floors {
		for _, r := range rooms {
			if (path == r || strings.HasPrefix(path, r+"/")) && len(r) > len(room) {
				room, floor = r, i
			}
		}
	}
	return room, floor
}

// list reads the imports of every package, those for other systems included, tests left out.
func list(t *testing.T) []listedPackage {
	t.Helper()
	const root = "../.."
	imports := make(map[string][]string)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch name := d.Name(); {
		case d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			imports[module+filepath.ToSlash(dir)] = append(imports[module+filepath.ToSlash(dir)], strings.Trim(spec.Path.Value, `"`))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var packages []listedPackage
	for _, path := range slices.Sorted(maps.Keys(imports)) {
		packages = append(packages, listedPackage{path, slices.Compact(slices.Sorted(slices.Values(imports[path])))})
	}
	return packages
}

func TestRoomOf(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"pool":               "pool",
		"pool/worker":        "pool/worker",
		"pool/worker/x":      "pool/worker",
		"poolside":           "",
		"internal/buildinfo": "internal",
		"internal/demo":      "internal/demo",
		"cmd/alc":            "cmd",
	} {
		if got, _ := roomOf(module + path); got != want {
			t.Errorf("roomOf(%s) = %q, want %q", path, got, want)
		}
	}
}
