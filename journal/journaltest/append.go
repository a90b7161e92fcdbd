package journaltest

import (
	"testing"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var appendTests = map[string]func(*testing.T, Home){
	"a new session":            testCreate,
	"events come back":         testRoundTrip,
	"a taken sid":              testExists,
	"another seq":              testConflict,
	"another epoch or owner":   testStale,
	"an unknown session":       testUnknown,
	"the batch is not changed": testBatchUntouched,
	"contents":                 testContents,
	"a summary alone":          testSummaryAlone,
	"bad batches":              testBadBatches,
	"a large body":             testLargeBody,
}

func testCreate(t *testing.T, h Home) {
	s := open(t, h)
	before := time.Now().Truncate(time.Microsecond)
	w := register(t, s, "w")
	got := create(t, s, "s-1", w)
	want := journal.Head{SID: "s-1", Seq: 2, Epoch: 1, Owner: w, Summary: paused}
	times := cmpopts.IgnoreFields(journal.Head{}, "Sum", "CreatedAt", "UpdatedAt")
	equal(t, "head", want, got, times)
	if got.Sum == (journal.Sum{}) || got.CreatedAt.Before(before) || !got.UpdatedAt.Equal(got.CreatedAt) {
		t.Errorf("head %+v", got)
	}
	read, err := s.Head(t.Context(), "s-1")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "head read back", got, read)
}

func testRoundTrip(t *testing.T, h Home) {
	s := open(t, h)
	events := []journal.Event{
		{Kind: journal.Started, At: at, Body: []byte{0, 255, 0}},
		{Kind: journal.Module, At: at.Add(time.Hour), Path: "0.1", Body: nil},
		{Kind: journal.Asked, At: time.UnixMicro(-1).UTC(), Path: "ü", Body: []byte("{}")},
	}
	head := mustAppend(t, s, journal.Batch{SID: "s-1", Epoch: 1, Events: events, Summary: paused})
	mustAppend(t, s, next(head, "more"))
	_, got, err := s.Events(t.Context(), "s-1", 0)
	if err != nil {
		t.Fatal(err)
	}
	want := append(events, event(journal.Answered, "more"))
	for i := range want {
		want[i].Seq = int64(i + 1)
		want[i].At = want[i].At.Truncate(time.Microsecond)
	}
	equal(t, "events", want, got, cmpopts.IgnoreFields(journal.Event{}, "Sum"))
	if i, why := journal.Verify(journal.Sum{}, 0, got); i >= 0 {
		t.Errorf("event %d: %s", i, why)
	}
	_, tail, err := s.Events(t.Context(), "s-1", 2)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "events after 2", got[2:], tail)
	for _, after := range []int64{4, 9} {
		if _, none, err := s.Events(t.Context(), "s-1", after); err != nil || len(none) != 0 {
			t.Errorf("events after %d: %v, %v", after, none, err)
		}
	}
}

func testExists(t *testing.T, h Home) {
	s := open(t, h)
	first := create(t, s, "s-1", 0)
	_, err := s.Append(t.Context(), journal.Batch{SID: "s-1", Epoch: 1, Events: started(), Sync: true})
	wantErr(t, "the same sid", err, journal.ErrExists)
	_, err = s.Append(t.Context(), journal.Batch{SID: "s-1", Epoch: 1, Events: started(), Apply: increment})
	wantErr(t, "the same sid with an effect", err, journal.ErrExists)
	equal(t, "history", []string{"code", "q-0"}, history(t, s, "s-1"))
	if got, err := s.Head(t.Context(), "s-1"); err != nil || got.Sum != first.Sum {
		t.Errorf("head %+v, %v", got, err)
	}
	equal(t, "state", "", state(t, s, "n", "c"))
}

func testConflict(t *testing.T, h Home) {
	s := open(t, h)
	head := create(t, s, "s-1", 0)
	for _, after := range []int64{1, 3, 100} {
		b := next(head, "x")
		b.After = after
		_, err := s.Append(t.Context(), b)
		wantErr(t, "another seq", err, journal.ErrConflict)
		b.Apply = increment
		_, err = s.Append(t.Context(), b)
		wantErr(t, "another seq with an effect", err, journal.ErrConflict)
	}
	equal(t, "history", []string{"code", "q-0"}, history(t, s, "s-1"))
	equal(t, "state", "", state(t, s, "n", "c"))
}

