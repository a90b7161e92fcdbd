package statefile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/statefile"
)

// Files count until their namespace was taken over, and never again.
func TestMerged(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{
		"default.json": `{"k": 1, "f": 2}`, "old.json": `{"k": 3}`, "empty.json": `{}`, "done.json": `{"late": 9}`,
		"flow/t1.json": `{"x": 4}`, "pool/w.json": `5`, "kept/t.json": `6`, "notes.txt": "", ".hidden.json": "{}",
	})
	j := openJournal(t, map[[2]string]string{
		{"default", "k"}: `10`, {"/kept", "t"}: `11`, {"mine", "k"}: `12`, {"//backup/kept", "t"}: `13`,
		{statefile.Adopted, "default"}: `true`, {statefile.Adopted, "/kept"}: `true`, {statefile.Adopted, "mine"}: `true`, {statefile.Adopted, "done"}: `true`,
	})
	err := j.View(t.Context(), func(tx journal.Tx) error {
		m := statefile.Merged(tx, root)
		names, err := m.StateNamespaces()
		if err != nil {
			return err
		}
		got := map[string]string{}
		for _, ns := range names {
			keys, err := m.StateKeys(ns)
			if err != nil {
				return err
			}
			for _, k := range keys {
				v, ok, err := m.StateGet(ns, k)
				if err != nil || !ok {
					t.Errorf("%s %s: %v, %v", ns, k, ok, err)
				}
				if !strings.HasPrefix(ns, "//") {
					got[ns+" "+k] = string(v)
				}
			}
		}
		want := map[string]string{"default k": "10", "old k": "3", "/flow t1": `{"x":4}`, "/kept t": "11", "mine k": "12"}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if _, ok, err := m.StateGet("old", "none"); ok || err != nil {
			t.Errorf("%v, %v", ok, err)
		}
		out := filepath.Join(t.TempDir(), "out")
		files, err := statefile.Export(m, out)
		if err != nil || len(files) != 6 {
			t.Errorf("exported %v, %v", files, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A file that cannot be read is an error, also for who only looks.
func TestMergedRefuses(t *testing.T) {
	t.Parallel()
	j := openJournal(t, nil)
	for name, want := range map[string]string{"bad.json": "bad.json", "flow/bad.json": "flow/bad.json"} {
		root := write(t, map[string]string{name: "nope"})
		err := j.View(t.Context(), func(tx journal.Tx) error {
			_, err := statefile.Merged(tx, root).StateNamespaces()
			return err
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := statefile.Namespaces(file); err == nil {
		t.Error("listed a file")
	}
}
