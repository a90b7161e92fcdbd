package escape

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/pool"
)

// neighbour is a session in the same worker that goes on while others misbehave.
type neighbour struct {
	h     *home
	feed  pool.Feed
	usual time.Duration
}

func newNeighbour(t *testing.T, h *home) *neighbour {
	t.Helper()
	f, err := h.start(t.Context(), `local n = 0 while true do n = n + #alc.llm("turn " .. n) end`,
		nil, nil)
	if err != nil || f.Type != pool.FeedPaused {
		t.Fatalf("the neighbour does not start: %v, %s", err, ended(f))
	}
	n := &neighbour{h: h, feed: f}
	var took []time.Duration
	for range 20 {
		took = append(took, n.step(t))
	}
	slices.Sort(took)
	n.usual = took[len(took)/2]
	return n
}

// step answers the neighbour's query and returns how long it took to ask the next one.
func (n *neighbour) step(t *testing.T) time.Duration {
	answer, began := "go on", time.Now()
	f, err := n.h.sessions.Continue(t.Context(), pool.ContinueRequest{SID: n.feed.SessionID, Answer: pool.Answer{QueryID: &n.feed.Queries[0].ID, Response: &answer}})
	took := time.Since(began)
	if err != nil || f.Type != pool.FeedPaused {
		t.Fatalf("the neighbour ended: %v, %s", err, ended(f))
	}
	n.feed = f
	return took
}

// held runs fn beside the neighbour and says how a step of it was held up, if one was. A machine
// that is busy with other things holds steps up as well: a slow one counts against how slow they
// are beside plain computing for the same time, and only what happens again and again is fn's doing.
func (n *neighbour) held(t *testing.T, fn func()) (complaint string) {
	t.Helper()
	const tries = 4
	for range tries {
		began := time.Now()
		slowest := n.during(t, fn)
		if slowest <= n.usual+slack || t.Failed() {
			return ""
		}
		took := time.Since(began)
		calm := n.during(t, func() {
			for until := time.Now().Add(took); time.Now().Before(until); {
			}
		})
		if slowest <= calm+slack {
			return ""
		}
		complaint = fmt.Sprintf("a neighbour's step took %v in the last of %d tries; usually %v, and at most %v beside plain computing", slowest, tries, n.usual, calm)
	}
	return complaint
}

// A script that held its worker's journal would be noticed.
func TestNeighbourThatIsHeld(t *testing.T) {
	h := newHome(t)
	n := newNeighbour(t, h)
	errLetGo := errors.New("let go")
	hold := journal.Batch{
		SID: "s-hold", Epoch: 1, Owner: h.worker.ID, Events: []journal.Event{{Kind: journal.Started, At: time.Now()}},
		Summary: journal.Summary{State: journal.StateRunning},
		Apply: func(journal.Tx) ([]journal.Event, error) {
			<-time.After(10 * slack)
			return nil, errLetGo
		},
	}
	complaint := n.held(t, func() {
		if _, err := h.store.Append(t.Context(), hold); !errors.Is(err, errLetGo) {
			t.Error(err)
		}
	})
	if complaint == "" {
		t.Error("a neighbour that waits for the journal is not noticed")
	}
	if complaint := n.held(t, func() {}); complaint != "" {
		t.Error(complaint)
	}
}

// during steps the neighbour, every few milliseconds, while fn runs, and returns its slowest step.
func (n *neighbour) during(t *testing.T, fn func()) (slowest time.Duration) {
	done := make(chan struct{})
	defer func() { <-done }()
	go func() {
		defer close(done)
		fn()
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		slowest = max(slowest, n.step(t))
		select {
		case <-done:
			return slowest
		case <-tick.C:
		}
	}
}
