package journaltest

import (
	"errors"
	"testing"
	"time"

	"github.com/algocline/algocline/journal"
)

var ownerTests = map[string]func(*testing.T, Home){
	"workers":                testWorkers,
	"taking from the dead":   testAcquireDead,
	"not from the living":    testAcquireAlive,
	"what one owns already":  testAcquireOwn,
	"what nobody owns":       testAcquireFree,
	"by an unknown worker":   testAcquireUnknownWorker,
	"a stale owner's append": testStaleOwner,
	"there and back":         testThereAndBack,
}

func testWorkers(t *testing.T, h Home) {
	s := open(t, h)
	a := journal.Worker{LockPath: "/a.lock", Sock: "/a.sock", PID: 12, Version: "v1", BootID: "b1", StartedAt: at}
	b := journal.Worker{}
	for _, w := range []*journal.Worker{&a, &b} {
		id, err := s.Register(t.Context(), *w)
		if err != nil {
			t.Fatal(err)
		}
		w.ID = id
		w.StartedAt = w.StartedAt.Truncate(time.Microsecond)
	}
	if a.ID <= 0 || b.ID <= 0 || a.ID == b.ID {
		t.Errorf("ids %d and %d", a.ID, b.ID)
	}
	for _, want := range []journal.Worker{a, b} {
		got, err := s.Worker(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "worker", want, got)
	}
}

func testAcquireDead(t *testing.T, h Home) {
	s := open(t, h)
	a, b := register(t, s, "a"), register(t, s, "b")
	head := create(t, s, "s-1", a)
	asked := journal.Worker{}
	got, err := s.Acquire(t.Context(), "s-1", b, func(w journal.Worker) bool {
		asked = w
		return false
	})
	if err != nil {
		t.Fatal(err)
	}
	if asked.ID != a || asked.LockPath != "/a.lock" {
		t.Errorf("asked about %+v", asked)
	}
	want := head
	want.Epoch, want.Owner = 2, b
	want.UpdatedAt = got.UpdatedAt
	equal(t, "head", want, got)
	read, err := s.Head(t.Context(), "s-1")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "head read back", got, read)
}

func testAcquireAlive(t *testing.T, h Home) {
	s := open(t, h)
	a, b := register(t, s, "a"), register(t, s, "b")
	create(t, s, "s-1", a)
	_, err := s.Acquire(t.Context(), "s-1", b, alive)
	wantErr(t, "Acquire", err, journal.ErrOwned)
	var owned *journal.OwnedError
	if !errors.As(err, &owned) || owned.SID != "s-1" || owned.Worker.Sock != "/a.sock" {
		t.Errorf("the owner is not named: %v", err)
	}
	if h, err := s.Head(t.Context(), "s-1"); err != nil || h.Epoch != 1 || h.Owner != a {
		t.Errorf("head %+v, %v", h, err)
	}
}

func testAcquireOwn(t *testing.T, h Home) {
	s := open(t, h)
	a := register(t, s, "a")
	head := create(t, s, "s-1", a)
	got, err := s.Acquire(t.Context(), "s-1", a, alive)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "head", head, got)
}

func testAcquireFree(t *testing.T, h Home) {
	s := open(t, h)
	create(t, s, "s-1", 0)
	a := register(t, s, "a")
	got, err := s.Acquire(t.Context(), "s-1", a, alive)
	if err != nil || got.Epoch != 2 || got.Owner != a {
		t.Errorf("got %+v, %v", got, err)
	}
}

func testAcquireUnknownWorker(t *testing.T, h Home) {
	s := open(t, h)
	create(t, s, "s-1", 0)
	_, err := s.Acquire(t.Context(), "s-1", 77, dead)
	wantErr(t, "Acquire", err, journal.ErrNotFound)
}

// testStaleOwner: two stores, as in two processes; the one that was taken from finds out.
func testStaleOwner(t *testing.T, h Home) {
	s1, s2 := open(t, h), open(t, h)
	a, b := register(t, s1, "a"), register(t, s2, "b")
	old := create(t, s1, "s-1", a)
	taken, err := s2.Acquire(t.Context(), "s-1", b, dead)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s1.Append(t.Context(), next(old, "stale"))
	wantErr(t, "the old owner's append", err, journal.ErrStaleEpoch)
	var stale *journal.StaleEpochError
	if !errors.As(err, &stale) || stale.Held != 1 || stale.Have != 2 {
		t.Errorf("the epochs are not named: %v", err)
	}
	fresh := mustAppend(t, s2, next(taken, "fresh"))
	_, err = s1.Append(t.Context(), next(old, "stale"))
	wantErr(t, "the old owner's second append", err, journal.ErrStaleEpoch)
	equal(t, "history", []string{"code", "q-0", "fresh"}, history(t, s1, "s-1"))
	equal(t, "head", int64(3), fresh.Seq)
}

// testThereAndBack: a session that comes back to a store is what it became meanwhile.
func testThereAndBack(t *testing.T, h Home) {
	s1, s2 := open(t, h), open(t, h)
	a, b := register(t, s1, "a"), register(t, s2, "b")
	head := create(t, s1, "s-1", a)
	for i, w := range []struct {
		s  journal.Store
		id journal.WorkerID
	}{{s2, b}, {s1, a}, {s2, b}, {s1, a}} {
		var err error
		if head, err = w.s.Acquire(t.Context(), "s-1", w.id, dead); err != nil {
			t.Fatal(err)
		}
		if head.Epoch != int64(i+2) {
			t.Errorf("epoch %d, want %d", head.Epoch, i+2)
		}
		head = mustAppend(t, w.s, next(head, "x"))
	}
	equal(t, "history", []string{"code", "q-0", "x", "x", "x", "x"}, history(t, s2, "s-1"))
}
