package journaltest

import (
	"fmt"
	"testing"

	"github.com/algocline/algocline/journal"
)

var readTests = map[string]func(*testing.T, Home){
	"an empty journal":   testEmpty,
	"the list":           testList,
	"counts":             testCount,
	"the nearest sids":   testNearest,
	"a long history":     testLongHistory,
	"a list behind it":   testListBehind,
	"histories entwined": testEntwined,
	"by another store":   testOtherStore,
}

func sids(heads []journal.Head) []string {
	var out []string
	for _, h := range heads {
		out = append(out, h.SID)
	}
	return out
}

func list(t *testing.T, s journal.Store, f journal.Filter) []journal.Head {
	t.Helper()
	heads, err := s.List(t.Context(), f)
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	return heads
}

func testEmpty(t *testing.T, h Home) {
	s := open(t, h)
	equal(t, "list", []string{}, sids(list(t, s, journal.Filter{})))
	counts, err := s.Count(t.Context())
	if err != nil || len(counts) != 0 {
		t.Errorf("Count: %v, %v", counts, err)
	}
	near, err := s.Nearest(t.Context(), "s-1", 3)
	if err != nil || len(near) != 0 {
		t.Errorf("Nearest: %v, %v", near, err)
	}
}

// finish ends a session in a state.
func finish(t *testing.T, s journal.Store, h journal.Head, state journal.State) journal.Head {
	t.Helper()
	b := next(h, "end")
	b.Summary = journal.Summary{State: state, Strategy: h.Summary.Strategy, LLMCalls: 9}
	return mustAppend(t, s, b)
}

func testList(t *testing.T, h Home) {
	s := open(t, h)
	w := register(t, s, "w")
	heads := map[string]journal.Head{}
	for _, sid := range []string{"s-1", "s-2", "s-3", "s-4"} {
		heads[sid] = create(t, s, sid, 0)
	}
	heads["s-5"] = create(t, s, "s-5", w)
	heads["s-2"] = finish(t, s, heads["s-2"], journal.StateCompleted)
	heads["s-1"] = finish(t, s, heads["s-1"], journal.StateFailed)
	cases := []struct {
		name string
		f    journal.Filter
		want []string
	}{
		{"all", journal.Filter{}, []string{"s-1", "s-2", "s-5", "s-4", "s-3"}},
		{"some", journal.Filter{Limit: 2}, []string{"s-1", "s-2"}},
		{"paused", journal.Filter{States: []journal.State{journal.StatePaused}}, []string{"s-5", "s-4", "s-3"}},
		{"ended", journal.Filter{States: []journal.State{journal.StateFailed, journal.StateCompleted}}, []string{"s-1", "s-2"}},
		{"ended, one", journal.Filter{States: []journal.State{journal.StateFailed, journal.StateCompleted}, Limit: 1}, []string{"s-1"}},
		{"a worker's", journal.Filter{Owner: w}, []string{"s-5"}},
		{"a worker's ended", journal.Filter{Owner: w, States: []journal.State{journal.StateFailed}}, nil},
	}
	for _, c := range cases {
		got := list(t, s, c.f)
		equal(t, c.name, c.want, sids(got))
		for _, g := range got {
			equal(t, c.name+": head", heads[g.SID], g)
		}
	}
}

func testCount(t *testing.T, h Home) {
	s := open(t, h)
	for i := range 5 {
		head := create(t, s, fmt.Sprint("s-", i), 0)
		if i < 2 {
			finish(t, s, head, journal.StateCancelled)
		}
	}
	got, err := s.Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "counts", map[journal.State]int64{journal.StatePaused: 3, journal.StateCancelled: 2}, got)
}

func testNearest(t *testing.T, h Home) {
	s := open(t, h)
	for _, sid := range []string{"s-abcdef", "s-abcxyz", "s-zzzzzz", "run-7"} {
		create(t, s, sid, 0)
	}
	cases := []struct {
		sid  string
		n    int
		want []string
	}{
		{"s-abcdeg", 1, []string{"s-abcdef"}},
		{"s-abcdeg", 2, []string{"s-abcdef", "s-abcxyz"}},
		{"run7", 1, []string{"run-7"}},
		{"x-abcxyz", 1, []string{"s-abcxyz"}},
		{"s-abcdef", 0, nil},
	}
	for _, c := range cases {
		got, err := s.Nearest(t.Context(), c.sid, c.n)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, fmt.Sprintf("nearest %d to %s", c.n, c.sid), c.want, got)
	}
	got, err := s.Nearest(t.Context(), "", 99)
	if err != nil || len(got) != 4 {
		t.Errorf("nearest to nothing: %v, %v", got, err)
	}
}

func testLongHistory(t *testing.T, h Home) {
	s := open(t, h)
	events := make([]journal.Event, 5000)
	want := make([]string, 0, len(events))
	for i := range events {
		events[i] = event(journal.Read, fmt.Sprint("e", i))
		want = append(want, fmt.Sprint("e", i))
	}
	head := mustAppend(t, s, journal.Batch{SID: "s-1", Epoch: 1, Events: events[:1234], Summary: paused})
	mustAppend(t, s, journal.Batch{SID: "s-1", Epoch: 1, After: head.Seq, Events: events[1234:], Summary: paused})
	equal(t, "history", want, history(t, s, "s-1"))
	_, tail, err := s.Events(t.Context(), "s-1", 4990)
	if err != nil || len(tail) != 10 || tail[0].Seq != 4991 {
		t.Errorf("tail of %d events, %v", len(tail), err)
	}
}

// testListBehind: sessions that nothing happened to for long are listed all the same.
func testListBehind(t *testing.T, h Home) {
	s := open(t, h)
	create(t, s, "s-old", 0)
	events := make([]journal.Event, 30_000)
	for i := range events {
		events[i] = event(journal.Read, "e")
	}
	mustAppend(t, s, journal.Batch{SID: "s-long", Epoch: 1, Events: events, Summary: paused})
	equal(t, "list", []string{"s-long", "s-old"}, sids(list(t, s, journal.Filter{})))
	equal(t, "list of one", []string{"s-long"}, sids(list(t, s, journal.Filter{Limit: 1})))
}

func testEntwined(t *testing.T, h Home) {
	s := open(t, h)
	heads := make([]journal.Head, 7)
	want := make([][]string, len(heads))
	for i := range heads {
		heads[i] = create(t, s, fmt.Sprint("s-", i), 0)
		want[i] = []string{"code", "q-0"}
	}
	for n := range 60 {
		i := n * n % len(heads)
		body := fmt.Sprint(i, "/", n)
		heads[i] = mustAppend(t, s, next(heads[i], body))
		want[i] = append(want[i], body)
	}
	for i := range heads {
		equal(t, heads[i].SID, want[i], history(t, s, heads[i].SID))
	}
}

func testOtherStore(t *testing.T, h Home) {
	s1, s2 := open(t, h), open(t, h)
	head := create(t, s1, "s-1", 0)
	equal(t, "history", []string{"code", "q-0"}, history(t, s2, "s-1"))
	head = mustAppend(t, s2, next(head, "x"))
	head = mustAppend(t, s1, next(head, "y"))
	mustAppend(t, s2, next(head, "z"))
	equal(t, "history", []string{"code", "q-0", "x", "y", "z"}, history(t, s1, "s-1"))
}
