package journaltest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/algocline/algocline/journal"
)

var concurrentTests = map[string]func(*testing.T, Home){
	"many sessions":               testManySessions,
	"one session, one winner":     testOneWinner,
	"two stores race":             testTwoStoresRace,
	"one sid, one creator":        testOneCreator,
	"the stale spoil nobody":      testStaleSpoilNobody,
	"a shared counter is exact":   testSharedCounter,
	"many take over, one gets it": testAcquireRace,
	"reads beside writes":         testReadsBesideWrites,
}

const callers = 64

func testManySessions(t *testing.T, h Home) {
	s := open(t, h)
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			sid := fmt.Sprint("s-", c)
			head, err := s.Append(t.Context(), journal.Batch{SID: sid, Epoch: 1, Events: started(), Summary: paused})
			for i := 0; i < 20 && err == nil; i++ {
				head, err = s.Append(t.Context(), next(head, fmt.Sprint(i)))
			}
			if err != nil {
				t.Errorf("%s: %v", sid, err)
			}
		})
	}
	wg.Wait()
	want := []string{"code", "q-0"}
	for i := range 20 {
		want = append(want, fmt.Sprint(i))
	}
	for c := range callers {
		equal(t, "history", want, history(t, s, fmt.Sprint("s-", c)))
	}
}

// race lets every caller append its own body after the same head and returns who was told that
// it won; the others must be told of a conflict.
func race(t *testing.T, head journal.Head, stores ...journal.Store) []string {
	t.Helper()
	var mu sync.Mutex
	var winners []string
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			body := fmt.Sprint("by ", c)
			_, err := stores[c%len(stores)].Append(t.Context(), next(head, body))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				winners = append(winners, body)
			} else if !errors.Is(err, journal.ErrConflict) {
				t.Errorf("a loser is told %v", err)
			}
		})
	}
	wg.Wait()
	return winners
}

func testOneWinner(t *testing.T, h Home) {
	s := open(t, h)
	head := create(t, s, "s-1", 0)
	winners := race(t, head, s)
	if len(winners) != 1 {
		t.Fatalf("winners %q, want one", winners)
	}
	equal(t, "history", append([]string{"code", "q-0"}, winners...), history(t, s, "s-1"))
}

func testTwoStoresRace(t *testing.T, h Home) {
	s1, s2 := open(t, h), open(t, h)
	head := create(t, s1, "s-1", 0)
	want := []string{"code", "q-0"}
	for range 5 {
		winners := race(t, head, s1, s2)
		if len(winners) != 1 {
			t.Fatalf("winners %q, want one", winners)
		}
		want = append(want, winners...)
		var err error
		if head, err = s1.Head(t.Context(), "s-1"); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "history", want, history(t, s2, "s-1"))
}

func testOneCreator(t *testing.T, h Home) {
	stores := []journal.Store{open(t, h), open(t, h)}
	var created atomic.Int64
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			_, err := stores[c%2].Append(t.Context(), journal.Batch{SID: "s-1", Epoch: 1, Events: started(), Summary: paused, Sync: true})
			if err == nil {
				created.Add(1)
			} else if !errors.Is(err, journal.ErrExists) {
				t.Errorf("a loser is told %v", err)
			}
		})
	}
	wg.Wait()
	if n := created.Load(); n != 1 {
		t.Errorf("%d callers created the session, want 1", n)
	}
	equal(t, "history", []string{"code", "q-0"}, history(t, stores[0], "s-1"))
}

