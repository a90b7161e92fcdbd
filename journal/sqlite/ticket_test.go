package sqlite

import (
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/algocline/algocline/journal/procid"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func newTicket(t *testing.T, path string, patience time.Duration) *ticket {
	t.Helper()
	k, err := openTicket(path, patience, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

// TestTicketCannotEndItself: a holder that cannot be ended is named, and its end is found later.
func TestTicketCannotEndItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ticket")
	a, b := newTicket(t, path, time.Millisecond), newTicket(t, path, time.Millisecond)
	release, err := a.lock()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := b.lock()
		var stuck *StuckError
		if !errors.As(err, &stuck) || stuck.Holder != a.self {
			t.Errorf("waiting for a holder that cannot be ended: %v", err)
		}
	}
	release()
	release, err = b.lock()
	if err != nil {
		t.Fatalf("after the holder's end: %v", err)
	}
	release()
}

// TestTicketOfTheGone: a holder that has just ended is given time to leave its lock, as long again
// as it was waited for.
func TestTicketOfTheGone(t *testing.T) {
	const patience = 5 * time.Millisecond
	path := filepath.Join(t.TempDir(), "ticket")
	a, b := newTicket(t, path, patience), newTicket(t, path, patience)
	release, err := a.lock()
	if err != nil {
		t.Fatal(err)
	}
	a.word(ticketStart).Add(1) // a process of another time: it is gone
	begun := time.Now()
	_, err = b.lock()
	if waited := time.Since(begun); !errors.Is(err, procid.ErrGone) || waited < 2*stuckFactor*patience {
		t.Errorf("after %v: %v", waited, err)
	}
	release()
	if release, err = b.lock(); err != nil {
		t.Fatal(err)
	}
	release()
}

func TestTicketTakesTurns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ticket")
	holders := make(chan struct{}, 1)
	done := make(chan error)
	for range 4 {
		k := newTicket(t, path, time.Minute)
		go func() {
			var err error
			for i := 0; i < 100 && err == nil; i++ {
				var release func()
				if release, err = k.lock(); err != nil {
					break
				}
				select {
				case holders <- struct{}{}:
				default:
					err = errors.New("two hold the ticket")
				}
				<-holders
				release()
			}
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestQueueEndsGroupsBySize(t *testing.T) {
	q := newQueue()
	for range 5 {
		q.put(&request{size: groupBytes / 2})
	}
	withdrawnOne := &request{}
	withdrawnOne.state.Store(withdrawn)
	q.put(withdrawnOne)
	q.close()
	var sizes []int
	for {
		group := q.take()
		if group == nil {
			break
		}
		sizes = append(sizes, len(group))
	}
	if len(sizes) != 3 || sizes[0] != 2 || sizes[1] != 2 || sizes[2] != 1 {
		t.Errorf("groups of %v, want 2, 2, 1", sizes)
	}
	if q.put(&request{}) {
		t.Error("a closed queue takes requests")
	}
}

func TestSessionCacheIsBounded(t *testing.T) {
	c := newSessionCache(10)
	for i := range 100 {
		s := session{id: int64(i)}
		s.head.SID = string(rune('a' + i))
		c.put(s)
		if got, ok := c.get("a"); !ok || got.id != 0 {
			t.Fatalf("after %d others the one that is used all the time is gone", i)
		}
		if n := len(c.young) + len(c.old); n > 10 {
			t.Fatalf("%d rows are kept", n)
		}
	}
	c.drop("a")
	if _, ok := c.get("a"); ok {
		t.Error("a dropped row is there")
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "axc", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 2}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
