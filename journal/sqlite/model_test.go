package sqlite_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
	"github.com/google/go-cmp/cmp"
)

// at is the time of the tests' events.
var at = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// model is what a journal must hold after a workload: the batches that were acknowledged, in
// their order, and how many of them a power cut may not take.
type model struct {
	commits []commit
	durable int     // commits before this one are on the disk
	unsure  *commit // the last batch, when it is not known whether it was committed
	heads   map[string]journal.Head
}

type commit struct {
	sid     string
	body    string
	counted bool // the batch has an effect as well
}

func newModel() *model { return &model{heads: map[string]journal.Head{}} }

// batch is the i-th step of the workload: three sessions in turn, some with effects, some
// not synced.
func (m *model) batch(i int) (journal.Batch, commit) {
	c := commit{sid: fmt.Sprint("s-", i%3), body: fmt.Sprint("body ", i), counted: i%4 == 1}
	head := m.heads[c.sid]
	b := journal.Batch{
		SID: c.sid, Epoch: 1, After: head.Seq, Sync: i%5 != 3,
		Events:   []journal.Event{{Kind: journal.Answered, At: at, Body: []byte(c.body)}},
		Contents: [][]byte{[]byte(c.body)},
		Summary:  journal.Summary{State: journal.StatePaused},
	}
	if c.counted {
		b.Apply = countUp
	}
	return b, c
}

// countUp is an effect that counts in state n/c.
func countUp(tx journal.Tx) ([]journal.Event, error) {
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
	err = tx.StateSet("n", "c", fmt.Append(nil, n+1))
	return []journal.Event{{Kind: journal.Effect, At: at, Body: fmt.Append(nil, n+1)}}, err
}

// step appends the i-th batch and records its outcome. It returns the error, which is one of
// those that an append may answer with when the disk fails.
func (m *model) step(t *testing.T, s *sqlite.Store, i int) error {
	t.Helper()
	b, c := m.batch(i)
	return m.append(t, s, b, c)
}

func (m *model) append(t *testing.T, s *sqlite.Store, b journal.Batch, c commit) error {
	t.Helper()
	head, err := s.Append(t.Context(), b)
	m.unsure = nil
	switch {
	case err == nil:
		m.commits = append(m.commits, c)
		m.heads[c.sid] = head
		if b.Sync {
			m.durable = len(m.commits)
		}
	case errors.Is(err, journal.ErrUncertain):
		m.unsure = &c
	case !errors.Is(err, journal.ErrNotCommitted):
		t.Fatalf("%q: an append on a failing disk answers %v", c.body, err)
	}
	return err
}

// resolve reads the head of the session whose last batch is not known to be committed.
func (m *model) resolve(t *testing.T, s *sqlite.Store) {
	t.Helper()
	if m.unsure == nil {
		return
	}
	c := *m.unsure
	m.unsure = nil
	head, err := s.Head(t.Context(), c.sid)
	if err != nil && !errors.Is(err, journal.ErrNotFound) {
		t.Fatalf("reading a head after an uncertain append: %v", err)
	}
	if head.Seq != m.heads[c.sid].Seq {
		m.commits = append(m.commits, c)
		m.heads[c.sid] = head
	}
}

// want is what the first n commits leave: histories and the counter.
func (m *model) want(commits []commit) (histories map[string][]string, counter int) {
	histories = map[string][]string{}
	for _, c := range commits {
		histories[c.sid] = append(histories[c.sid], c.body)
		if c.counted {
			counter++
			histories[c.sid] = append(histories[c.sid], fmt.Sprint(counter))
		}
	}
	return histories, counter
}

// check compares a store with the model. After a power cut commits that were not synced may be
// missing, but only the last ones, and one that is unsure may be there.
func (m *model) check(t *testing.T, s *sqlite.Store, cut bool) {
	t.Helper()
	got, gotCounter := readAll(t, s)
	candidates := [][]commit{m.commits}
	if m.unsure != nil {
		candidates = append(candidates, append(m.commits[:len(m.commits):len(m.commits)], *m.unsure))
	}
	if cut {
		for n := m.durable; n < len(m.commits); n++ {
			candidates = append(candidates, m.commits[:n])
		}
	}
	var diffs string
	for _, c := range candidates {
		want, wantCounter := m.want(c)
		diff := cmp.Diff(want, got)
		if diff == "" && gotCounter == fmt.Sprint(wantCounter) {
			return
		}
		diffs += fmt.Sprintf("with %d commits, counter %d:\n%s", len(c), wantCounter, diff)
	}
	t.Fatalf("%d commits acknowledged, %d of them synced, unsure %v; the counter is %s and (-want +got):\n%s",
		len(m.commits), m.durable, m.unsure, gotCounter, diffs)
}

// readAll returns every session's bodies, verified, with the contents they name, and the counter.
func readAll(t *testing.T, s *sqlite.Store) (map[string][]string, string) {
	t.Helper()
	heads, err := s.List(t.Context(), journal.Filter{})
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	histories := map[string][]string{}
	for _, h := range heads {
		_, events, err := s.Events(t.Context(), h.SID, 0)
		if err != nil {
			t.Fatalf("Events of %s: %v", h.SID, err)
		}
		for _, e := range events {
			histories[h.SID] = append(histories[h.SID], string(e.Body))
			if e.Kind != journal.Answered {
				continue
			}
			if _, err := s.Content(t.Context(), journal.HashContent(e.Body)); err != nil {
				t.Fatalf("the content of %s/%d: %v", h.SID, e.Seq, err)
			}
		}
	}
	return histories, counter(t, s)
}

// counter is the state n/c as a text, "0" when there is none.
func counter(t *testing.T, s *sqlite.Store) string {
	t.Helper()
	n := "0"
	err := s.View(t.Context(), func(tx journal.Tx) error {
		val, ok, err := tx.StateGet("n", "c")
		if ok {
			n = string(val)
		}
		return err
	})
	if err != nil {
		t.Fatalf("View: %v", err)
	}
	return n
}
