package sqlite_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
	"github.com/algocline/algocline/journal/sqlite/faultvfs"
	"github.com/mattn/go-sqlite3"
)

var lostSync = faultvfs.Fault{Ops: []faultvfs.Op{faultvfs.Sync}, Nth: 1, Code: faultvfs.IOErrSync, Forget: true, Sticky: true}

// other is a connection to the journal that is not the store's.
func other(t *testing.T, dir string, d *faultvfs.Disk) *sqlite3.SQLiteConn {
	t.Helper()
	c, err := (&sqlite3.SQLiteDriver{}).Open("file:" + filepath.Join(dir, "journal.db") + "?vfs=" + d.VFS())
	if err != nil {
		t.Fatal(err)
	}
	return c.(*sqlite3.SQLiteConn)
}

func run(t *testing.T, c *sqlite3.SQLiteConn, sql string) {
	t.Helper()
	if _, err := c.Exec(sql, nil); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func steps(t *testing.T, m *model, s *sqlite.Store, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if err := m.step(t, s, i); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
}

// foldAPart copies a part of the log into the database, which SQLite does not sync, but counts as
// copied: a reader keeps the rest from being copied too.
func foldAPart(t *testing.T, d *faultvfs.Disk, dir string, m *model, s *sqlite.Store) {
	t.Helper()
	reader, folder := other(t, dir, d), other(t, dir, d)
	b, c := m.batch(0)
	c.sid, c.body = "s-early", strings.Repeat("y", 20_000) // on pages that nobody writes to again
	b.SID, b.Contents, b.Events[0].Body = c.sid, [][]byte{[]byte(c.body)}, []byte(c.body)
	if err := m.append(t, s, b, c); err != nil {
		t.Fatal(err)
	}
	steps(t, m, s, 0, 3)
	run(t, reader, "BEGIN; SELECT * FROM meta")
	steps(t, m, s, 3, 6)
	run(t, folder, "PRAGMA wal_checkpoint(PASSIVE)")
	run(t, reader, "COMMIT")
	if err := errors.Join(reader.Close(), folder.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestFailedSyncAfterAPartWasFolded: the sync that fails has lost pages of earlier folds as well,
// which SQLite takes for copied. They are copied again before the log starts over.
func TestFailedSyncAfterAPartWasFolded(t *testing.T) {
	for _, how := range []string{"goes on", "is closed"} {
		t.Run(how, func(t *testing.T) {
			d, dir, m := newDisk(t), t.TempDir(), newModel()
			opts := sqlite.Options{VFS: d.VFS(), WALLimit: foldLimit, Logger: quiet}
			s := closing(t, open(t, dir, opts))
			foldAPart(t, d, dir, m, s)
			fault := lostSync
			fault.Suffix = ".db"
			d.Fail(fault)
			err := fill(t, s, m)
			for i := 6; i < 9 && err == nil; i++ {
				err = m.step(t, s, i)
			}
			m.resolve(t, s)
			if d.Heal() == 0 || err == nil {
				t.Fatalf("folding back on a failing disk: %v", err)
			}
			if how == "is closed" {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = closing(t, open(t, dir, opts))
			}
			steps(t, m, s, 9, 12)
			m.check(t, s, false)
			checkStays(t, d, m, nil)
		})
	}
}

// foldLimit is so large that nothing is folded back before fill.
const foldLimit = 2 << 20

// fill appends so much that the log is folded back before the next append.
func fill(t *testing.T, s *sqlite.Store, m *model) error {
	t.Helper()
	b, c := m.batch(0)
	c.body = strings.Repeat("x", foldLimit)
	b.Contents, b.Events[0].Body = [][]byte{[]byte(c.body)}, []byte(c.body)
	return m.append(t, s, b, c)
}

// TestUncertainStaysAsRead: what is read after an uncertain append is what the next process finds.
func TestUncertainStaysAsRead(t *testing.T) {
	for _, beside := range []string{"nothing", "a reader", "another store", "a store that reads"} {
		t.Run("beside "+beside, func(t *testing.T) {
			d, dir, m := newDisk(t), t.TempDir(), newModel()
			opts := sqlite.Options{VFS: d.VFS(), Logger: quiet, Patience: 2 * time.Second}
			if beside == "a reader" {
				opts.Patience = 50 * time.Millisecond
			}
			s := closing(t, open(t, dir, opts))
			steps(t, m, s, 0, 3)
			if strings.Contains(beside, "store") {
				idle := opts
				idle.ReadOnly = beside == "a store that reads"
				m.check(t, closing(t, open(t, dir, idle)), false)
			}
			fail := func(journal.Tx) error {
				d.Fail(faultvfs.Fault{Ops: []faultvfs.Op{faultvfs.Sync}, Suffix: "-wal", Nth: 1, Code: faultvfs.IOErrSync})
				if err := m.step(t, s, 4); !errors.Is(err, journal.ErrUncertain) {
					t.Errorf("a failed sync: %v", err)
				}
				m.resolve(t, s)
				checkStays(t, d, m, func() bool { return true })
				if beside == "nothing" {
					// A reply may tell it now, and a power cut must not make that untrue.
					if err := s.Sync(t.Context()); err != nil {
						t.Fatal(err)
					}
					m.durable = len(m.commits)
					checkStays(t, d, m, nil)
					checkStays(t, d, m, func() bool { return rand.IntN(2) == 0 })
				}
				return nil
			}
			if beside != "a reader" {
				if err := fail(nil); err != nil {
					t.Fatal(err)
				}
			} else if err := s.View(t.Context(), func(tx journal.Tx) error {
				_, err := tx.StateKeys("n")
				return errors.Join(err, fail(tx))
			}); err != nil {
				t.Fatal(err)
			}
			steps(t, m, s, 5, 8)
			m.check(t, s, false)
			checkCuts(t, d, m, 1)
		})
	}
}

// checkStays opens what would be left and finds it as the model has it.
func checkStays(t *testing.T, d *faultvfs.Disk, m *model, keep func() bool) {
	t.Helper()
	cut := t.TempDir()
	if err := d.Cut(cut, keep); err != nil {
		t.Fatal(err)
	}
	m.check(t, closing(t, open(t, cut, sqlite.Options{})), false)
}

// TestFailedSyncOfAnotherStore: nothing tells a store that was opened later that a sync has failed
// and left a hole in the log, but the one that saw it.
func TestFailedSyncOfAnotherStore(t *testing.T) {
	d, dir, m := newDisk(t), t.TempDir(), newModel()
	opts := sqlite.Options{VFS: d.VFS(), Logger: quiet}
	s1 := closing(t, open(t, dir, opts))
	steps(t, m, s1, 0, 4) // the last one is not synced
	d.Fail(lostSync)
	if err := m.step(t, s1, 4); !errors.Is(err, journal.ErrUncertain) {
		t.Fatalf("a failed sync: %v", err)
	}
	m.resolve(t, s1)
	d.Heal()
	s2 := closing(t, open(t, dir, opts))
	checkStays(t, d, m, nil)
	steps(t, m, s2, 5, 8)
	checkCuts(t, d, m, 1)
	steps(t, m, s1, 8, 12)
	checkCuts(t, d, m, 1)
}

// TestSyncInDoubt: nothing can be told as being on the disk as long as that is in doubt.
func TestSyncInDoubt(t *testing.T) {
	nothingWorks := lostSync
	nothingWorks.Ops = []faultvfs.Op{faultvfs.Write, faultvfs.Sync}
	for _, fault := range []faultvfs.Fault{lostSync, nothingWorks} {
		d, m := newDisk(t), newModel()
		s := closing(t, open(t, t.TempDir(), sqlite.Options{VFS: d.VFS(), Logger: quiet}))
		steps(t, m, s, 0, 3)
		if err := s.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.Fail(fault)
		if err := m.step(t, s, 4); !errors.Is(err, journal.ErrUncertain) {
			t.Fatalf("a failed sync: %v", err)
		}
		m.resolve(t, s)
		if err := s.Sync(t.Context()); !errors.Is(err, journal.ErrNotCommitted) {
			t.Errorf("syncing on a failing disk: %v", err)
		}
		d.Heal()
		if err := s.Sync(t.Context()); err != nil {
			t.Errorf("syncing on a healed disk: %v", err)
		}
		checkStays(t, d, m, nil)
	}
}

// inDoubt makes a store fail to fold the rest of a log back of which a part was folded, and fail
// to recover from it because of a second store that does not use the journal and, being patient,
// does not look either.
func inDoubt(t *testing.T, readOnly bool) (d *faultvfs.Disk, m *model, s, idle *sqlite.Store) {
	t.Helper()
	d, m = newDisk(t), newModel()
	dir := t.TempDir()
	opts := sqlite.Options{VFS: d.VFS(), WALLimit: foldLimit, Logger: quiet, Patience: 50 * time.Millisecond}
	s = closing(t, open(t, dir, opts))
	foldAPart(t, d, dir, m, s)
	opts.Patience, opts.ReadOnly = time.Hour, readOnly
	idle = closing(t, open(t, dir, opts))
	m.check(t, idle, false)
	fault := lostSync
	fault.Suffix, fault.Sticky, fault.Silent = ".db", false, true
	d.Fail(fault)
	err := fill(t, s, m)
	for i := 6; i < 9; i++ {
		m.resolve(t, s)
		err = m.step(t, s, i)
	}
	if d.Heal() == 0 || !errors.Is(err, journal.ErrNotCommitted) || !strings.Contains(err.Error(), "another process") {
		t.Fatalf("beside a store that does not let go: %v", err)
	}
	return d, m, s, idle
}

// TestCloseInDoubt: a store that is closed while another one is in doubt does not fold the log
// back, though it is the last one.
func TestCloseInDoubt(t *testing.T) {
	d, m, s, idle := inDoubt(t, false)
	if err := idle.Close(); err != nil {
		t.Fatal(err)
	}
	steps(t, m, s, 9, 13)
	checkStays(t, d, m, nil)
}

// TestReadInDoubt: a reader finds out by reading, and leaves nothing open.
func TestReadInDoubt(t *testing.T) {
	d, m, s, idle := inDoubt(t, true)
	m.check(t, idle, false)
	steps(t, m, s, 9, 13)
	checkStays(t, d, m, nil)
}

// TestSyncLostBesideACommit: where only one is told of a sync that has lost something, others
// learn of it from the one, before they acknowledge what lies behind.
func TestSyncLostBesideACommit(t *testing.T) {
	d, dir, m := newDisk(t), t.TempDir(), newModel()
	s := closing(t, open(t, dir, sqlite.Options{VFS: d.VFS(), Logger: quiet}))
	other := closing(t, open(t, dir, sqlite.Options{VFS: d.VFS(), Logger: quiet}))
	steps(t, m, s, 0, 4) // the last one is not synced
	b, c := m.batch(4)
	c.counted = false
	b.Apply = func(journal.Tx) ([]journal.Event, error) {
		fault := lostSync
		fault.Suffix, fault.Sticky, fault.Silent = "-wal", false, true
		d.Fail(fault)
		err := other.Close() // which folds the log back
		if d.Heal() == 0 {
			t.Error("nothing was folded back")
		}
		return nil, err
	}
	if err := m.append(t, s, b, c); err != nil {
		t.Fatal(err)
	}
	checkStays(t, d, m, nil)
}

// TestDoubtBesideAnotherProgram: one that knows nothing of doubts keeps what SQLite remembers
// alive. It is waited for, and nothing is acknowledged until it is gone.
func TestDoubtBesideAnotherProgram(t *testing.T) {
	d, dir, m := newDisk(t), t.TempDir(), newModel()
	s := closing(t, open(t, dir, sqlite.Options{VFS: d.VFS(), WALLimit: foldLimit, Logger: quiet, Patience: time.Hour}))
	foldAPart(t, d, dir, m, s)
	program := other(t, dir, d)
	run(t, program, "SELECT * FROM meta")
	fault := lostSync
	fault.Suffix, fault.Sticky = ".db", false
	d.Fail(fault)
	err := fill(t, s, m)
	for i := 6; i < 9; i++ {
		m.resolve(t, s)
		err = m.step(t, s, i)
	}
	if d.Heal() == 0 || !errors.Is(err, journal.ErrNotCommitted) || !strings.Contains(err.Error(), "another program") {
		t.Errorf("beside another program: %v", err)
	}
	if err := program.Close(); err != nil {
		t.Fatal(err)
	}
	steps(t, m, s, 9, 13)
	m.check(t, s, false)
	checkStays(t, d, m, nil)
}

// TestPagesThatTheSystemDropped: a fold's failed sync takes pages of the database away under the
// eyes of its readers, and the log has them.
func TestPagesThatTheSystemDropped(t *testing.T) {
	d, dir, m := newDisk(t), t.TempDir(), newModel()
	s := closing(t, open(t, dir, sqlite.Options{VFS: d.VFS(), WALLimit: foldLimit, Logger: quiet}))
	foldAPart(t, d, dir, m, s)
	fault := lostSync
	fault.Suffix, fault.Sticky, fault.Evict = ".db", false, true
	d.Fail(fault)
	if err := fill(t, s, m); err != nil {
		t.Fatal(err)
	}
	steps(t, m, s, 6, 8)
	if d.Heal() == 0 {
		t.Error("nothing was folded back")
	}
	m.check(t, s, false)
	checkStays(t, d, m, nil)
}

// TestLogThatTheSystemDropped: with the log itself what was not synced is gone. That is said, and
// nothing is written as if it were not so; what was synced is there.
func TestLogThatTheSystemDropped(t *testing.T) {
	for _, beside := range []string{"nothing", "another store"} {
		t.Run("beside "+beside, func(t *testing.T) {
			d, dir, m := newDisk(t), t.TempDir(), newModel()
			opts := sqlite.Options{VFS: d.VFS(), Logger: quiet}
			s := closing(t, open(t, dir, opts))
			mark, err := s.KeepMark(filepath.Join(dir, "mark"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := mark.Close(); err != nil {
					t.Error(err)
				}
			}()
			steps(t, m, s, 0, 4) // the last one is not synced
			if beside != "nothing" {
				idle := closing(t, open(t, dir, opts))
				m.check(t, idle, false)
				defer func() {
					if err := idle.Close(); err != nil {
						t.Error(err)
					}
				}()
			}
			fault := lostSync
			fault.Sticky, fault.Evict = false, true
			d.Fail(fault)
			if err := m.step(t, s, 4); !errors.Is(err, journal.ErrUncertain) {
				t.Fatalf("a failed sync: %v", err)
			}
			d.Heal()
			for i := range 3 {
				if err := m.step(t, s, 5+i); !errors.Is(err, journal.ErrNotCommitted) || !errors.Is(err, journal.ErrCorrupt) {
					t.Errorf("appending to a log that has lost something: %v", err)
				}
			}
			if err := s.Sync(t.Context()); !errors.Is(err, journal.ErrCorrupt) {
				t.Errorf("syncing a log that has lost something: %v", err)
			}
			if info, err := os.Stat(filepath.Join(dir, "journal.db-wal")); err != nil || info.Size() == 0 {
				t.Errorf("the damaged log was removed: %v", err)
			}
			checkCuts(t, d, m, 1)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			opts.Marks = []string{mark.Path()}
			if _, err := sqlite.Open(t.Context(), dir, opts); !errors.Is(err, journal.ErrShortfall) {
				t.Errorf("opening a journal that has lost something: %v", err)
			}
			opts.Marks = nil
			m.commits = m.commits[:m.durable]
			m.check(t, closing(t, open(t, dir, opts)), false)
		})
	}
}
