package journaltest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/algocline/algocline/journal"
)

var lifeTests = map[string]func(*testing.T, Home){
	"opened again":                   testReopen,
	"closed":                         testClosed,
	"closed under load":              testClosedUnderLoad,
	"a cancelled context":            testCancelled,
	"cancelled under load":           testCancelledUnderLoad,
	"sync and the high-water mark":   testSync,
	"a failed Apply moves no number": testHighWaterStays,
}

func testReopen(t *testing.T, h Home) {
	s := h.Open(t)
	w := register(t, s, "w")
	head := create(t, s, "s-1", w)
	b := next(head, "x")
	b.Apply = increment
	b.Contents = [][]byte{[]byte("lib")}
	head = mustAppend(t, s, b)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, h)
	equal(t, "history", []string{"code", "q-0", "x", "1"}, history(t, s, "s-1"))
	equal(t, "state", "1", state(t, s, "n", "c"))
	got, err := s.Head(t.Context(), "s-1")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "head", head, got)
	if _, err := s.Content(t.Context(), journal.HashContent([]byte("lib"))); err != nil {
		t.Error(err)
	}
	if id := register(t, s, "w2"); id == w {
		t.Errorf("worker id %d was used twice", id)
	}
	mustAppend(t, s, next(head, "y"))
}

func testClosed(t *testing.T, h Home) {
	s := h.Open(t)
	head := create(t, s, "s-1", 0)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	_, err := s.Append(ctx, next(head, "x"))
	wantErr(t, "Append", err, journal.ErrClosed)
	_, err = s.Acquire(ctx, "s-1", 1, dead)
	wantErr(t, "Acquire", err, journal.ErrClosed)
	_, err = s.Head(ctx, "s-1")
	wantErr(t, "Head", err, journal.ErrClosed)
	_, _, err = s.Events(ctx, "s-1", 0)
	wantErr(t, "Events", err, journal.ErrClosed)
	_, err = s.List(ctx, journal.Filter{})
	wantErr(t, "List", err, journal.ErrClosed)
	_, err = s.Count(ctx)
	wantErr(t, "Count", err, journal.ErrClosed)
	_, err = s.Nearest(ctx, "s-1", 1)
	wantErr(t, "Nearest", err, journal.ErrClosed)
	_, err = s.Content(ctx, journal.ContentHash{})
	wantErr(t, "Content", err, journal.ErrClosed)
	wantErr(t, "View", s.View(ctx, func(journal.Tx) error { return nil }), journal.ErrClosed)
	_, err = s.Register(ctx, journal.Worker{})
	wantErr(t, "Register", err, journal.ErrClosed)
	_, err = s.Worker(ctx, 1)
	wantErr(t, "Worker", err, journal.ErrClosed)
	wantErr(t, "Sync", s.Sync(ctx), journal.ErrClosed)
}

// testClosedUnderLoad: what was acknowledged is there, what was refused is not.
func testClosedUnderLoad(t *testing.T, h Home) {
	s := h.Open(t)
	begun := make(chan struct{}, callers)
	acked := make([]int64, callers)
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			head, err := s.Append(t.Context(), journal.Batch{SID: fmt.Sprint("s-", c), Epoch: 1, Events: started(), Summary: paused})
			begun <- struct{}{}
			for err == nil {
				acked[c] = head.Seq
				head, err = s.Append(t.Context(), next(head, "x"))
			}
			if !errors.Is(err, journal.ErrClosed) {
				t.Errorf("an append to a closing store: %v", err)
			}
		})
	}
	for range callers {
		<-begun
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	s = open(t, h)
	for c, want := range acked {
		head, err := s.Head(t.Context(), fmt.Sprint("s-", c))
		if err != nil || head.Seq != want {
			t.Errorf("s-%d ends at %d (%v), acknowledged was %d", c, head.Seq, err, want)
		}
	}
}

func testCancelled(t *testing.T, h Home) {
	s := open(t, h)
	head := create(t, s, "s-1", 0)
	ctx := cancelled()
	_, err := s.Append(ctx, next(head, "x"))
	wantErr(t, "Append", err, context.Canceled)
	_, err = s.Head(ctx, "s-1")
	wantErr(t, "Head", err, context.Canceled)
	_, err = s.List(ctx, journal.Filter{})
	wantErr(t, "List", err, context.Canceled)
	wantErr(t, "Sync", s.Sync(ctx), context.Canceled)
	equal(t, "history", []string{"code", "q-0"}, history(t, s, "s-1"))
}

// testCancelledUnderLoad: an append whose context ends is either committed and says so, or was
// never begun.
func testCancelledUnderLoad(t *testing.T, h Home) {
	s := open(t, h)
	acked := make([]int64, callers)
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			head, err := s.Append(t.Context(), journal.Batch{SID: fmt.Sprint("s-", c), Epoch: 1, Events: started(), Summary: paused})
			for i := 0; i < 20 && err == nil; i++ {
				acked[c] = head.Seq
				ctx, cancel := context.WithCancel(t.Context())
				go cancel()
				got, aerr := s.Append(ctx, next(head, "x"))
				if aerr == nil {
					head = got
				} else if !errors.Is(aerr, context.Canceled) {
					err = aerr
				}
				cancel()
			}
			acked[c] = head.Seq
			if err != nil {
				t.Errorf("s-%d: %v", c, err)
			}
		})
	}
	wg.Wait()
	for c, want := range acked {
		head, err := s.Head(t.Context(), fmt.Sprint("s-", c))
		if err != nil || head.Seq != want {
			t.Errorf("s-%d ends at %d (%v), acknowledged was %d", c, head.Seq, err, want)
		}
	}
}

func testSync(t *testing.T, h Home) {
	s := open(t, h)
	head := create(t, s, "s-1", 0)
	synced := s.HighWater()
	if synced <= 0 {
		t.Errorf("high water %d after a synced append", synced)
	}
	b := next(head, "x")
	b.Sync = false
	head = mustAppend(t, s, b)
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.HighWater(); got <= synced {
		t.Errorf("high water %d after Sync, %d before the append", got, synced)
	}
	synced = s.HighWater()
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.HighWater(); got != synced {
		t.Errorf("a Sync without need moved the high water from %d to %d", synced, got)
	}
	mustAppend(t, s, next(head, "y"))
	if got := s.HighWater(); got <= synced {
		t.Errorf("high water %d after a synced append, %d before", got, synced)
	}
}

func testHighWaterStays(t *testing.T, h Home) {
	s := open(t, h)
	head := create(t, s, "s-1", 0)
	before := s.HighWater()
	b := next(head, "x")
	b.Apply = func(journal.Tx) ([]journal.Event, error) { return nil, errDomain }
	_, err := s.Append(t.Context(), b)
	wantErr(t, "Append", err, errDomain)
	if got := s.HighWater(); got != before {
		t.Errorf("high water went from %d to %d", before, got)
	}
}
