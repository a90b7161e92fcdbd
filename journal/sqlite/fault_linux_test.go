package sqlite_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
	"github.com/algocline/algocline/journal/sqlite/faultvfs"
)

var at = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

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

// closing closes a store when the test ends.
func closing(t *testing.T, s *sqlite.Store) *sqlite.Store {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

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

// TestFailingDisk lets the disk fail at every operation of a workload in turn. Whatever fails:
// the store answers that it did, goes on when the disk does, and nothing acknowledged is lost,
// by the process, by its death or by a power cut.
func TestFailingDisk(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed := 0
			for nth := 1; ; nth++ {
				fault.Nth = nth
				hits := failOnce(t, fault)
				if hits == 0 || t.Failed() {
					break
				}
				failed++
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
		s := open(t, dir, sqlite.Options{Logger: quiet})
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
		if want := "database or disk is full"; !strings.Contains(err.Error(), want) {
			t.Errorf("step %d: %v does not say %q", i, err, want)
		}
	}
	d.Heal()
	if err := m.step(t, s, 3); err != nil {
		t.Errorf("on a healed disk: %v", err)
	}
}
