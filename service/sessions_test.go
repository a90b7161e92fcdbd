package service

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/lock"
	"github.com/algocline/algocline/pool"
)

func worker(sessions ...pool.SessionInfo) pool.Status {
	return pool.Status{Worker: pool.WorkerInfo{PID: 42, Sock: "/w.sock", Version: "1.2.3"}, Sessions: sessions}
}

func sids(entries []SessionEntry) []string {
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.SessionID)
	}
	return ids
}

func TestSessionsOfAnEmptyHome(t *testing.T) {
	s := testService(t, &fakePool{})
	l, err := s.List(t.Context(), ListOptions{Detail: true})
	if err != nil || len(l.Sessions) != 0 || l.Active != 0 || len(l.Warnings) != 0 {
		t.Errorf("List = %+v, %v", l, err)
	}
	if _, err := s.Journal(t.Context()); !errors.Is(err, ErrNoJournal) {
		t.Errorf("Journal: %v, want ErrNoJournal", err)
	}
}

func TestListUnitesPoolAndJournal(t *testing.T) {
	f := &fakePool{
		workers: []pool.Status{worker(
			pool.SessionInfo{SessionID: "s-live", State: "paused", LastActivity: 9e12},
			pool.SessionInfo{SessionID: "s-over", State: "completed"},
			pool.SessionInfo{SessionID: "s-gone", State: "paused", LastActivity: 8e12},
		)},
		sessions: map[string]pool.Status{
			"s-live": worker(pool.SessionInfo{SessionID: "s-live", State: "paused", LLMCalls: 7, Detail: &pool.SessionDetail{Rounds: 2}}),
			"s-gone": worker(pool.SessionInfo{SessionID: "s-gone", State: "failed"}), // ended between the two questions
		},
	}
	s := testService(t, f)
	st := writer(t, s.home)
	dead, err := st.Register(t.Context(), journal.Worker{PID: 1, LockPath: s.home + "/none.lock"})
	if err != nil {
		t.Fatal(err)
	}
	appendSession(t, st, dead, "s-live", journal.StatePaused)
	appendSession(t, st, dead, "s-orphan", journal.StatePaused)
	appendSession(t, st, dead, "s-ended", journal.StateCompleted)

	l, err := s.List(t.Context(), ListOptions{Detail: true})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"s-live", "s-orphan"}, sids(l.Sessions)); d != "" || l.Active != 2 {
		t.Fatalf("%d active (-want +got):\n%s", l.Active, d)
	}
	if live := l.Sessions[0]; live.LLMCalls != 7 || live.Detail == nil || live.Worker.PID != 42 {
		t.Errorf("live session: %+v", live)
	}
	if orphan := l.Sessions[1]; orphan.Worker.PID != 0 || orphan.Strategy != "cot" || orphan.QueriesOpen != 2 || orphan.State != "paused" {
		t.Errorf("orphan: %+v", orphan)
	}
	if l, err = s.List(t.Context(), ListOptions{Detail: true, Revive: 1}); err != nil || len(l.Sessions) != 2 ||
		cmp.Diff([]string{"1 shown without detail; the first: session s-orphan: session 's-orphan' not found"}, l.Warnings) != "" {
		t.Errorf("a session that cannot be brought back: %+v, %v", l, err)
	}
	f.sessions["s-orphan"] = worker(pool.SessionInfo{SessionID: "s-orphan", State: "paused", Detail: &pool.SessionDetail{}})
	for revive, want := range []int{0, 42} {
		if l, err = s.List(t.Context(), ListOptions{Detail: true, Revive: revive}); err != nil || l.Sessions[1].Worker.PID != want {
			t.Errorf("Revive %d: %+v, %v", revive, l.Sessions[1], err)
		}
	}
	entries, err := s.Sessions(t.Context())
	if err != nil || len(entries) != 3 {
		t.Errorf("Sessions = %v, %v; want the worker's word without asking twice", sids(entries), err)
	}
}

