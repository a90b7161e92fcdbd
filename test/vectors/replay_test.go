package vectors

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/algocline/algocline/card"
	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/journal"
)

// The histories of all vectors, replayed in other processes after the world has changed: another
// time, other addresses, no state, no modules, no cards, no files. Every function of the library
// that is recorded, and every pure one, must do there what it did.

// recorded is the history of one session with what it refers to.
type recorded struct {
	ID       string
	Events   []journal.Event
	Contents map[journal.ContentHash][]byte
}

// recorder collects histories for TestReplay.
type recorder struct {
	mu   sync.Mutex
	list []recorded
}

// keep reads a session's history from its home.
func (r *recorder) keep(t *testing.T, h *home, id, sid string) {
	t.Helper()
	_, events, err := h.store.Events(t.Context(), sid, 0)
	if errors.Is(err, journal.ErrNotFound) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	rec := recorded{ID: id, Events: events, Contents: map[journal.ContentHash][]byte{}}
	hashes, err := engine.Contents(events)
	if err != nil {
		t.Fatal(err)
	}
	for _, hash := range hashes {
		if rec.Contents[hash], err = h.store.Content(t.Context(), hash); err != nil {
			t.Fatal(err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, rec)
}

const replayVariable = "ALC_TEST_REPLAY"

// replay runs recorded histories again in processes of their own.
func (r *recorder) replay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "histories")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(gob.NewEncoder(f).Encode(r.list), f.Close()); err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestReplayHere$", "-test.v")
		cmd.Env = append(os.Environ(), replayVariable+"="+file)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("process %d: %v\n%s", n+1, err, out)
		}
	}
	t.Logf("%d histories were replayed in 2 processes", len(r.list))
}

// TestReplayHere is what the other processes run.
func TestReplayHere(t *testing.T) {
	file := os.Getenv(replayVariable)
	if file == "" {
		t.Skip("run by TestVectors in a process of its own")
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []recorded
	if err := gob.NewDecoder(f).Decode(&list); err != nil || len(list) == 0 {
		t.Fatalf("%d histories, %v", len(list), err)
	}
	vms, err := engine.NewVMs(1, "another")
	if err != nil {
		t.Fatal(err)
	}
	defer vms.Close()
	for _, rec := range list {
		if err := engine.Check(t.Context(), elsewhere{rec}, vms, rec.Events); err != nil {
			t.Errorf("%s: %v", rec.ID, err)
		}
	}
}

// elsewhere is a world that has nothing of what was there before but the journal's contents.
type elsewhere struct{ rec recorded }

var errElsewhere = errors.New("a replay asked the world")

func (e elsewhere) Now() time.Time { return time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC) }
func (e elsewhere) Commit(context.Context, engine.Commit) error {
	return fmt.Errorf("commit: %w", errElsewhere)
}
func (e elsewhere) View(context.Context, func(journal.Tx) error) error {
	return fmt.Errorf("view: %w", errElsewhere)
}
func (e elsewhere) Module(context.Context, string, []string) (engine.ModuleSource, error) {
	return engine.ModuleSource{}, fmt.Errorf("module: %w", errElsewhere)
}
func (e elsewhere) Content(_ context.Context, h journal.ContentHash) ([]byte, error) {
	p, ok := e.rec.Contents[h]
	if !ok {
		return nil, fmt.Errorf("content %s: %w", h, journal.ErrNotFound)
	}
	return p, nil
}
func (e elsewhere) StateFiles(string) (map[string][]byte, error) { return nil, errElsewhere }
func (e elsewhere) Cards() *card.Store                           { return nil }
func (e elsewhere) Getenv(string) (string, bool)                 { return "elsewhere", true }
func (e elsewhere) ReadFile(engine.Grants, string, int64) ([]byte, error) {
	return nil, errElsewhere
}
func (e elsewhere) WriteFile(engine.Grants, string, []byte, bool) error { return errElsewhere }
func (e elsewhere) RemoveFile(engine.Grants, string) error              { return errElsewhere }
func (e elsewhere) RenameFile(engine.Grants, string, string) error      { return errElsewhere }
