package worker

import (
	"context"
	"slices"
	"testing"

	"github.com/algocline/algocline/journal"
)

// observed is a journal that notes after which event its histories are read, and lets something
// happen before a session is taken over.
type observed struct {
	journal.Store
	reads  []int64
	before func()
}

func (o *observed) Events(ctx context.Context, sid string, after int64) (journal.Head, []journal.Event, error) {
	o.reads = append(o.reads, after)
	return o.Store.Events(ctx, sid, after)
}

func (o *observed) Acquire(ctx context.Context, sid string, by journal.WorkerID, alive func(journal.Worker) bool) (journal.Head, error) {
	if o.before != nil {
		o.before()
	}
	return o.Store.Acquire(ctx, sid, by, alive)
}

// A takeover reads a history once, and what its owner added meanwhile besides.
func TestTakeoverReadsOnce(t *testing.T) {
	for _, late := range []bool{false, true} {
		dir := t.TempDir()
		first := newRig(t, rigOptions{dir: dir})
		first.start(t, "s-a", twoQuestions)
		var o *observed
		second := newRig(t, rigOptions{dir: dir, wrap: func(s journal.Store) journal.Store { o = &observed{Store: s}; return o }})
		want, query := []int64{0}, "q-0"
		if late {
			h, err := first.store.Head(t.Context(), "s-a")
			if err != nil {
				t.Fatal(err)
			}
			want, query = append(want, h.Seq), "q-1"
			o.before = func() {
				if _, err := first.answer(t.Context(), "s-a", "q-0", "A"); err != nil {
					t.Error(err)
				}
			}
		}
		f, err := second.answer(t.Context(), "s-a", query, "B")
		if err != nil {
			t.Fatalf("late %v: %v", late, err)
		}
		if late && string(f.Output) != `"AB"` {
			t.Errorf("the late answer is lost: %+v", f)
		}
		if !slices.Equal(o.reads, want) {
			t.Errorf("late %v: read after %v, want %v", late, o.reads, want)
		}
	}
}
