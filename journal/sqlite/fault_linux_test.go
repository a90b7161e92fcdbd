package sqlite_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
	"github.com/algocline/algocline/journal/sqlite/faultvfs"
)

func newDisk(t *testing.T) *faultvfs.Disk {
	t.Helper()
	d, err := faultvfs.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// fastDisk is the name of a VFS whose syncs take no time.
func fastDisk(t *testing.T) string { return newDisk(t).VFS() }

// TestSyncs counts what the disk is asked for: a continue is one sync of the log.
func TestSyncs(t *testing.T) {
	cases := []struct {
		durability sqlite.Durability
		sync       bool
		want       int
	}{
		{sqlite.Full, true, 1},
		{sqlite.Full, false, 0},
		{sqlite.Process, true, 0},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.durability, " ", c.sync), func(t *testing.T) {
			d := newDisk(t)
			s := closing(t, open(t, t.TempDir(), sqlite.Options{Durability: c.durability, VFS: d.VFS()}))
			m := newModel()
			for i := range 6 {
				if err := m.step(t, s, i); err != nil {
					t.Fatal(err)
				}
			}
			before := d.Count(faultvfs.Sync, "")
			const continues = 10
			for range continues {
				b, _ := m.batch(0)
				b.Sync = c.sync
				b.Events = append(b.Events, journal.Event{Kind: journal.Asked, At: at})
				head, err := s.Append(t.Context(), b)
				if err != nil {
					t.Fatal(err)
				}
				m.heads[b.SID] = head
			}
			if got := d.Count(faultvfs.Sync, "") - before; got != c.want*continues {
				t.Errorf("%d syncs for %d continues, want %d each", got, continues, c.want)
			}
			before = d.Count(faultvfs.Sync, "")
			want := 0
			if c.durability == sqlite.Full && !c.sync {
				want = 1
			}
			for range 3 {
				if err := s.Sync(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if got := d.Count(faultvfs.Sync, "") - before; got != want {
				t.Errorf("%d syncs for Store.Sync, want %d", got, want)
			}
		})
	}
}

// TestSyncOfWhatOthersCommitted: a store that tells of another process's commit can make it
// durable first.
func TestSyncOfWhatOthersCommitted(t *testing.T) {
	d := newDisk(t)
	dir := t.TempDir()
	s1 := closing(t, open(t, dir, sqlite.Options{VFS: d.VFS()}))
	s2 := closing(t, open(t, dir, sqlite.Options{VFS: d.VFS()}))
	m := newModel()
	for i := range 4 {
		if err := errors.Join(m.step(t, s1, i), s2.Sync(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	m.durable = len(m.commits) // the last one was appended without a sync
	checkCuts(t, d, m, 1)
	before := d.Count(faultvfs.Sync, "")
	if err := s2.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := d.Count(faultvfs.Sync, "") - before; n != 0 {
		t.Errorf("%d syncs without need", n)
	}
}

// faults are the ways in which the disk fails; Nth is filled in by the test.
var faults = map[string]faultvfs.Fault{
	"a write fails":          {Ops: []faultvfs.Op{faultvfs.Write}, Suffix: "-wal", Code: faultvfs.IOErrWrite},
	"the disk is full":       {Ops: []faultvfs.Op{faultvfs.Write}, Suffix: "-wal", Code: faultvfs.Full, Sticky: true},
	"a sync fails":           {Ops: []faultvfs.Op{faultvfs.Sync}, Suffix: "-wal", Code: faultvfs.IOErrSync},
	"a sync fails and loses": {Ops: []faultvfs.Op{faultvfs.Sync}, Suffix: "-wal", Code: faultvfs.IOErrSync, Forget: true},
	"all syncs fail":         {Ops: []faultvfs.Op{faultvfs.Sync}, Code: faultvfs.IOErrSync, Forget: true, Sticky: true},
	"folding back fails":     {Ops: []faultvfs.Op{faultvfs.Write, faultvfs.Sync, faultvfs.Truncate}, Suffix: ".db", Code: faultvfs.IOErr, Forget: true},
	"everything fails":       {Ops: []faultvfs.Op{faultvfs.Write, faultvfs.Sync, faultvfs.Truncate}, Code: faultvfs.IOErr, Sticky: true},
}

// TestFailingDisk lets the disk fail at the first, the second … operation of a workload. Whatever fails:
// the store answers that it did, goes on when the disk does, and nothing acknowledged is lost,
// by the process, by its death or by a power cut.
func TestFailingDisk(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed, missed := 0, 0
			for nth := 1; missed < 10 && !t.Failed(); nth += 1 + nth/8 {
				fault.Nth = nth
				if failOnce(t, fault) > 0 {
					failed, missed = failed+1, 0
				} else {
					missed++
				}
			}
			if failed < 3 {
				t.Errorf("the disk failed in %d workloads only", failed)
			}
		})
	}
}

// failOnce runs the workload over one fault and returns how many operations failed.
func failOnce(t *testing.T, fault faultvfs.Fault) (hits int) {
	t.Helper()
	d := newDisk(t)
	opts := sqlite.Options{VFS: d.VFS(), WALLimit: 64 << 10, Logger: quiet}
	s := closing(t, open(t, t.TempDir(), opts))
	m := newModel()
	const steps, healed = 24, 18
	d.Fail(fault)
	seen := false
	for i := range steps {
		if i == healed {
			hits = d.Heal()
		}
		err := m.step(t, s, i)
		if err != nil && !seen {
			seen = true
			checkCuts(t, d, m, fault.Nth)
		}
		if err != nil && i >= healed {
			t.Fatalf("fault %+v: step %d fails on a healed disk: %v", fault, i, err)
		}
		m.resolve(t, s)
	}
	m.check(t, s, false)
	checkCuts(t, d, m, fault.Nth)
	return hits
}

// checkCuts opens what a power cut would leave: nothing unsynced, all of it, random parts.
func checkCuts(t *testing.T, d *faultvfs.Disk, m *model, seed int) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(uint64(seed), 1))
	for _, keep := range []func() bool{nil, func() bool { return true }, func() bool { return rnd.IntN(2) == 0 }} {
		dir := t.TempDir()
		if err := d.Cut(dir, keep); err != nil {
			t.Fatal(err)
		}
		s, err := sqlite.Open(t.Context(), dir, sqlite.Options{ReadOnly: true})
		if errors.Is(err, journal.ErrNotFound) && m.durable == 0 {
			continue // the cut came before anything was on the disk
		}
		if err != nil {
			t.Fatalf("opening after a power cut: %v", err)
		}
		m.check(t, s, true)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFailureNamesItsCause: who reads the error learns that the disk is full.
func TestFailureNamesItsCause(t *testing.T) {
	d := newDisk(t)
	s := closing(t, open(t, t.TempDir(), sqlite.Options{VFS: d.VFS(), Logger: quiet}))
	m := newModel()
	d.Fail(faultvfs.Fault{Ops: []faultvfs.Op{faultvfs.Write}, Nth: 1, Code: faultvfs.Full, Sticky: true})
	for i := range 3 {
		err := m.step(t, s, i)
		if err == nil || !errors.Is(err, journal.ErrUncertain) && !errors.Is(err, journal.ErrNotCommitted) {
			t.Fatalf("step %d: %v", i, err)
		}
		if full := (*journal.DiskFullError)(nil); !errors.As(err, &full) {
			t.Errorf("step %d: %v does not say that the disk is full", i, err)
		}
	}
	d.Heal()
	if err := m.step(t, s, 3); err != nil {
		t.Errorf("on a healed disk: %v", err)
	}
}

// TestFailingCreation lets the making of a journal fail at every operation: the next attempt
// makes it, on what the failure left and on what a power cut would leave of that.
func TestFailingCreation(t *testing.T) {
	t.Parallel()
	for nth, hits := 1, 1; hits > 0; nth += 1 + nth/10 {
		d := newDisk(t)
		dir := t.TempDir()
		d.Fail(faultvfs.Fault{
			Ops: []faultvfs.Op{faultvfs.Write, faultvfs.Sync, faultvfs.Truncate, faultvfs.Open, faultvfs.Delete},
			Nth: nth, Code: faultvfs.IOErr, Sticky: true,
		})
		s, err := sqlite.Open(t.Context(), dir, sqlite.Options{VFS: d.VFS(), Logger: quiet})
		if err == nil {
			// Folding back at the end may fail: the log is still there.
			if err := s.Close(); err != nil {
				t.Logf("operation %d: Close: %v", nth, err)
			}
		}
		hits = d.Heal()
		rnd := rand.New(rand.NewPCG(uint64(nth), 1))
		for _, keep := range []func() bool{nil, func() bool { return rnd.IntN(2) == 0 }} {
			cut := t.TempDir()
			if err := d.Cut(cut, keep); err != nil {
				t.Fatal(err)
			}
			useAnew(t, cut, "", nth)
		}
		useAnew(t, dir, d.VFS(), nth)
	}
}

func useAnew(t *testing.T, dir, vfs string, nth int) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{VFS: vfs, Durability: sqlite.Process, Logger: quiet})
	if err != nil {
		t.Errorf("after operation %d has failed: %v", nth, err)
		return
	}
	m := newModel()
	if err := m.step(t, s, 0); err != nil {
		t.Error(err)
	}
	m.check(t, s, false)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestFailingReads lets the first, the second … read of an append to a journal just opened fail.
