package worker

import (
	"fmt"
	"testing"

	"github.com/algocline/algocline/journal/sqlite/faultvfs"
	"github.com/algocline/algocline/pool"
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

// A run is one sync and a continue is one, with reads and an effect in the step too; a repeated
// answer is none.
func TestSyncsPerReply(t *testing.T) {
	disk := newDisk(t)
	r := newRig(t, rigOptions{vfs: disk.VFS()})
	r.start(t, "s-warm", "return 1") // the library and the tables' first pages
	syncs := func(want int, do func()) {
		t.Helper()
		before := disk.Count(faultvfs.Sync, "")
		do()
		if got := disk.Count(faultvfs.Sync, "") - before; got != want {
			t.Errorf("%d syncs, want %d", got, want)
		}
	}
	answer := func(q, text string) {
		t.Helper()
		if _, err := r.answer(t.Context(), "s-a", q, text); err != nil {
			t.Fatal(err)
		}
	}
	syncs(1, func() { r.start(t, "s-a", twoQuestions) })
	syncs(1, func() { answer("q-0", "A") })
	syncs(0, func() { answer("q-0", "A") })
	syncs(1, func() { answer("q-1", "B") })
}

// Every write or sync of a continue fails in turn: what is refused is not shown as done, what is
// acknowledged stays, and the session goes on as soon as the disk does.
func TestFailingDisk(t *testing.T) {
	for _, fault := range []faultvfs.Fault{
		{Ops: []faultvfs.Op{faultvfs.Write}, Code: faultvfs.Full, Sticky: true},
		{Ops: []faultvfs.Op{faultvfs.Write}, Code: faultvfs.IOErrWrite},
		{Ops: []faultvfs.Op{faultvfs.Sync}, Code: faultvfs.IOErrSync},
	} {
		for nth := 1; nth <= 6; nth++ {
			fault.Nth = nth
			t.Run(fmt.Sprintf("op %v code %d nth %d", fault.Ops[0], fault.Code, nth), func(t *testing.T) {
				disk := newDisk(t)
				r := newRig(t, rigOptions{vfs: disk.VFS()})
				r.start(t, "s-a", twoQuestions)
				disk.Fail(fault)
				f, err := r.answer(t.Context(), "s-a", "q-0", "A")
				if hits := disk.Heal(); hits > 0 && err != nil {
					refused(t, err, pool.CodeStorageFailed)
				} else if err != nil {
					t.Fatalf("without a fault: %v", err)
				}
				if f, err = r.answer(t.Context(), "s-a", "q-0", "A"); err != nil || f.Queries[0].Prompt != "second 1.0" {
					t.Fatalf("after the disk is well: %+v, %v", f.Queries, err)
				}
				if f, err = r.answer(t.Context(), "s-a", "q-1", "B"); err != nil || string(f.Output) != `"AB"` {
					t.Errorf("%s, %v", f.Output, err)
				}
			})
		}
	}
}
