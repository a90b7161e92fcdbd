package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
	"github.com/algocline/algocline/pool"
)

// rig is a worker's sessions over a real journal.
type rig struct {
	*Sessions
	store *sqlite.Store
}

type rigOptions struct {
	dir      string // of the home; "" makes one
	vfs      string
	resident int
	alive    func(journal.Worker) bool
	wrap     func(journal.Store) journal.Store // what the sessions see of the journal
}

func newRig(t *testing.T, o rigOptions) *rig {
	t.Helper()
	if o.dir == "" {
		o.dir = t.TempDir()
	}
	store, err := sqlite.Open(t.Context(), filepath.Join(o.dir, "journal"), sqlite.Options{Durability: sqlite.Full, VFS: o.vfs})
	if err != nil {
		t.Fatal(err)
	}
	w := journal.Worker{LockPath: filepath.Join(o.dir, "lock"), Sock: filepath.Join(o.dir, "sock"), PID: os.Getpid(), Version: "test", StartedAt: time.Now()}
	if w.ID, err = store.Register(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	var seen journal.Store = store
	if o.wrap != nil {
		seen = o.wrap(seen)
	}
	s, err := NewSessions(SessionsConfig{
		Store: seen, Worker: w, Alive: o.alive, Version: "test", Durability: "full", Home: o.dir,
		Limits: engine.DefaultLimits(), Prewarm: 1, Resident: o.resident,
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{s, store}
	t.Cleanup(func() {
		if err := errors.Join(r.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *rig) start(t *testing.T, sid, code string) pool.Feed {
	t.Helper()
	f, err := r.Run(t.Context(), pool.RunRequest{SID: sid, Code: &code, Name: "strategy.lua"})
	if err != nil {
		t.Fatalf("run %s: %v", sid, err)
	}
	return f
}

func (r *rig) answer(ctx context.Context, sid, query, text string) (pool.Feed, error) {
	a := pool.Answer{Response: &text}
	if query != "" {
		a.QueryID = &query
	}
	return r.Continue(ctx, pool.ContinueRequest{SID: sid, Answer: a})
}

// refused wants an error with a code, and returns it.
func refused(t *testing.T, err error, code pool.Code) *pool.RemoteError {
	t.Helper()
	var re *pool.RemoteError
	if !errors.As(err, &re) || re.Code != code {
		t.Fatalf("got %v, want the code %s", err, code)
	}
	return re
}

const twoQuestions = `local a = alc.llm("first") local n = alc.state.incr("n") local b = alc.llm("second " .. n) return a .. b`

// What bad input gets: the rows of the design that are the sessions' business.
func TestBadInput(t *testing.T) {
	r := newRig(t, rigOptions{})
	if f := r.start(t, "s-syntax", "local x = 1\nlocal y = = 2"); f.Error == nil || f.Error.Code != "syntax_error" ||
		!strings.Contains(f.Error.Message, "strategy.lua:2:") || !strings.Contains(f.Error.Message, "'='") {
		t.Errorf("text that does not parse: %+v", f.Error)
	}
	r.start(t, "s-known", twoQuestions)
	_, err := r.answer(t.Context(), "s-knwon", "q-0", "x")
	if re := refused(t, err, pool.CodeSessionNotFound); fmt.Sprint(re.Details["nearest"]) != "[s-known s-syntax]" {
		t.Errorf("nearest: %v", re.Details)
	}
	_, err = r.answer(t.Context(), "s-known", "q-7", "x")
	if re := refused(t, err, pool.CodeQueryNotOpen); fmt.Sprint(re.Details["open"]) != "[q-0]" {
		t.Errorf("open: %v", re.Details)
	}
	for i, text := range []string{"A", "B"} {
		if _, err := r.answer(t.Context(), "s-known", fmt.Sprintf("q-%d", i), text); err != nil {
			t.Fatal(err)
		}
	}
	f, err := r.answer(t.Context(), "s-known", "q-1", "B")
	if err != nil || string(f.Output) != `"AB"` {
		t.Errorf("the last answer again: %s, %v", f.Output, err)
	}
	_, err = r.answer(t.Context(), "s-known", "q-0", "other")
	if re := refused(t, err, pool.CodeAnswerDiffers); re.Details["recorded"] != "A" {
		t.Errorf("another answer after the end: %v", re.Details)
	}
	_, err = r.answer(t.Context(), "s-known", "q-9", "x")
	if re := refused(t, err, pool.CodeSessionFinished); re.Details["feed_result"].(pool.WireFeed).Status != "completed" {
		t.Errorf("an unknown query after the end: %v", re.Details)
	}
	code := `return ctx.k`
	if f, err := r.Run(t.Context(), pool.RunRequest{Code: &code, Ctx: []byte(`"{\"k\":5}"`)}); err != nil || string(f.Output) != "5" {
		t.Errorf("ctx as text: %s, %v", f.Output, err)
	}
	for _, bad := range []pool.RunRequest{
		{Code: &code, Limits: map[string]any{"memory": "1TiB"}},
		{Code: &code, Limits: map[string]any{"colour": 1}},
		{Code: &code, Grants: map[string]any{"read": []any{"relative"}}},
	} {
		_, err := r.Run(t.Context(), bad)
		refused(t, err, pool.CodeMalformedRequest)
	}
}

// A run that is sent again is the same session, also when its worker has forgotten it.
func TestRunAgain(t *testing.T) {
	r := newRig(t, rigOptions{resident: 1})
	first := r.start(t, "s-a", twoQuestions)
	if again := r.start(t, "s-a", twoQuestions); again.Queries[0] != first.Queries[0] {
		t.Errorf("got %+v, want %+v", again.Queries, first.Queries)
	}
	r.start(t, "s-b", twoQuestions) // s-a is passivated
	if again := r.start(t, "s-a", twoQuestions); again.Queries[0] != first.Queries[0] {
		t.Errorf("after it was dropped: got %+v, want %+v", again.Queries, first.Queries)
	}
	other := "return 1"
	_, err := r.Run(t.Context(), pool.RunRequest{SID: "s-a", Code: &other})
	refused(t, err, pool.CodeSessionExists)
}

// More sessions than are kept in memory: each goes on from the journal, and each counts once.
func TestPassivation(t *testing.T) {
	r := newRig(t, rigOptions{resident: 2})
	const n = 7
	for i := range n {
		r.start(t, fmt.Sprintf("s-%d", i), twoQuestions)
	}
	for q, text := range []string{"A", "B"} {
		for i := range n {
			f, err := r.answer(t.Context(), fmt.Sprintf("s-%d", i), fmt.Sprintf("q-%d", q), text)
			if err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf("second %d.0", i+1); q == 0 && f.Queries[0].Prompt != want {
				t.Errorf("session %d asks %q, want %q", i, f.Queries[0].Prompt, want)
			}
		}
		if st, err := r.Status(t.Context(), pool.StatusRequest{}); err != nil || len(st.Sessions) > 2 {
			t.Errorf("%d sessions in memory, %v", len(st.Sessions), err)
		}
	}
}

// Two callers answer one query at the same moment: one step runs and both get its outcome.
func TestSameAnswerTwiceAtOnce(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.start(t, "s-a", twoQuestions)
	var wg sync.WaitGroup
	feeds, errs := make([]pool.Feed, 16), make([]error, 16)
	for i := range feeds {
		wg.Go(func() { feeds[i], errs[i] = r.answer(t.Context(), "s-a", "q-0", "A") })
	}
	wg.Wait()
	for i, f := range feeds {
		if errs[i] != nil || f.Queries[0].Prompt != "second 1.0" {
			t.Errorf("caller %d: %+v, %v", i, f.Queries, errs[i])
		}
	}
	_, events, err := r.store.Events(t.Context(), "s-a", 0)
	if err != nil || len(events) != 5 { // started, asked, answered, effect, asked
		t.Errorf("%d events, %v", len(events), err)
	}
}

// A dead owner's session is taken over; the former owner can write no more and says where to go.
func TestTakeover(t *testing.T) {
	dir := t.TempDir()
	old := newRig(t, rigOptions{dir: dir, alive: func(journal.Worker) bool { return true }})
	old.start(t, "s-a", twoQuestions)
	refusing := newRig(t, rigOptions{dir: dir, alive: func(journal.Worker) bool { return true }})
	_, err := refusing.answer(t.Context(), "s-a", "q-0", "A")
	if re := refused(t, err, pool.CodeLeaseLost); re.Details["sock"] != filepath.Join(dir, "sock") {
		t.Errorf("a live owner is named: %v", re.Details)
	}
	heir := newRig(t, rigOptions{dir: dir, alive: func(journal.Worker) bool { return false }})
	f, err := heir.answer(t.Context(), "s-a", "q-0", "A")
	if err != nil || f.Queries[0].Prompt != "second 1.0" {
		t.Fatalf("%+v, %v", f.Queries, err)
	}
	_, err = old.answer(t.Context(), "s-a", "q-0", "A")
	refused(t, err, pool.CodeLeaseLost)
	if f, err = heir.answer(t.Context(), "s-a", "q-1", "B"); err != nil || string(f.Output) != `"AB"` {
		t.Errorf("%s, %v", f.Output, err)
	}
}

func TestCancel(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.start(t, "s-a", twoQuestions)
	f, err := r.Cancel(t.Context(), pool.CancelRequest{SID: "s-a", Reason: "not wanted"})
	if err != nil || f.Status != "cancelled" || f.Error.Message != "not wanted" {
		t.Fatalf("%+v, %v", f, err)
	}
	if f, err = r.Cancel(t.Context(), pool.CancelRequest{SID: "s-a"}); err != nil || f.Error.Message != "not wanted" {
		t.Errorf("again: %+v, %v", f, err)
	}
	_, err = r.answer(t.Context(), "s-a", "q-0", "A")
	refused(t, err, pool.CodeSessionFinished)
	_, err = r.Cancel(t.Context(), pool.CancelRequest{SID: "s-none"})
	refused(t, err, pool.CodeSessionNotFound)
}

func TestStatusOfSessions(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.start(t, "s-a", `alc.log("info", "hello") alc.progress(1, 2, "half") alc.llm_batch{{prompt="p"},{prompt="q", system="s"}} alc.llm("r")`)
	if _, err := r.answer(t.Context(), "s-a", "q-0", "A"); err != nil {
		t.Fatal(err)
	}
	st, err := r.Status(t.Context(), pool.StatusRequest{SID: "s-a", IncludeHistory: true})
	if err != nil || !st.HasSession || *st.SessionID != "s-a" || len(st.History) != 2 {
		t.Fatalf("%+v, %v", st, err)
	}
	i := st.Sessions[0]
	d := i.Detail
	if i.State != "paused" || i.QueriesOpen != 1 || i.LLMCalls != 2 || len(d.Queries) != 1 || d.Queries[0].ID != "q-1" ||
		d.CurrentQuery == nil || d.CurrentQuery.QueryID != "q-1" || d.Logs[0].Message != "hello" || d.Progress.Step != 1 {
		t.Errorf("%+v %+v", i, d)
	}
	if _, err := r.answer(t.Context(), "s-a", "q-1", "B"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.answer(t.Context(), "s-a", "q-2", "C"); err != nil {
		t.Fatal(err)
	}
	st, err = r.Status(t.Context(), pool.StatusRequest{SID: "s-a"})
	if err != nil || st.HasSession || st.Sessions[0].State != "completed" || st.Sessions[0].Detail.Finished == nil {
		t.Errorf("after the end: %+v, %v", st, err)
	}
	_, err = r.Status(t.Context(), pool.StatusRequest{SID: "s-none"})
	refused(t, err, pool.CodeSessionNotFound)
}

// A worker that is told to leave finishes what is being stepped and refuses the rest.
func TestShutdown(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.start(t, "s-a", twoQuestions)
	if err := r.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := r.answer(t.Context(), "s-a", "q-0", "A")
	refused(t, err, pool.CodeShuttingDown)
}

// However many callers there are at once, no more sessions stay in memory than may.
func TestResidentUnderACrowd(t *testing.T) {
	const resident = 4
	r := newRig(t, rigOptions{resident: resident})
	var wg sync.WaitGroup
	for c := range 16 {
		wg.Go(func() {
			for i := range 25 {
				code := twoQuestions
				if _, err := r.Run(t.Context(), pool.RunRequest{SID: fmt.Sprintf("s-%d-%d", c, i), Code: &code}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	r.mu.Lock()
	open := len(r.open)
	r.mu.Unlock()
	if open > resident {
		t.Errorf("%d sessions are in memory, %d may be", open, resident)
	}
}
