package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
	_ "github.com/mattn/go-sqlite3"
)

func TestReadOnlyCreatesNothing(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "missing")} {
		_, err := sqlite.Open(t.Context(), dir, sqlite.Options{ReadOnly: true})
		if !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if len(entries) > 0 {
			t.Errorf("%v was created", entries)
		}
	}
}

func TestReadOnlyBesideAWriter(t *testing.T) {
	dir := t.TempDir()
	w := closing(t, open(t, dir, sqlite.Options{}))
	r := closing(t, open(t, dir, sqlite.Options{ReadOnly: true}))
	m := newModel()
	for i := range 10 {
		if err := m.step(t, w, i); err != nil {
			t.Fatal(err)
		}
		m.check(t, r, false)
	}
	id, err := w.Register(t.Context(), journal.Worker{Sock: "/w.sock", StartedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Worker(t.Context(), id); err != nil || got.Sock != "/w.sock" {
		t.Errorf("Worker: %+v, %v", got, err)
	}
	b, _ := m.batch(0)
	for what, err := range map[string]error{
		"Append":   second(r.Append(t.Context(), b)),
		"Acquire":  second(r.Acquire(t.Context(), "s-1", id, nil)),
		"Register": second(r.Register(t.Context(), journal.Worker{})),
		"KeepMark": second(r.KeepMark(filepath.Join(dir, "x"))),
		"Sync":     r.Sync(t.Context()),
	} {
		if !errors.Is(err, journal.ErrReadOnly) {
			t.Errorf("%s: got %v, want ErrReadOnly", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestReadOnlyAfterAKill: a reader alone brings back what a killed writer left in the log.
func TestReadOnlyAfterAKill(t *testing.T) {
	dir := t.TempDir()
	acked := map[string]int64{}
	killAfter(t, "append alone", dir, 30, acked)
	r := closing(t, open(t, dir, sqlite.Options{ReadOnly: true}))
	for sid, seq := range acked {
		if h, err := r.Head(t.Context(), sid); err != nil || h.Seq < seq {
			t.Errorf("%s ends at %d (%v), acknowledged was %d", sid, h.Seq, err, seq)
		}
	}
}

// edit changes a journal as another program would.
func edit(t *testing.T, dir, query string) {
	t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(dir, "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(query)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestNewerSchema(t *testing.T) {
	cases := []struct {
		name, edit string
		refused    bool
	}{
		{"grown, older writers allowed", "PRAGMA user_version=7; ALTER TABLE session ADD COLUMN more", false},
		{"older writers would spoil it", "PRAGMA user_version=7; UPDATE meta SET value=7 WHERE key='min_writer'", true},
		{"of something else", "PRAGMA user_version=7; DELETE FROM meta", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := open(t, dir, sqlite.Options{}).Close(); err != nil {
				t.Fatal(err)
			}
			edit(t, dir, c.edit)
			for _, ro := range []bool{false, true} {
				s, err := sqlite.Open(t.Context(), dir, sqlite.Options{ReadOnly: ro})
				if got := errors.Is(err, journal.ErrSchema); got != c.refused {
					t.Errorf("read-only %v: refused %v: %v", ro, got, err)
				}
				if err != nil && !strings.Contains(err.Error(), "journal.db") {
					t.Errorf("%v does not name the file", err)
				}
				if s != nil {
					closing(t, s)
				}
			}
		})
	}
}

// TestMigratedMeanwhile: a writer at work finds out that a newer version has taken the journal.
func TestMigratedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	s := closing(t, open(t, dir, sqlite.Options{}))
	m := newModel()
	if err := m.step(t, s, 0); err != nil {
		t.Fatal(err)
	}
	edit(t, dir, "UPDATE meta SET value=7 WHERE key='min_writer'")
	if err := m.step(t, s, 1); !errors.Is(err, journal.ErrSchema) || !errors.Is(err, journal.ErrNotCommitted) {
		t.Errorf("an append by an old writer: %v", err)
	}
	m.check(t, s, false)
}

// TestGolden opens a journal that version 1 of the schema wrote.
func TestGolden(t *testing.T) {
	dir := t.TempDir()
	content, err := os.ReadFile("testdata/schema1.db")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "journal.db"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	s := closing(t, open(t, dir, sqlite.Options{}))
	m := newModel()
	for i := range goldenSteps {
		_, c := m.batch(i)
		m.commits = append(m.commits, c)
	}
	m.check(t, s, false)
	for sid := range map[string]bool{"s-0": true, "s-1": true, "s-2": true} {
		if m.heads[sid], err = s.Head(t.Context(), sid); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.step(t, s, goldenSteps); err != nil {
		t.Error(err)
	}
	m.check(t, s, false)
}

const goldenSteps = 12

// TestWriteGolden writes the golden journal of the present schema when asked to; a schema's file
// never changes once a release has written it.
func TestWriteGolden(t *testing.T) {
	path := os.Getenv("ALC_WRITE_GOLDEN")
	if path == "" {
		t.Skip("writes testdata; set ALC_WRITE_GOLDEN to the file to write")
	}
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	m := newModel()
	for i := range goldenSteps {
		if err := m.step(t, s, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestBadOptions(t *testing.T) {
	if _, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{Durability: "fsync"}); err == nil || !strings.Contains(err.Error(), "fsync") {
		t.Errorf("an unknown durability: %v", err)
	}
	if _, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{VFS: "none"}); err == nil {
		t.Error("an unknown VFS: no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sqlite.Open(ctx, t.TempDir(), sqlite.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), dir, sqlite.Options{}); err == nil {
		t.Error("a file instead of a directory: no error")
	}
}

// TestNotADatabase: a file of other content is named and left alone.
func TestNotADatabase(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal.db")
	content := strings.Repeat("this is not a database. ", 1000)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, ro := range []bool{false, true} {
		_, err := sqlite.Open(t.Context(), dir, sqlite.Options{ReadOnly: ro})
		if !errors.Is(err, journal.ErrCorrupt) || !strings.Contains(err.Error(), path) {
			t.Errorf("read-only %v: %v", ro, err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != content {
		t.Errorf("the file was changed (%v)", err)
	}
}

// TestPrivate: prompts and answers are nobody else's to read.
func TestPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	s := closing(t, open(t, dir, sqlite.Options{}))
	if err := newModel().step(t, s, 0); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(paths) < 4 {
		t.Fatalf("files %q, %v", paths, err)
	}
	for _, path := range append(paths, dir) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has mode %v", path, mode)
		}
	}
}

// TestOddPaths: a home may be called anything.
func TestOddPaths(t *testing.T) {
	for _, name := range []string{"a b", "a?b=c&d", "a#b", "a%20b", "ünï", "a:b"} {
		dir := filepath.Join(t.TempDir(), name)
		if err := open(t, dir, sqlite.Options{}).Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "journal.db")); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}
