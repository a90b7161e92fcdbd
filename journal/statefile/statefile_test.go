package statefile_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
	"github.com/algocline/algocline/journal/statefile"
)

// write makes files below a new directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestRead(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{
		"default.json":        "{\n  \"k\": {\"b\": 1, \"a\": [1.0, 1e3]},\n  \"null\": null,\n  \"é:x:y\": 9007199254740993\n}\n",
		"empty.json":          "{}",
		"flow/t1.json":        " {\"data\": {\"x\": 1.50}} ",
		"flow/t1.json.bak":    "1",
		"flow/.t2.json":       "1",
		"flow/t3.json.tmp":    "1",
		"flow/sub/t4.json":    "1",
		"flow/.json":          "1",
		"pool/registry.json":  "[]",
		"only/notes.txt":      "",
		"only/link.json.note": "",
	})
	for ns, want := range map[string]map[string]string{
		"default": {"k": `{"b":1,"a":[1.0,1e3]}`, "null": "null", "é:x:y": "9007199254740993"},
		"empty":   {},
		"none":    nil,
		"/flow":   {"t1": `{"data":{"x":1.50}}`},
		"/pool":   nil,
		"/only":   nil,
		"/none":   nil,
		// Scripts choose these: they are no fault of the disk.
		strings.Repeat("n", 300):       nil,
		"/" + strings.Repeat("n", 300): nil,
		"/empty.json":                  nil,
	} {
		got, err := statefile.Read(root, ns)
		if err != nil {
			t.Errorf("%s: %v", ns, err)
			continue
		}
		texts := map[string]string{}
		for k, v := range got {
			texts[k] = string(v)
		}
		if want == nil && got != nil || len(texts) != len(want) || !maps.Equal(texts, want) {
			t.Errorf("%s: got %v, want %v", ns, texts, want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{
		"cut.json": `{"k": 1`, "list.json": `[1]`, "null.json": `null`, "bytes.json": "{\"k\": \"\xff\"}", "dir.json/x": "",
		"flow/good.json": "1", "flow/bad.json": "nope",
	})
	for ns, file := range map[string]string{
		"cut": "cut.json", "list": "list.json", "null": "null.json", "bytes": "bytes.json", "dir": "dir.json", "/flow": "flow/bad.json",
	} {
		got, err := statefile.Read(root, ns)
		var malformed *statefile.MalformedError
		if !errors.As(err, &malformed) || got != nil || !strings.Contains(err.Error(), filepath.Join(root, file)) || !strings.Contains(err.Error(), "move it away") {
			t.Errorf("%s: %v, %v", ns, got, err)
		}
	}
	for _, ns := range []string{"x", "/x"} {
		_, err := statefile.Read(filepath.Join(root, "cut.json"), ns)
		if malformed := (*statefile.MalformedError)(nil); err == nil || errors.As(err, &malformed) {
			t.Errorf("read below a file: %v", err)
		}
	}
}

// openJournal returns a journal with state in it.
func openJournal(t *testing.T, state map[[2]string]string) journal.Store {
	t.Helper()
	j, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{Durability: "process"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	_, err = j.Append(t.Context(), journal.Batch{SID: "s-1", Epoch: 1, Events: []journal.Event{{Kind: journal.Started, At: time.Unix(0, 0)}},
		Apply: func(tx journal.Tx) ([]journal.Event, error) {
			for k, v := range state {
				if err := tx.StateSet(k[0], k[1], []byte(v)); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func export(t *testing.T, j journal.Store, root string) ([]string, error) {
	t.Helper()
	var files []string
	err := j.View(t.Context(), func(tx journal.Tx) (err error) {
		files, err = statefile.Export(tx, root)
		return err
	})
	return files, err
}

// What is exported is what the original would read, and reads back the same.
func TestExport(t *testing.T) {
	t.Parallel()
	state := map[[2]string]string{
		{"default", "k"}: `{"a":[1,2.0],"b":null}`, {"default", "quote\"\n"}: `"x"`, {"a", "k"}: `1`,
		{"/flow", "t1"}: `{"data":{}}`, {"//backup/flow", "t1"}: `"old"`, {"//adopted", "default"}: `true`,
	}
	j := openJournal(t, state)
	root := filepath.Join(t.TempDir(), "deep", "state")
	for range 2 { // over itself as well
		files, err := export(t, j, root)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range files {
			rel, _ := filepath.Rel(root, f)
			names = append(names, rel)
		}
		slices.Sort(names)
		if d := cmp.Diff([]string{"a.json", "default.json", "flow/t1.json", "flow/t1.json.bak"}, names); d != "" {
			t.Errorf("files (-want +got):\n%s", d)
		}
	}
	text, err := os.ReadFile(filepath.Join(root, "default.json"))
	want := "{\n  \"k\": {\n    \"a\": [\n      1,\n      2.0\n    ],\n    \"b\": null\n  },\n  \"quote\\\"\\n\": \"x\"\n}"
	if d := cmp.Diff(want, string(text)); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	for k, v := range state {
		if strings.HasPrefix(k[0], "//") {
			continue
		}
		got, err := statefile.Read(root, k[0])
		if err != nil || string(got[k[1]]) != v {
			t.Errorf("%v: %s, %v; want %s", k, got[k[1]], err, v)
		}
	}
}

func TestExportFails(t *testing.T) {
	t.Parallel()
	j := openJournal(t, map[[2]string]string{{"default", "k"}: `1`, {"/flow", "t"}: `1`})
	root := write(t, map[string]string{"flow": "a file where a directory belongs"})
	files, err := export(t, j, root)
	if err == nil || !strings.Contains(err.Error(), "exporting state /flow") {
		t.Errorf("got %v", err)
	}
	if len(files) != 0 {
		t.Errorf("files %v", files)
	}
}
