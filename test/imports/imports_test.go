// Package imports holds the direction of imports: a package may import what is below it and
// nothing beside or above it. The order of the rooms is that of the design; a new room must be
// given its place here.
package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
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
	{"internal", "internal/safefile"},
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
		t.Fatalf("go list found %d packages; is the pattern right?", len(packages))
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

func list(t *testing.T) []listedPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var packages []listedPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
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