// testStaleSpoilNobody: refused and failing batches share groups with good ones.
func testStaleSpoilNobody(t *testing.T, h Home) {
	s := open(t, h)
	stale := create(t, s, "stale", 0)
	stale.Epoch = 9
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			sid := fmt.Sprint("s-", c)
			head, err := s.Append(t.Context(), journal.Batch{SID: sid, Epoch: 1, Events: started(), Summary: paused})
			for i := 0; i < 10 && err == nil; i++ {
				if _, bad := s.Append(t.Context(), next(stale, "x")); !errors.Is(bad, journal.ErrStaleEpoch) {
					t.Errorf("the stale batch: %v", bad)
				}
				b := next(head, "never")
				b.Apply = func(tx journal.Tx) ([]journal.Event, error) {
					return nil, errors.Join(errDomain, tx.StateSet("never", sid, []byte("1")))
				}
				if _, bad := s.Append(t.Context(), b); !errors.Is(bad, errDomain) {
					t.Errorf("the failing batch: %v", bad)
				}
				b = next(head, "good")
				b.Apply = func(tx journal.Tx) ([]journal.Event, error) {
					return nil, tx.StateSet("good", sid, []byte("1"))
				}
				head, err = s.Append(t.Context(), b)
			}
			if err != nil || head.Seq != 12 {
				t.Errorf("%s: head %+v, %v", sid, head, err)
			}
		})
	}
	wg.Wait()
	err := s.View(t.Context(), func(tx journal.Tx) error {
		never, err := tx.StateKeys("never")
		equal(t, "state of failed batches", []string{}, never)
		good, err2 := tx.StateKeys("good")
		equal(t, "good", callers, len(good))
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Error(err)
	}
	for c := range callers {
		equal(t, "events", 12, len(history(t, s, fmt.Sprint("s-", c))))
	}
}

func testSharedCounter(t *testing.T, h Home) {
	stores := []journal.Store{open(t, h), open(t, h)}
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			s := stores[c%2]
			b := journal.Batch{SID: fmt.Sprint("s-", c), Epoch: 1, Events: started(), Apply: increment}
			for range 5 {
				head, err := s.Append(t.Context(), b)
				if err != nil {
					t.Errorf("%s: %v", b.SID, err)
					return
				}
				b.After, b.Events = head.Seq, nil
			}
		})
	}
	wg.Wait()
	equal(t, "counter", fmt.Sprint(callers*5), state(t, stores[0], "n", "c"))
	seen := map[string]bool{}
	for c := range callers {
		for _, body := range history(t, stores[1], fmt.Sprint("s-", c))[2:] {
			if seen[body] {
				t.Errorf("count %s was recorded twice", body)
			}
			seen[body] = true
		}
	}
}

func testAcquireRace(t *testing.T, h Home) {
	stores := []journal.Store{open(t, h), open(t, h)}
	gone := register(t, stores[0], "gone")
	create(t, stores[0], "s-1", gone)
	workers := make([]journal.WorkerID, 16)
	for i := range workers {
		workers[i] = register(t, stores[i%2], fmt.Sprint("w", i))
	}
	onlyGoneIsDead := func(w journal.Worker) bool { return w.ID != gone }
	var mu sync.Mutex
	var owners []journal.WorkerID
	var wg sync.WaitGroup
	for i, w := range workers {
		wg.Go(func() {
			head, err := stores[i%2].Acquire(t.Context(), "s-1", w, onlyGoneIsDead)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				owners = append(owners, w)
				if head.Epoch != 2 || head.Owner != w {
					t.Errorf("the owner's head: %+v", head)
				}
			} else if !errors.Is(err, journal.ErrOwned) {
				t.Errorf("a loser is told %v", err)
			}
		})
	}
	wg.Wait()
	if len(owners) != 1 {
		t.Errorf("owners %v, want one", owners)
	}
}

// testReadsBesideWrites: whoever reads sees a whole number of batches, each complete.
func testReadsBesideWrites(t *testing.T, h Home) {
	s := open(t, h)
	head := create(t, s, "s-1", 0)
	written := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for done := false; !done; {
				select {
				case <-written:
					done = true
				default:
				}
				got, events, err := s.Events(t.Context(), "s-1", 0)
				if err != nil || got.Seq%2 != 0 || int64(len(events)) != got.Seq {
					t.Errorf("head %d, %d events, %v", got.Seq, len(events), err)
					return
				}
			}
		})
	}
	for i := range 100 {
		b := next(head, fmt.Sprint(i))
		b.Events = append(b.Events, event(journal.Asked, "q"))
		head = mustAppend(t, s, b)
	}
	close(written)
	wg.Wait()
}