func TestListNamesALiveOwnerThatIsSilent(t *testing.T) {
	f := &fakePool{sessions: map[string]pool.Status{"s-1": worker(pool.SessionInfo{SessionID: "s-1", State: "paused", Detail: &pool.SessionDetail{}})}}
	s := testService(t, f)
	held, err := lock.Try(s.home + "/w.lock")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	st := writer(t, s.home)
	id, err := st.Register(t.Context(), journal.Worker{PID: 99, Sock: "/w.sock", Version: "0.9", LockPath: held.Path()})
	if err != nil {
		t.Fatal(err)
	}
	appendSession(t, st, id, "s-1", journal.StateRunning)
	l, err := s.List(t.Context(), ListOptions{})
	if err != nil || len(l.Sessions) != 1 {
		t.Fatalf("List = %+v, %v", l, err)
	}
	if w := l.Sessions[0].Worker; w.PID != 99 || w.Version != "0.9" {
		t.Errorf("worker %+v", w)
	}
	// It is asked about the session only when it answers at all.
	for _, workers := range [][]pool.Status{nil, {{Worker: pool.WorkerInfo{Sock: "/w.sock"}, Sessions: []pool.SessionInfo{}}}} {
		f.workers = workers
		l, err := s.List(t.Context(), ListOptions{Detail: true, Revive: 1})
		if err != nil || (l.Sessions[0].Detail != nil) != (workers != nil) {
			t.Errorf("workers %+v: %+v, %v", workers, l, err)
		}
	}
}

func TestStuckWorkerDoesNotFreezeStatus(t *testing.T) {
	f := &fakePool{stuck: true}
	s := testService(t, f)
	st := writer(t, s.home)
	appendSession(t, st, 0, "s-1", journal.StatePaused)
	s.patience = 100 * time.Millisecond
	l, err := s.List(t.Context(), ListOptions{Detail: true})
	if err != nil || len(l.Sessions) != 1 || len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0], "asking the workers") {
		t.Errorf("List = %+v, %v", l, err)
	}
	one, err := s.Session(t.Context(), "s-1", true)
	if err == nil || len(one.Sessions) != 1 || one.Sessions[0].Detail != nil || !one.HasSession {
		t.Errorf("Session = %+v, %v; want the journal's summary and why", one, err)
	}
}

func TestListIsBounded(t *testing.T) {
	s := testService(t, &fakePool{})
	st := writer(t, s.home)
	for _, sid := range []string{"s-1", "s-2", "s-3"} {
		appendSession(t, st, 0, sid, journal.StatePaused)
	}
	l, err := s.List(t.Context(), ListOptions{Limit: 2})
	if err != nil || len(l.Sessions) != 2 || l.Active != 3 {
		t.Errorf("%d of %d shown, %v; want 2 of 3", len(l.Sessions), l.Active, err)
	}
}

func TestListFailsWithoutAnyWord(t *testing.T) {
	lost := errors.New("lost")
	s := testService(t, &fakePool{workersErr: lost})
	if l, err := s.List(t.Context(), ListOptions{}); err != nil || len(l.Warnings) != 1 {
		t.Errorf("List = %+v, %v; an absent journal is no failure", l, err)
	}
	if err := s.journal.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.List(t.Context(), ListOptions{}); !errors.Is(err, lost) || !errors.Is(err, journal.ErrClosed) {
		t.Errorf("error %v, want both reasons", err)
	}
}

func TestSession(t *testing.T) {
	f := &fakePool{
		workers: []pool.Status{worker(pool.SessionInfo{SessionID: "s-first-step", State: "running"})},
		sessions: map[string]pool.Status{
			"s-first-step": worker(pool.SessionInfo{SessionID: "s-first-step", State: "running"}),
			"s-ended":      worker(pool.SessionInfo{SessionID: "s-ended", State: "completed"}),
		},
	}
	s := testService(t, f)
	if st, err := s.Session(t.Context(), "s-first-step", false); err != nil || st.Sessions[0].State != "running" {
		t.Errorf("a session that is not in the journal yet: %+v, %v", st, err)
	}
	w := writer(t, s.home)
	appendSession(t, w, 0, "s-ended", journal.StateCompleted)
	if st, err := s.Session(t.Context(), "s-ended", false); err != nil || st.Sessions[0].State != "completed" {
		t.Errorf("an ended session: %+v, %v", st, err)
	}
	_, err := s.Session(t.Context(), "s-endet", false)
	if remoteCode(err) != pool.CodeSessionNotFound {
		t.Fatalf("error %v, want session_not_found", err)
	}
	var e *pool.RemoteError
	errors.As(err, &e)
	if d := cmp.Diff(map[string]any{"nearest": []string{"s-ended"}}, e.Details); d != "" {
		t.Errorf("details (-want +got):\n%s", d)
	}
}

