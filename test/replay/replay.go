// Package replay replays histories of sessions in other processes, after the world has changed:
// another time and zone, other addresses, no state, no modules, no cards, no files. What a session
// did must be done there again, to the byte. It is for tests.
package replay

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

// recorded is the history of one session with what it refers to.
type recorded struct {
	ID       string
	Events   []journal.Event
	Contents map[journal.ContentHash][]byte
}

// Recorder collects histories. It is safe for concurrent use.
type Recorder struct {
	mu   sync.Mutex
	list []recorded
}

// Keep takes a session's history, with what it refers to, from the journal. A session that is not
// there is passed over.
func (r *Recorder) Keep(t *testing.T, store journal.Store, id, sid string) {
	t.Helper()
	_, events, err := store.Events(t.Context(), sid, 0)
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
		if rec.Contents[hash], err = store.Content(t.Context(), hash); err != nil {
			t.Fatal(err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, rec)
}

const variable = "ALC_TEST_REPLAY"

// Replay runs what was kept again, in two processes of their own: the test binary with the test
// named here, which must call [Here] and nothing else.
func (r *Recorder) Replay(t *testing.T, here string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "histories")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(gob.NewEncoder(f).Encode(r.list), f.Close()); err != nil {
		t.Fatal(err)
	}
	for n, zone := range []string{"Asia/Tokyo", "America/Lima"} {
		cmd := exec.Command(os.Args[0], "-test.run", "^"+here+"$", "-test.v")
		cmd.Env = append(os.Environ(), variable+"="+file, "TZ="+zone)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("process %d: %v\n%s", n+1, err, out)
		}
	}
	t.Logf("%d histories were replayed in 2 processes", len(r.list))
}

// Here is what the other processes run.
func Here(t *testing.T) {
	file := os.Getenv(variable)
	if file == "" {
		t.Skip("run by another test, in a process of its own")
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
func (e elsewhere) Interrupt() *engine.Interrupt                 { return nil }
func (e elsewhere) StateFiles(string) (map[string][]byte, error) { return nil, errElsewhere }
func (e elsewhere) Cards() *card.Store                           { return nil }
func (e elsewhere) Getenv(string) (string, bool)                 { return "elsewhere", true }
func (e elsewhere) ReadFile(engine.Grants, string, int64) ([]byte, error) {
	return nil, errElsewhere
}
func (e elsewhere) WriteFile(engine.Grants, string, []byte, bool) error { return errElsewhere }
func (e elsewhere) RemoveFile(engine.Grants, string) error              { return errElsewhere }
func (e elsewhere) RenameFile(engine.Grants, string, string) error      { return errElsewhere }