func TestFailingReads(t *testing.T) {
	d := newDisk(t)
	dir := t.TempDir()
	m := newModel()
	s := open(t, dir, sqlite.Options{VFS: d.VFS(), Logger: quiet})
	for i := range 30 {
		if err := m.step(t, s, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for nth := 1; ; nth++ {
		s := open(t, dir, sqlite.Options{VFS: d.VFS(), Logger: quiet})
		d.Fail(faultvfs.Fault{Ops: []faultvfs.Op{faultvfs.Read}, Nth: nth, Code: faultvfs.IOErrRead})
		err := m.step(t, s, 29+nth)
		hits := d.Heal()
		if err != nil {
			failed++
			if !errors.Is(err, journal.ErrNotCommitted) {
				t.Errorf("read %d: %v", nth, err)
			}
			if err := m.step(t, s, 29+nth); err != nil {
				t.Fatalf("after read %d has failed: %v", nth, err)
			}
		}
		m.check(t, s, false)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if hits == 0 {
			break
		}
	}
	if failed < 3 {
		t.Errorf("%d appends failed", failed)
	}
}

// TestReaderKeepsALogWithHoles: after a sync has failed and lost what it was to keep, nothing is
// acknowledged as long as a reader keeps the log from starting over.
func TestReaderKeepsALogWithHoles(t *testing.T) {
	d := newDisk(t)
	s := closing(t, open(t, t.TempDir(), sqlite.Options{VFS: d.VFS(), Logger: quiet, Patience: 50 * time.Millisecond}))
	m := newModel()
	for i := range 4 { // the last one is not synced
		if err := m.step(t, s, i); err != nil {
			t.Fatal(err)
		}
	}
	err := s.View(t.Context(), func(tx journal.Tx) error {
		if _, err := tx.StateKeys("n"); err != nil {
			return err
		}
		d.Fail(faultvfs.Fault{Ops: []faultvfs.Op{faultvfs.Sync}, Nth: 1, Code: faultvfs.IOErrSync, Forget: true})
		if err := m.step(t, s, 4); !errors.Is(err, journal.ErrUncertain) {
			t.Errorf("the failed sync: %v", err)
		}
		m.resolve(t, s)
		if err := m.step(t, s, 5); !errors.Is(err, journal.ErrNotCommitted) {
			t.Errorf("with a reader on the log: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.step(t, s, 5); err != nil {
		t.Fatalf("without the reader: %v", err)
	}
	checkCuts(t, d, m, 1)
}
