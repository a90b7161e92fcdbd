package sqlite_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/mark"
	"github.com/algocline/algocline/journal/sqlite"
	"github.com/google/go-cmp/cmp"
)

// abandoned leaves in dir a journal whose writer was killed with a log that was never folded
// back, and a mark beside it; it returns the mark's path.
func abandoned(t *testing.T, dir string) string {
	t.Helper()
	killAfter(t, "append alone", dir, 60, map[string]int64{})
	marks := marksIn(dir)
	if len(marks) != 1 {
		t.Fatalf("marks %q, want one", marks)
	}
	return marks[0]
}

// files reads the database's files.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, name := range []string{"journal.db", "journal.db-wal"} {
		p, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		out[name] = p
	}
	return out
}

func restore(t *testing.T, dir string, content map[string][]byte) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, "journal.db-shm")); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for name, p := range content {
		if err := os.WriteFile(filepath.Join(dir, name), p, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFlippedBitInLog: SQLite drops what follows a damaged entry of its log without a word. The
// mark knows better, and nothing is overwritten.
func TestFlippedBitInLog(t *testing.T) {
	dir := t.TempDir()
	path := abandoned(t, dir)
	whole := files(t, dir)
	wal := whole["journal.db-wal"]
	for _, at := range []int{0, 40, len(wal) / 3, len(wal) / 2, len(wal) * 9 / 10} {
		damaged := map[string][]byte{"journal.db": whole["journal.db"], "journal.db-wal": bytes.Clone(wal)}
		damaged["journal.db-wal"][at] ^= 4
		restore(t, dir, damaged)
		_, err := sqlite.Open(t.Context(), dir, sqlite.Options{Marks: []string{path}})
		wantShortfall(t, fmt.Sprintf("bit %d of byte %d", 2, at), err, filepath.Join(dir, "journal.db"), path)
		if !maps.EqualFunc(damaged, files(t, dir), bytes.Equal) {
			t.Errorf("byte %d: the files were changed", at)
		}
	}
	restore(t, dir, whole)
	s := open(t, dir, sqlite.Options{Marks: []string{path}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func wantShortfall(t *testing.T, what string, err error, file, path string) {
	t.Helper()
	var short *journal.ShortfallError
	if !errors.As(err, &short) || !errors.Is(err, journal.ErrShortfall) {
		t.Errorf("%s: got %v, want a ShortfallError", what, err)
		return
	}
	if short.File != file || short.Mark != path || short.Have >= short.Want {
		t.Errorf("%s: got %+v", what, short)
	}
}

// TestMissingFiles: the log or the whole database is gone, the mark is not.
func TestMissingFiles(t *testing.T) {
	for _, names := range [][]string{{"journal.db-wal", "journal.db-shm"}, {"journal.db", "journal.db-wal", "journal.db-shm"}} {
		dir := t.TempDir()
		path := abandoned(t, dir)
		for _, name := range names {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		_, err := sqlite.Open(t.Context(), dir, sqlite.Options{Marks: []string{path}})
		wantShortfall(t, strings.Join(names, ", "), err, filepath.Join(dir, "journal.db"), path)
	}
}

// TestMarksThatSayNothing: of another journal, unreadable, missing.
func TestMarksThatSayNothing(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	s := open(t, dir, sqlite.Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(other, "garbage")
	if err := os.WriteFile(garbage, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	marks := []string{abandoned(t, other), garbage, filepath.Join(other, "missing")}
	s = open(t, dir, sqlite.Options{Marks: marks, Logger: quiet})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestMarkFollowsAppends: a mark says what was acknowledged before the append returns, and
// whether it is on the disk.
func TestMarkFollowsAppends(t *testing.T) {
	for _, d := range []sqlite.Durability{sqlite.Full, sqlite.Process} {
		dir := t.TempDir()
		s := open(t, dir, sqlite.Options{Durability: d})
		path := filepath.Join(dir, "w.mark")
		f, err := s.KeepMark(path)
		if err != nil {
			t.Fatal(err)
		}
		m := newModel()
		var last mark.Mark
		for i := range 5 {
			if err := m.step(t, s, i); err != nil {
				t.Fatal(err)
			}
			got, err := mark.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			if got.Committed <= last.Committed {
				t.Errorf("%s, step %d: the mark stays at %d", d, i, got.Committed)
			}
			wantSynced := d == sqlite.Full && i != 3 // which is not synced
			if synced := got.Synced == got.Committed; synced != wantSynced {
				t.Errorf("%s, step %d: %d of %d on the disk", d, i, got.Synced, got.Committed)
			}
			last = got
		}
		if err := errors.Join(s.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFlippedBitsInDatabase flips bits all over a database: what is read is what was written, or
// the error says that it is not. Never is anything else returned, and no append goes on from it.
func TestFlippedBitsInDatabase(t *testing.T) {
	dir := t.TempDir()
	m := newModel()
	s := open(t, dir, sqlite.Options{})
	for i := range 60 {
		if err := m.step(t, s, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole := files(t, dir)["journal.db"]
	want, _ := m.want(m.commits)
	found := 0
	for at := 117; at < len(whole); at += 211 {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 1 << (at % 8)
		restore(t, dir, map[string][]byte{"journal.db": damaged, "journal.db-wal": nil})
		if lookAt(t, dir, want, at) {
			found++
		}
	}
	t.Logf("%d damages found", found)
	if found < 20 {
		t.Errorf("only %d damages were found", found)
	}
}

// lookAt reads everything of a damaged journal and tells whether it said that it is damaged.
func lookAt(t *testing.T, dir string, want map[string][]string, at int) (found bool) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{ReadOnly: true})
	if err != nil {
		return true // it does not open: that is an answer
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	checked, err := s.Check(t.Context())
	if err != nil {
		t.Errorf("byte %d: Check: %v", at, err)
	}
	defer func() {
		if found && len(checked.Damaged) == 0 {
			t.Errorf("byte %d: a damage that Check has not found", at)
		}
	}()
	for sid, bodies := range want {
		_, events, err := s.Events(t.Context(), sid, 0)
		if errors.Is(err, journal.ErrCorrupt) || errors.Is(err, journal.ErrNotFound) {
			found = true
			continue
		}
		if err != nil {
			t.Errorf("byte %d: reading %s: %v is not a CorruptError", at, sid, err)
			continue
		}
		var got []string
		for _, e := range events {
			got = append(got, string(e.Body))
		}
		if diff := cmp.Diff(bodies, got); diff != "" {
			t.Errorf("byte %d: %s is silently wrong (-want +got):\n%s", at, sid, diff)
		}
	}
	return found
}

func TestCheck(t *testing.T) {
	s := closing(t, open(t, t.TempDir(), sqlite.Options{Durability: sqlite.Process}))
	if got, err := s.Check(t.Context()); err != nil || got.Sessions != 0 || len(got.Damaged) != 0 {
		t.Errorf("an empty journal: %+v, %v", got, err)
	}
	const n = 1200 // more than are read at once
	for i := range n {
		_, err := s.Append(t.Context(), journal.Batch{SID: fmt.Sprint("s-", i), Epoch: 1, Events: make([]journal.Event, 2)})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Check(t.Context()); err != nil || got.Sessions != n || got.Events != 2*n || len(got.Damaged) != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestNoAppendToDamage: an append does not go on from a head that is not what it was.
func TestNoAppendToDamage(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	head, err := s.Append(t.Context(), journal.Batch{SID: "s-1", Epoch: 1, Events: []journal.Event{{Kind: journal.Started, At: at}}, Sync: true})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	content := files(t, dir)
	sum := head.Sum[:]
	if n := bytes.Count(content["journal.db"], sum); n != 2 {
		t.Fatalf("the checksum is there %d times, want 2: in the session and in the event", n)
	}
	i := bytes.LastIndex(content["journal.db"], sum)
	content["journal.db"][i] ^= 1
	restore(t, dir, content)
	s = open(t, dir, sqlite.Options{})
	_, err = s.Append(t.Context(), journal.Batch{SID: "s-1", Epoch: 1, After: 1, Events: []journal.Event{{Kind: journal.Asked, At: at}}, Sync: true})
	if !errors.Is(err, journal.ErrCorrupt) {
		t.Errorf("appending to a damaged session: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
