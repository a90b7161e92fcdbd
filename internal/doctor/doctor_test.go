package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/lock"
	"github.com/algocline/algocline/journal/sqlite"
	"github.com/algocline/algocline/service"
)

// shortDir makes a directory in which sockets fit, for its owner alone.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "alc-doctor-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func examine(t *testing.T, home string) map[string]Check {
	t.Helper()
	s, err := service.New(service.Config{Home: home, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	checks := Examine(t.Context(), Config{Home: home, Durability: "full", Verify: 10, Service: s})
	byName := make(map[string]Check, len(checks))
	for _, c := range checks {
		byName[c.Name] = c
	}
	return byName
}

// a check is expected at a level, with a text in its message or its advice.
type expectation struct {
	level Level
	says  string
}

func compare(t *testing.T, got map[string]Check, want map[string]expectation) {
	t.Helper()
	for name, w := range want {
		c, found := got[name]
		if !found || c.Level != w.level || !strings.Contains(c.Message+"\n"+c.Advice, w.says) {
			t.Errorf("check %q: %+v, want %s and %q", name, c, w.level, w.says)
		}
	}
}

func TestHealthy(t *testing.T) {
	t.Parallel()
	home := shortDir(t)
	got := examine(t, filepath.Join(home, "not", "there"))
	for name, c := range got {
		if c.Level != OK && name != "file system" && name != "disk space" && name != "confinement" { // they are the machine's
			t.Errorf("check %q: %+v", name, c)
		}
	}
	if entries, err := os.ReadDir(home); err != nil || len(entries) != 0 {
		t.Errorf("looking left %d entries, error %v", len(entries), err)
	}
}

func TestSickHomes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		make func(home string) error
		want map[string]expectation
	}{
		{"a file", func(home string) error {
			return errors.Join(os.Remove(home), os.WriteFile(home, nil, 0o600))
		}, map[string]expectation{"home": {Fail, "ALC_HOME"}}},
		{"open to others", func(home string) error { return os.Chmod(home, 0o777) },
			map[string]expectation{"permissions": {Fail, "chmod go-w"}}},
		{"sockets to be seen", func(home string) error {
			dir := filepath.Join(home, "state", "pool")
			return errors.Join(os.MkdirAll(dir, 0o700), os.Chmod(dir, 0o755))
		}, map[string]expectation{"permissions": {Warn, "chmod 700"}}},
		{"no journal but a file of its name", func(home string) error {
			return errors.Join(os.Mkdir(filepath.Join(home, "journal"), 0o700),
				os.WriteFile(filepath.Join(home, "journal", "journal.db"), []byte("no database"), 0o600))
		}, map[string]expectation{"journal": {Fail, "restore a backup"}, "histories": {OK, "nothing"}}},
		{"a dead worker's lock", func(home string) error {
			dir := filepath.Join(home, "state", "pool")
			return errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "w-1-a.lock"), nil, 0o600))
		}, map[string]expectation{"leftovers": {Warn, "died: 1"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			home := filepath.Join(shortDir(t), "home")
			if err := errors.Join(os.Mkdir(home, 0o700), c.make(home)); err != nil {
				t.Fatal(err)
			}
			compare(t, examine(t, home), c.want)
		})
	}
}

// A home that is no directory is told once, not by each check that would look into it.
func TestNoHomeIsOneFinding(t *testing.T) {
	t.Parallel()
	home := filepath.Join(shortDir(t), "home")
	if err := os.WriteFile(home, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got := examine(t, home)
	for _, name := range []string{"permissions", "workers", "leftovers", "journal", "histories"} {
		if c, found := got[name]; found {
			t.Errorf("%+v", c)
		}
	}
}

// What only writing would show is found by looking.
func TestHomeThatCannotBeMade(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	want := expectation{Fail, "cannot be made"}
	if os.Getuid() == 0 { // root may write anywhere
		want = expectation{OK, "not there yet"}
	}
	compare(t, examine(t, filepath.Join(dir, "home")), map[string]expectation{"home": want})
}

func TestConfigurationThatCannotBeRead(t *testing.T) {
	t.Parallel()
	checks := Examine(t.Context(), Config{Home: "/dev/null/home", Configuration: errors.New("no sense")})
	byName := make(map[string]Check)
	for _, c := range checks {
		byName[c.Name] = c
	}
	compare(t, byName, map[string]expectation{"configuration": {Fail, "no sense"}, "home": {Fail, "not a directory"}})
}

func TestLongHome(t *testing.T) {
	t.Parallel()
	home := filepath.Join(shortDir(t), strings.Repeat("long", 20))
	compare(t, examine(t, home), map[string]expectation{"socket path": {Fail, "shorter"}})
}

func TestHeldLocksAreNoLeftovers(t *testing.T) {
	t.Parallel()
	home := filepath.Join(shortDir(t), "with [odd] *characters*")
	dir := filepath.Join(home, "state", "pool")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	held, err := lock.Try(filepath.Join(dir, "w-1-a.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	compare(t, examine(t, home), map[string]expectation{"leftovers": {OK, "locks held: 1"}})
}

// A history with one flipped bit is found, and the session named.
func TestTornHistory(t *testing.T) {
	t.Parallel()
	home := filepath.Join(shortDir(t), "home")
	dir := filepath.Join(home, "journal")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	const body = "a body that is easily found again"
	write(t, dir, body)
	compare(t, examine(t, home), map[string]expectation{
		"journal": {OK, "1 paused"}, "histories": {OK, "1 events in the last 1 sessions"},
	})

	path := filepath.Join(dir, "journal.db")
	p, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(p), body)
	if at < 0 {
		t.Fatal("the body is not in the database file")
	}
	p[at] ^= 1
	if err := os.WriteFile(path, p, 0o600); err != nil {
		t.Fatal(err)
	}
	compare(t, examine(t, home), map[string]expectation{"histories": {Fail, "s-torn"}})
}

// write makes a journal with one session of one event.
func write(t *testing.T, dir, body string) {
	t.Helper()
	ctx := context.Background()
	store, err := sqlite.Open(ctx, dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	owner, err := store.Register(ctx, journal.Worker{LockPath: "x", PID: 1, StartedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Append(ctx, journal.Batch{
		SID: "s-torn", Epoch: 1, Owner: owner, Sync: true,
		Events:  []journal.Event{{Seq: 1, Kind: journal.Started, At: time.Now(), Body: []byte(body)}},
		Summary: journal.Summary{State: journal.StatePaused},
	})
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestWorst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		levels []Level
		want   Level
	}{
		{nil, OK},
		{[]Level{OK, OK}, OK},
		{[]Level{OK, Warn, OK}, Warn},
		{[]Level{Warn, Fail, Warn}, Fail},
	} {
		var checks []Check
		for _, l := range c.levels {
			checks = append(checks, Check{Level: l})
		}
		if diff := cmp.Diff(c.want, Worst(checks)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.levels, diff)
		}
	}
}
