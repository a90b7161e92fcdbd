package statefile

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/algocline/algocline/journal"
)

// Adopted is the namespace that has a key for each namespace whose files were taken over, or that
// was written before there were any. No namespace of a script begins with two slashes.
const Adopted = "//adopted"

// Merged is tx for reading, with the files below root that the journal has not taken over yet: the
// state as a session would find it. It takes nothing over.
func Merged(tx journal.Tx, root string) journal.Tx { return &merged{tx, root, map[string]files{}} }

type files struct{ values map[string][]byte }

type merged struct {
	journal.Tx
	root string
	read map[string]files // by namespace
}

// files returns the values of a namespace that count in place of the journal's; nil for none.
func (m *merged) files(ns string) (map[string][]byte, error) {
	if strings.HasPrefix(ns, "//") {
		return nil, nil
	}
	if f, ok := m.read[ns]; ok {
		return f.values, nil
	}
	_, done, err := m.Tx.StateGet(Adopted, ns)
	if err != nil {
		return nil, err
	}
	var f files
	if !done {
		if f.values, err = Read(m.root, ns); err != nil {
			return nil, err
		}
	}
	m.read[ns] = f
	return f.values, nil
}

// StateGet implements [journal.Tx].
func (m *merged) StateGet(ns, key string) ([]byte, bool, error) {
	values, err := m.files(ns)
	if err != nil || values == nil {
		if err == nil {
			return m.Tx.StateGet(ns, key)
		}
		return nil, false, err
	}
	v, ok := values[key]
	return v, ok, nil
}

// StateKeys implements [journal.Tx].
func (m *merged) StateKeys(ns string) ([]string, error) {
	values, err := m.files(ns)
	if err != nil || values == nil {
		if err == nil {
			return m.Tx.StateKeys(ns)
		}
		return nil, err
	}
	return slices.Sorted(maps.Keys(values)), nil
}

// StateNamespaces implements [journal.Tx].
func (m *merged) StateNamespaces() ([]string, error) {
	all, err := m.Tx.StateNamespaces()
	if err != nil {
		return nil, err
	}
	onDisk, err := Namespaces(m.root)
	if err != nil {
		return nil, err
	}
	for _, ns := range onDisk {
		values, err := m.files(ns)
		if err != nil {
			return nil, err
		}
		if len(values) > 0 {
			all = append(all, ns)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// Namespaces returns the namespaces that have a file below root, sorted. A root that is not there
// has none.
func Namespaces(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing state files: %w", err)
	}
	var names []string
	for _, e := range entries {
		name, isFile := strings.CutSuffix(e.Name(), suffix)
		switch {
		case strings.HasPrefix(name, ".") || name == "":
		case e.IsDir() && e.Name() != reserved:
			names = append(names, "/"+e.Name())
		case isFile && e.Type().IsRegular():
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}
