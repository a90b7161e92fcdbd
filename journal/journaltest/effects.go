package journaltest

import (
	"errors"
	"strings"
	"testing"

	"github.com/algocline/algocline/journal"
)

var effectTests = map[string]func(*testing.T, Home){
	"an effect and its event":     testEffect,
	"an effect of a new session":  testEffectCreates,
	"a refused effect":            testEffectRefused,
	"a failed effect":             testEffectFails,
	"an effect that panics":       testEffectPanics,
	"state operations":            testState,
	"state is seen by other sids": testStateShared,
	"a view cannot write":         testViewReadOnly,
	"a view's own error":          testViewError,
}

func testEffect(t *testing.T, h Home) {
	s := open(t, h)
	head := create(t, s, "s-1", 0)
	b := next(head, "a")
	b.Apply = increment
	b.Summary.State = journal.StateRunning
	head = mustAppend(t, s, b)
	if head.Seq != 4 || head.Summary.State != journal.StateRunning {
		t.Errorf("head %+v", head)
	}
	b = journal.Batch{SID: "s-1", Epoch: 1, After: 4, Apply: increment, Summary: paused}
	mustAppend(t, s, b)
	equal(t, "history", []string{"code", "q-0", "a", "1", "2"}, history(t, s, "s-1"))
	equal(t, "state", "2", state(t, s, "n", "c"))
}

func testEffectCreates(t *testing.T, h Home) {
	s := open(t, h)
	mustAppend(t, s, journal.Batch{SID: "s-1", Epoch: 1, Events: started(), Apply: increment, Summary: paused})
	equal(t, "history", []string{"code", "q-0", "1"}, history(t, s, "s-1"))
	equal(t, "state", "1", state(t, s, "n", "c"))
}

// testEffectRefused: a batch that does not fit leaves no trace, whatever its effect did.
func testEffectRefused(t *testing.T, h Home) {
	s := open(t, h)
	head := create(t, s, "s-1", 0)
	mustAppend(t, s, next(head, "a"))
	b := next(head, "late")
	b.Apply = func(tx journal.Tx) ([]journal.Event, error) {
		return increment(tx)
	}
	_, err := s.Append(t.Context(), b)
	wantErr(t, "Append", err, journal.ErrConflict)
	equal(t, "state", "", state(t, s, "n", "c"))
}

var errDomain = errors.New("the budget is spent")

func testEffectFails(t *testing.T, h Home) {
	s := open(t, h)
	head := create(t, s, "s-1", 0)
	b := next(head, "a")
	b.Contents = [][]byte{[]byte("never")}
	b.Apply = func(tx journal.Tx) ([]journal.Event, error) {
		_, err := increment(tx)
		return nil, errors.Join(err, errDomain)
	}
	_, err := s.Append(t.Context(), b)
	wantErr(t, "Append", err, errDomain)
	if errors.Is(err, journal.ErrUncertain) {
		t.Errorf("a domain error is uncertain: %v", err)
	}
	equal(t, "history", []string{"code", "q-0"}, history(t, s, "s-1"))
	equal(t, "state", "", state(t, s, "n", "c"))
	_, err = s.Content(t.Context(), journal.HashContent([]byte("never")))
	wantErr(t, "content of a failed batch", err, journal.ErrNotFound)
	mustAppend(t, s, next(head, "b"))
}

func testEffectPanics(t *testing.T, h Home) {
	s := open(t, h)
	head := create(t, s, "s-1", 0)
	b := next(head, "a")
	b.Apply = func(tx journal.Tx) ([]journal.Event, error) {
		if _, err := increment(tx); err != nil {
			return nil, err
		}
		panic("no such luck")
	}
	if _, err := s.Append(t.Context(), b); err == nil || !strings.Contains(err.Error(), "no such luck") {
		t.Errorf("Append: %v", err)
	}
	equal(t, "state", "", state(t, s, "n", "c"))
	mustAppend(t, s, next(head, "b"))
}

func testState(t *testing.T, h Home) {
	s := open(t, h)
	if err := s.View(t.Context(), func(tx journal.Tx) error {
		names, err := tx.StateNamespaces()
		equal(t, "namespaces of an empty journal", []string{}, names)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	head := create(t, s, "s-1", 0)
	large := strings.Repeat("ü\x00", 1<<20)
	step := func(fn func(tx journal.Tx) error) {
		t.Helper()
		b := next(head, "a")
		b.Events = nil
		b.Apply = func(tx journal.Tx) ([]journal.Event, error) {
			return []journal.Event{event(journal.Effect, "e")}, fn(tx)
		}
		head = mustAppend(t, s, b)
	}
	step(func(tx journal.Tx) error {
		for key, val := range map[string]string{"b": `{"x":1}`, "a": "null", "B": "1", "ü": "2", "": "3"} {
			if err := tx.StateSet("n", key, []byte(val)); err != nil {
				return err
			}
		}
		if val, ok, err := tx.StateGet("n", "b"); string(val) != `{"x":1}` || !ok || err != nil {
			t.Errorf("own write: %q, %v, %v", val, ok, err)
		}
		return tx.StateSet("other", "a", []byte(large))
	})
	step(func(tx journal.Tx) error {
		if existed, err := tx.StateDelete("n", "B"); !existed || err != nil {
			t.Errorf("delete: %v, %v", existed, err)
		}
		if existed, err := tx.StateDelete("n", "B"); existed || err != nil {
			t.Errorf("delete again: %v, %v", existed, err)
		}
		if _, ok, err := tx.StateGet("n", "B"); ok || err != nil {
			t.Errorf("deleted: %v, %v", ok, err)
		}
		return tx.StateSet("n", "a", []byte("7"))
	})
	err := s.View(t.Context(), func(tx journal.Tx) error {
		keys, err := tx.StateKeys("n")
		equal(t, "keys", []string{"", "a", "b", "ü"}, keys)
		names, err3 := tx.StateNamespaces()
		equal(t, "namespaces", []string{"n", "other"}, names)
		none, err2 := tx.StateKeys("none")
		equal(t, "no keys", []string{}, none)
		return errors.Join(err, err2, err3)
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "a", "7", state(t, s, "n", "a"))
	equal(t, "other", large, state(t, s, "other", "a"))
}

func testStateShared(t *testing.T, h Home) {
	s := open(t, h)
	for _, sid := range []string{"s-1", "s-2", "s-3"} {
		mustAppend(t, s, journal.Batch{SID: sid, Epoch: 1, Events: started(), Apply: increment})
	}
	equal(t, "state", "3", state(t, s, "n", "c"))
}

func testViewReadOnly(t *testing.T, h Home) {
	s := open(t, h)
	err := s.View(t.Context(), func(tx journal.Tx) error {
		if err := tx.StateSet("n", "k", []byte("1")); err == nil {
			t.Error("StateSet in a view succeeded")
		}
		if _, err := tx.StateDelete("n", "k"); err == nil {
			t.Error("StateDelete in a view succeeded")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func testViewError(t *testing.T, h Home) {
	s := open(t, h)
	wantErr(t, "View", s.View(t.Context(), func(journal.Tx) error { return errDomain }), errDomain)
	for range 10 { // more often than a store has readers
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a panic in a view went nowhere")
				}
			}()
			_ = s.View(t.Context(), func(journal.Tx) error { panic("no such luck") })
		}()
	}
	equal(t, "state", "", state(t, s, "n", "c"))
}
