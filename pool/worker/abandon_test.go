package worker

import (
	"context"
	"errors"
	"testing"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/pool"
)

// changed is a journal that gives other code back than it was given.
type changed struct {
	journal.Store
	hash journal.ContentHash
	code string
}

func (c changed) Content(ctx context.Context, h journal.ContentHash) ([]byte, error) {
	if h == c.hash {
		return []byte(c.code), nil
	}
	return c.Store.Content(ctx, h)
}

// TestCancelOfWhatCannotBeRebuilt: a session whose replay diverges is never continued, but it can be
// ended.
func TestCancelOfWhatCannotBeRebuilt(t *testing.T) {
	const code = `return alc.llm("one") .. alc.llm("two")`
	dir := t.TempDir()
	first := newRig(t, rigOptions{dir: dir})
	first.start(t, "s", code)
	if _, err := first.answer(t.Context(), "s", "q-0", "1"); err != nil {
		t.Fatal(err)
	}
	next := newRig(t, rigOptions{dir: dir, wrap: func(s journal.Store) journal.Store {
		return changed{s, journal.HashContent([]byte(code)), `return alc.llm("other")`}
	}})
	if _, err := next.answer(t.Context(), "s", "q-1", "2"); !errors.Is(err, &pool.RemoteError{Code: pool.CodeDiverged}) {
		t.Fatalf("continue: %v, want a divergence", err)
	}
	for range 2 { // the second time by what was recorded
		f, err := next.Cancel(t.Context(), pool.CancelRequest{SID: "s", Reason: "beyond help"})
		if err != nil || f.Status != pool.StatusCancelled || f.Error == nil || f.Error.Message != "beyond help" {
			t.Fatalf("cancel: %+v, %v", f, err)
		}
	}
	head, err := next.store.Head(t.Context(), "s")
	if err != nil || head.Summary.State != journal.StateCancelled || head.Summary.LLMCalls != 2 {
		t.Errorf("the journal has %+v, %v", head.Summary, err)
	}
}