func TestPoolOps(t *testing.T) {
	one := worker(
		pool.SessionInfo{SessionID: "s-2", State: "paused", StartedAt: 2},
		pool.SessionInfo{SessionID: "s-1", State: "running", StartedAt: 1},
		pool.SessionInfo{SessionID: "s-0", State: "completed"},
	)
	other := pool.Status{Worker: pool.WorkerInfo{PID: 43, Sock: "/v.sock"}}
	f := &fakePool{workers: []pool.Status{one, other}}
	s := testService(t, f)

	r, err := s.PoolEnsure(t.Context())
	if err != nil || f.ensured != 1 || len(r.Workers) != 2 {
		t.Fatalf("PoolEnsure = %+v, %v", r, err)
	}
	if d := cmp.Diff([]string{"s-1", "s-2"}, sids(r.Sessions)); d != "" {
		t.Errorf("sessions (-want +got):\n%s", d)
	}
	r, err = s.PoolStatus(t.Context(), ptr("s-2"))
	if d := cmp.Diff([]string{"s-2"}, sids(r.Sessions)); err != nil || d != "" || len(r.Workers) != 1 {
		t.Errorf("PoolStatus of one: %+v, %v", r, err)
	}
	if got, err := s.PoolStop(t.Context(), ptr("s-nope")); err != nil || len(got.Sessions)+len(got.Workers) != 0 {
		t.Errorf("stopping the unknown: %+v, %v", got, err)
	}
	if got, err := s.PoolStop(t.Context(), ptr("s-1")); err != nil || cmp.Diff([]string{"s-1"}, got.Sessions) != "" {
		t.Errorf("stopping one: %+v, %v", got, err)
	}
	f.err = errors.New("it would not go")
	if got, err := s.PoolStop(t.Context(), nil); err != nil || len(got.Sessions) != 2 || cmp.Diff([]string{"it would not go"}, got.Errors) != "" {
		t.Errorf("stopping all: %+v, %v", got, err)
	}
	if d := cmp.Diff([][]string{{"/w.sock"}, nil}, f.stopped); d != "" {
		t.Errorf("stopped (-want +got):\n%s", d)
	}
	if _, err := s.PoolEnsure(t.Context()); err == nil {
		t.Error("PoolEnsure hid an error")
	}
}

func TestPoolStatusOfTheSilent(t *testing.T) {
	lost := errors.New("lost")
	f := &fakePool{workersErr: lost}
	s := testService(t, f)
	if _, err := s.PoolStatus(t.Context(), nil); !errors.Is(err, lost) {
		t.Errorf("error %v, want %v", err, lost)
	}
	f.workers = []pool.Status{worker()}
	if r, err := s.PoolStatus(t.Context(), nil); err != nil || len(r.Workers) != 1 {
		t.Errorf("one of two answers: %+v, %v", r, err)
	}
}

// A journal that cannot be read is not an empty one.
func TestListOfAnUnreadableJournal(t *testing.T) {
	f := &fakePool{}
	s := testService(t, f)
	dir := filepath.Join(s.home, "journal")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "journal.db"), []byte("no database at all"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if l, err := s.List(t.Context(), ListOptions{}); !errors.Is(err, journal.ErrCorrupt) {
		t.Errorf("List = %+v, %v; want ErrCorrupt", l, err)
	}
	f.workers = []pool.Status{worker(pool.SessionInfo{SessionID: "s-live", State: "paused"})}
	if l, err := s.List(t.Context(), ListOptions{}); err != nil || len(l.Sessions) != 1 || len(l.Warnings) != 1 {
		t.Errorf("List = %+v, %v; want what the worker knows, and a warning", l, err)
	}
}
