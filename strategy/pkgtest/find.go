package pkgtest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

const (
	// Suffix ends the names of spec files.
	Suffix = "_spec.lua"
	// MaxSpec bounds a spec file, in bytes.
	MaxSpec = 16 << 20
)

// ErrNoSpecs: a directory without a spec file, or without one that the filter takes.
var ErrNoSpecs = errors.New("no spec files found")

// Spec is a spec file to be run.
type Spec struct {
	Path   string // as the report names it
	Name   string // the chunk's name in messages, such as "spec/vote_spec.lua"
	Source []byte // UTF-8

	Packages []Package // found by name before those of the plan
	Search   []string  // absolute directories that require looks in before those of the plan
}

// Find reads the spec files of a directory, not of those below it, sorted by name. filter is a part
// of the name that they must have before [Suffix]; "" takes all. name is put before the files' names
// in messages; it may be empty. The error of none is [ErrNoSpecs].
func Find(dir, name, filter string) ([]Spec, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("listing spec files: %w", err)
	}
	var specs []Spec
	for _, e := range entries {
		stem, ok := strings.CutSuffix(e.Name(), Suffix)
		if !ok || !strings.Contains(stem, filter) {
			continue
		}
		s, err := ReadSpec(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		s.Name = filepath.ToSlash(filepath.Join(name, e.Name()))
		specs = append(specs, s)
	}
	if len(specs) == 0 {
		if filter != "" {
			filter += "*"
		}
		return nil, fmt.Errorf("%w in %s (looked for *%s%s)", ErrNoSpecs, dir, filter, Suffix)
	}
	return specs, nil
}

// ReadSpec reads one file as a spec, whatever its name. Its Name is the last element of the path.
func ReadSpec(path string) (Spec, error) {
	f, err := os.Open(path)
	if err != nil {
		return Spec{}, fmt.Errorf("reading a spec file: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return Spec{}, fmt.Errorf("reading a spec file: %w", err)
	}
	if !st.Mode().IsRegular() {
		return Spec{}, fmt.Errorf("reading the spec file %s: it is not a regular file", path)
	}
	src, err := io.ReadAll(io.LimitReader(f, MaxSpec+1))
	switch {
	case err != nil:
		return Spec{}, fmt.Errorf("reading a spec file: %w", err)
	case len(src) > MaxSpec:
		return Spec{}, fmt.Errorf("reading the spec file %s: it is larger than %d MiB", path, MaxSpec>>20)
	case !utf8.Valid(src):
		return Spec{}, fmt.Errorf("reading the spec file %s: it is not UTF-8 text; write other bytes as escapes such as \\xFF", path)
	}
	return Spec{Path: path, Name: filepath.Base(path), Source: src}, nil
}