func testStale(t *testing.T, h Home) {
	s := open(t, h)
	w := register(t, s, "w")
	head := create(t, s, "s-1", w)
	for _, b := range []journal.Batch{
		{Epoch: 2, Owner: w},
		{Epoch: 1, Owner: w + 1},
	} {
		b.SID, b.After, b.Events = "s-1", head.Seq, started()
		_, err := s.Append(t.Context(), b)
		wantErr(t, "a stale epoch", err, journal.ErrStaleEpoch)
		b.Apply = increment
		_, err = s.Append(t.Context(), b)
		wantErr(t, "a stale epoch with an effect", err, journal.ErrStaleEpoch)
	}
	equal(t, "state", "", state(t, s, "n", "c"))
	mustAppend(t, s, next(head, "x"))
}

func testUnknown(t *testing.T, h Home) {
	s := open(t, h)
	_, err := s.Append(t.Context(), journal.Batch{SID: "none", Epoch: 1, After: 3, Events: started()})
	wantErr(t, "Append", err, journal.ErrNotFound)
	_, err = s.Head(t.Context(), "none")
	wantErr(t, "Head", err, journal.ErrNotFound)
	_, _, err = s.Events(t.Context(), "none", 0)
	wantErr(t, "Events", err, journal.ErrNotFound)
	_, err = s.Acquire(t.Context(), "none", register(t, s, "w"), dead)
	wantErr(t, "Acquire", err, journal.ErrNotFound)
	_, err = s.Worker(t.Context(), 99)
	wantErr(t, "Worker", err, journal.ErrNotFound)
	_, err = s.Content(t.Context(), journal.HashContent([]byte("none")))
	wantErr(t, "Content", err, journal.ErrNotFound)
}

// testBatchUntouched: a caller may append the same batch again, to another session say.
func testBatchUntouched(t *testing.T, h Home) {
	s := open(t, h)
	b := journal.Batch{SID: "s-1", Epoch: 1, Events: started()}
	mustAppend(t, s, b)
	equal(t, "events of the batch", started(), b.Events)
}

func testContents(t *testing.T, h Home) {
	s := open(t, h)
	contents := [][]byte{[]byte("return 1"), {}, []byte("return 1"), {0, 1, 255}}
	b := journal.Batch{SID: "s-1", Epoch: 1, Events: started(), Contents: contents}
	head := mustAppend(t, s, b)
	again := next(head, "x")
	again.Contents = contents[:1]
	mustAppend(t, s, again)
	for _, want := range contents {
		got, err := s.Content(t.Context(), journal.HashContent(want))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "content", want, got)
	}
	refused := next(head, "x") // head has moved on
	refused.Contents = [][]byte{[]byte("refused")}
	_, err := s.Append(t.Context(), refused)
	wantErr(t, "Append", err, journal.ErrConflict)
	_, err = s.Content(t.Context(), journal.HashContent([]byte("refused")))
	wantErr(t, "content of a refused batch", err, journal.ErrNotFound)
}

func testSummaryAlone(t *testing.T, h Home) {
	s := open(t, h)
	head := create(t, s, "s-1", 0)
	want := journal.Summary{State: journal.StateRunning}
	got := mustAppend(t, s, journal.Batch{SID: "s-1", Epoch: 1, After: head.Seq, Summary: want})
	if got.Seq != head.Seq || got.Sum != head.Sum || got.Summary != want {
		t.Errorf("head %+v", got)
	}
	mustAppend(t, s, next(got, "x"))
	equal(t, "history", []string{"code", "q-0", "x"}, history(t, s, "s-1"))
}

func testBadBatches(t *testing.T, h Home) {
	s := open(t, h)
	for name, b := range map[string]journal.Batch{
		"no sid":          {Epoch: 1, Events: started()},
		"no epoch":        {SID: "s-1", Events: started()},
		"a negative seq":  {SID: "s-1", Epoch: 1, After: -1, Events: started()},
		"nothing to tell": {SID: "s-1", Epoch: 1},
	} {
		if _, err := s.Append(t.Context(), b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func testLargeBody(t *testing.T, h Home) {
	s := open(t, h)
	body := make([]byte, 5<<20)
	for i := range body {
		body[i] = byte(i * i >> 8)
	}
	head := mustAppend(t, s, journal.Batch{SID: "s-1", Epoch: 1, Events: []journal.Event{{Kind: journal.Started, At: at, Body: body}}})
	mustAppend(t, s, next(head, "x"))
	equal(t, "history", []string{string(body), "x"}, history(t, s, "s-1"))
}
