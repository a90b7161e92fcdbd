package strategies_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/llm/recording"
	"github.com/algocline/algocline/strategies"
)

func TestNames(t *testing.T) {
	t.Parallel()
	want := []string{"cot", "draft_critique_revise", "self_consistency"}
	if diff := cmp.Diff(want, strategies.Names()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Each strategy has a name as its folder says, an example with a task, and a recording that says
// what it is.
func TestGet(t *testing.T) {
	t.Parallel()
	for _, name := range strategies.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := strategies.Get(name)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(s.Source, []byte(`name = "`+name+`"`)) {
				t.Error("M.meta.name is not the folder's name")
			}
			var example struct{ Task string }
			if err := json.Unmarshal(s.Example, &example); err != nil || example.Task == "" {
				t.Errorf("example.json: task %q, error %v", example.Task, err)
			}
			rec, err := recording.Parse(bytes.NewReader(s.Recording))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(rec.About, "by hand") || len(rec.Exchanges) < 2 {
				t.Errorf("recording about %q with %d exchanges", rec.About, len(rec.Exchanges))
			}
		})
	}
	if _, err := strategies.Get("../cot"); !errors.Is(err, strategies.ErrUnknown) {
		t.Errorf("an unknown name: %v", err)
	}
}

func TestInstall(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "packages")
	if err := strategies.Install(dir); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "cot", "init.lua")
	want, err := strategies.Get("cot")
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		got, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, want.Source) {
			t.Errorf("%s: the module is not what is bundled (error %v)", when, err)
		}
	}
	check("first")

	// What is there stays untouched, what differs is put right, and nothing else is left behind.
	old := time.Unix(1, 0)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	if err := strategies.Install(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || !info.ModTime().Equal(old) {
		t.Errorf("the same module was written again (error %v)", err)
	}
	if err := os.WriteFile(file, []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := strategies.Install(dir); err != nil {
		t.Fatal(err)
	}
	check("after a change")
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("the folder has %d entries, error %v", len(entries), err)
	}
}

func TestInstallWhereItCannot(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := strategies.Install(file); err == nil || !strings.Contains(err.Error(), "installing the bundled strategy") {
		t.Errorf("error %v, want one that says what was being done", err)
	}
}
