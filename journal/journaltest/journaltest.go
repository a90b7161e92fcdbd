// Package journaltest is the suite that every [journal.Store] passes.
//
// A store's own tests call [Run] with a [Home] that opens stores on one and the same journal. The
// suite asks for what the interface promises and for nothing else: how a store does it, and what
// it does about broken disks, is for its own tests.
package journaltest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Home is one journal that can be opened any number of times, also at once, as the workers of
// one home do. Open fails the test when it cannot; the suite closes what it opens.
type Home struct {
	Open func(t *testing.T) journal.Store
}

// Run runs the suite; home makes a new empty journal.
func Run(t *testing.T, home func(t *testing.T) Home) {
	groups := []struct {
		name  string
		tests map[string]func(*testing.T, Home)
	}{
		{"Append", appendTests},
		{"Effects", effectTests},
		{"Owner", ownerTests},
		{"Read", readTests},
		{"Concurrent", concurrentTests},
		{"Life", lifeTests},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			for name, test := range g.tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, home(t))
				})
			}
		})
	}
}

// open opens a store and closes it when the test ends.
func open(t *testing.T, h Home) journal.Store {
	t.Helper()
	s := h.Open(t)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// at is the time of the suite's events, with more digits than a journal keeps.
var at = time.Date(2026, 3, 4, 5, 6, 7, 891234567, time.UTC)

func event(kind journal.Kind, body string) journal.Event {
	return journal.Event{Kind: kind, At: at, Body: []byte(body)}
}

func started() []journal.Event {
	return []journal.Event{event(journal.Started, "code"), event(journal.Asked, "q-0")}
}

var paused = journal.Summary{State: journal.StatePaused, Strategy: "cot", Open: 1, LLMCalls: 1}

// register makes a worker known and returns its id.
func register(t *testing.T, s journal.Store, name string) journal.WorkerID {
	t.Helper()
	id, err := s.Register(t.Context(), journal.Worker{LockPath: "/" + name + ".lock", Sock: "/" + name + ".sock", PID: 7, Version: "v1", BootID: "b", StartedAt: at})
	if err != nil {
		t.Fatalf("Register: %v", err)
	}
	return id
}

// create makes a session of two events owned by w.
func create(t *testing.T, s journal.Store, sid string, w journal.WorkerID) journal.Head {
	t.Helper()
	return mustAppend(t, s, journal.Batch{SID: sid, Epoch: 1, Owner: w, Events: started(), Summary: paused, Sync: true})
}

// next is a batch that follows h with one event.
func next(h journal.Head, body string) journal.Batch {
	return journal.Batch{
		SID: h.SID, Epoch: h.Epoch, Owner: h.Owner, After: h.Seq,
		Events: []journal.Event{event(journal.Answered, body)}, Summary: h.Summary, Sync: true,
	}
}

func mustAppend(t *testing.T, s journal.Store, b journal.Batch) journal.Head {
	t.Helper()
	h, err := s.Append(t.Context(), b)
	if err != nil {
		t.Fatalf("Append to %s after %d: %v", b.SID, b.After, err)
	}
	return h
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

// history returns the bodies of a session and checks the head that comes with them.
func history(t *testing.T, s journal.Store, sid string) []string {
	t.Helper()
	head, events, err := s.Events(t.Context(), sid, 0)
	if err != nil {
		t.Fatalf("Events of %s: %v", sid, err)
	}
	if head.Seq != int64(len(events)) {
		t.Errorf("Events of %s: %d events, but the head is at %d", sid, len(events), head.Seq)
	}
	if i, why := journal.Verify(journal.Sum{}, 0, events); i >= 0 {
		t.Errorf("Events of %s: event %d: %s", sid, i+1, why)
	}
	bodies := make([]string, len(events))
	for i, e := range events {
		bodies[i] = string(e.Body)
	}
	return bodies
}

func equal(t *testing.T, what string, want, got any, opts ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, append(opts, cmpopts.EquateEmpty())...); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// state returns a value of the state, "" when there is none.
func state(t *testing.T, s journal.Store, ns, key string) string {
	t.Helper()
	var val []byte
	err := s.View(t.Context(), func(tx journal.Tx) (err error) {
		val, _, err = tx.StateGet(ns, key)
		return err
	})
	if err != nil {
		t.Fatalf("View: %v", err)
	}
	return string(val)
}

// increment is an effect that counts in state n/c.
func increment(tx journal.Tx) ([]journal.Event, error) {
	val, _, err := tx.StateGet("n", "c")
	if err != nil {
		return nil, err
	}
	n := 0
	if len(val) > 0 {
		if _, err := fmt.Sscan(string(val), &n); err != nil {
			return nil, err
		}
	}
	if err := tx.StateSet("n", "c", fmt.Append(nil, n+1)); err != nil {
		return nil, err
	}
	return []journal.Event{event(journal.Effect, fmt.Sprint(n+1))}, nil
}

func dead(journal.Worker) bool  { return false }
func alive(journal.Worker) bool { return true }

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
