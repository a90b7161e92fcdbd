package journal_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/algocline/algocline/journal"
)

// chain seals n events.
func chain(n int) []journal.Event {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678000, time.UTC)
	events := make([]journal.Event, n)
	var prev journal.Sum
	for i := range events {
		events[i] = journal.Event{Seq: int64(i + 1), Kind: journal.Read, At: at, Path: fmt.Sprint(i % 2), Body: []byte(fmt.Sprint("body ", i))}
		events[i].Sum = journal.Seal(prev, &events[i])
		prev = events[i].Sum
	}
	return events
}

// TestSealStays pins the checksum: journals on disk depend on it.
func TestSealStays(t *testing.T) {
	e := journal.Event{Seq: 3, Kind: journal.Asked, At: time.UnixMicro(1_700_000_000_000_001), Path: "0.1", Body: []byte("hello")}
	if got, want := journal.Seal(journal.Sum{1, 2}, &e).String(), "eb5649065e6b47e8a682c07eda02dea4"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := journal.HashContent([]byte("abc")).String(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; got != want {
		t.Errorf("content: got %s, want %s", got, want)
	}
}

func TestVerifyFindsEveryChange(t *testing.T) {
	if i, why := journal.Verify(journal.Sum{}, 0, chain(5)); i != -1 {
		t.Fatalf("an unchanged chain: event %d: %s", i, why)
	}
	cases := map[string]func([]journal.Event) []journal.Event{
		"body":     func(e []journal.Event) []journal.Event { e[2].Body = []byte("Body 2"); return e },
		"kind":     func(e []journal.Event) []journal.Event { e[2].Kind = journal.Effect; return e },
		"path":     func(e []journal.Event) []journal.Event { e[2].Path = "9"; return e },
		"time":     func(e []journal.Event) []journal.Event { e[2].At = e[2].At.Add(time.Microsecond); return e },
		"sum":      func(e []journal.Event) []journal.Event { e[2].Sum[15] ^= 1; return e },
		"seq":      func(e []journal.Event) []journal.Event { e[2].Seq = 9; return e },
		"cut out":  func(e []journal.Event) []journal.Event { return slices.Delete(e, 2, 3) },
		"swapped":  func(e []journal.Event) []journal.Event { e[2], e[3] = e[3], e[2]; return e },
		"repeated": func(e []journal.Event) []journal.Event { e[2] = e[1]; return e },
		"text moved from kind to path": func(e []journal.Event) []journal.Event {
			e[2].Kind, e[2].Path = e[2].Kind[:3], string(e[2].Kind[3:])+e[2].Path
			return e
		},
	}
	for name, change := range cases {
		if i, why := journal.Verify(journal.Sum{}, 0, change(chain(5))); i != 2 || why == "" {
			t.Errorf("%s: found at %d (%s), want 2", name, i, why)
		}
	}
	events := chain(5)
	if i, _ := journal.Verify(events[1].Sum, 2, events[2:]); i != -1 {
		t.Errorf("a tail after its own predecessor: found at %d", i)
	}
	if i, _ := journal.Verify(events[0].Sum, 2, events[2:]); i != 0 {
		t.Errorf("a tail after another event: found at %d", i)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(3, []byte("body"), "path", byte(1), 0)
	f.Fuzz(func(t *testing.T, n int, body []byte, path string, flip byte, at int) {
		n = n&7 + 1
		events := chain(n)
		var prev journal.Sum
		for i := range events {
			events[i].Body, events[i].Path = append([]byte{}, body...), path
			events[i].Sum = journal.Seal(prev, &events[i])
			prev = events[i].Sum
		}
		if i, why := journal.Verify(journal.Sum{}, 0, events); i != -1 {
			t.Fatalf("event %d: %s", i, why)
		}
		if len(body) == 0 || flip == 0 {
			return
		}
		k := (at%n + n) % n
		events[k].Body[(at&0xffff)%len(body)] ^= flip
		if i, _ := journal.Verify(journal.Sum{}, 0, events); i != k {
			t.Fatalf("a change in event %d was found at %d", k, i)
		}
	})
}

func TestErrorsMatch(t *testing.T) {
	cause := errors.New("disk full")
	cases := []struct {
		err  error
		is   error
		says []string
	}{
		{&journal.ConflictError{SID: "s-1", Want: 3, Have: 5}, journal.ErrConflict, []string{"s-1", "3", "5"}},
		{&journal.StaleEpochError{SID: "s-1", Held: 1, Have: 2}, journal.ErrStaleEpoch, []string{"s-1", "1", "2"}},
		{&journal.OwnedError{SID: "s-1", Worker: journal.Worker{ID: 4, PID: 77, Sock: "/w.sock"}}, journal.ErrOwned, []string{"77", "/w.sock"}},
		{&journal.UncertainError{Cause: cause}, journal.ErrUncertain, []string{"disk full"}},
		{&journal.NotCommittedError{Cause: cause}, journal.ErrNotCommitted, []string{"disk full"}},
		{&journal.CorruptError{File: "/j.db", Why: "bad"}, journal.ErrCorrupt, []string{"/j.db", "alc doctor"}},
		{&journal.CorruptError{File: "/j.db", SID: "s-1", Seq: 7, Why: "bad"}, journal.ErrCorrupt, []string{"s-1", "7", "alc doctor"}},
		{&journal.ShortfallError{File: "/j.db", Mark: "/w.mark", Want: 9, Have: 8}, journal.ErrShortfall, []string{"/j.db", "/w.mark", "9", "8", "alc doctor"}},
	}
	for _, c := range cases {
		if !errors.Is(fmt.Errorf("wrapped: %w", c.err), c.is) {
			t.Errorf("%v does not match %v", c.err, c.is)
		}
		if errors.Is(c.err, journal.ErrClosed) {
			t.Errorf("%v matches another sentinel", c.err)
		}
		for _, text := range c.says {
			if !strings.Contains(c.err.Error(), text) {
				t.Errorf("%q does not say %q", c.err, text)
			}
		}
	}
	for _, err := range []error{&journal.UncertainError{Cause: cause}, &journal.NotCommittedError{Cause: cause}} {
		if !errors.Is(err, cause) {
			t.Errorf("%v hides its cause", err)
		}
	}
}

func TestEnded(t *testing.T) {
	for state, want := range map[journal.State]bool{
		journal.StateRunning: false, journal.StatePaused: false,
		journal.StateCompleted: true, journal.StateFailed: true, journal.StateCancelled: true,
	} {
		if got := state.Ended(); got != want {
			t.Errorf("%s: got %v", state, got)
		}
	}
}
