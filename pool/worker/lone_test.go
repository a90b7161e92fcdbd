package worker_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/algocline/algocline/journal/lock"
	"github.com/algocline/algocline/pool"
)

const twoQuestions = `return alc.llm("one") .. alc.llm("two")`

// runAlone starts a session in a process of its own and returns its first pause and that process.
func runAlone(t *testing.T, d *pool.Dispatcher, sid string) (pool.Feed, pool.WorkerInfo) {
	t.Helper()
	f, err := d.Run(testContext(t), pool.RunRequest{SID: sid, Code: ptr(twoQuestions), Isolation: pool.IsolationProcess})
	if err != nil || f.Type != pool.FeedPaused {
		t.Fatalf("running %s: %+v, %v", sid, f, err)
	}
	return f, workerOf(t, d, f.SessionID)
}

// workerOf is the worker that holds a session, as everybody sees it.
func workerOf(t *testing.T, d *pool.Dispatcher, sid string) pool.WorkerInfo {
	t.Helper()
	all, err := d.Workers(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	var found []pool.WorkerInfo
	for _, w := range all {
		for _, s := range w.Sessions {
			if s.SessionID == sid {
				found = append(found, w.Worker)
			}
		}
	}
	if len(found) != 1 {
		t.Fatalf("session %s is held by %+v", sid, found)
	}
	return found[0]
}

func answer(t *testing.T, d *pool.Dispatcher, sid, text string) pool.Feed {
	t.Helper()
	f, err := d.Continue(testContext(t), pool.ContinueRequest{SID: sid, Answer: pool.Answer{Response: ptr(text)}})
	if err != nil {
		t.Fatalf("answering %s: %v", sid, err)
	}
	return f
}

// awaitEnd returns when a worker's process is gone.
func awaitEnd(t *testing.T, w pool.WorkerInfo) {
	t.Helper()
	if err := lock.Wait(testContext(t), strings.TrimSuffix(w.Sock, ".sock")+".lock"); err != nil {
		t.Fatalf("worker %d stays: %v", w.PID, err)
	}
}

// Two sessions have two processes; one is killed, the other does not notice; the killed one goes on
// in another process of its own, also when a front continues it that knows nothing of it.
func TestProcessOfItsOwn(t *testing.T) {
	home, d := newHome(t)
	_, a := runAlone(t, d, "a")
	_, b := runAlone(t, d, "b")
	if a.PID == b.PID || a.Isolation != pool.IsolationProcess || b.Isolation != pool.IsolationProcess {
		t.Fatalf("a is in %+v, b in %+v", a, b)
	}
	if err := syscall.Kill(a.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if f := answer(t, d, "a", "1"); f.Queries[0].Prompt != "two" {
		t.Errorf("after the death: %+v", f)
	}
	next := workerOf(t, d, "a")
	if next.PID == a.PID || next.PID == b.PID || next.Isolation != pool.IsolationProcess {
		t.Errorf("a went on in %+v", next)
	}
	if now := workerOf(t, d, "b"); now.PID != b.PID {
		t.Errorf("b moved from %d to %d", b.PID, now.PID)
	}

	other := dispatcher(t, home)
	if st, err := other.Session(testContext(t), pool.StatusRequest{SID: "b"}); err != nil || st.Worker.PID != b.PID ||
		st.Sessions[0].Detail.Isolation != pool.IsolationProcess {
		t.Errorf("another front sees b as %+v, %v", st, err)
	}
	if err := syscall.Kill(next.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if f := answer(t, other, "a", "2"); string(f.Output) != `"12"` {
		t.Errorf("continued by another front: %+v", f)
	}
	answer(t, other, "b", "1")
	if f := answer(t, other, "b", "2"); string(f.Output) != `"12"` {
		t.Errorf("b ended with %+v", f)
	}
	awaitEnd(t, b)
}

// A look at a list starts no process; a look at one session does.
func TestPeekStartsNoProcess(t *testing.T) {
	_, d := newHome(t)
	_, w := runAlone(t, d, "a")
	if err := syscall.Kill(w.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	awaitEnd(t, w)
	_, err := d.Session(testContext(t), pool.StatusRequest{SID: "a", Peek: true})
	if !errors.Is(err, &pool.RemoteError{Code: pool.CodeNeedsProcess}) {
		t.Errorf("peeking: %v", err)
	}
	st, err := d.Session(testContext(t), pool.StatusRequest{SID: "a"})
	if err != nil || st.Worker.PID == w.PID || len(st.Sessions) != 1 {
		t.Errorf("looking: %+v, %v", st, err)
	}
}

// The process ends with its session, and its end is known to those who ask later.
func TestLoneWorkerEndsWithItsSession(t *testing.T) {
	_, d := newHome(t)
	_, w := runAlone(t, d, "a")
	answer(t, d, "a", "1")
	answer(t, d, "a", "2")
	awaitEnd(t, w)
	st, err := d.Session(testContext(t), pool.StatusRequest{SID: "a"})
	if err != nil || st.Sessions[0].State != "completed" {
		t.Errorf("%+v, %v", st, err)
	}
	if c, err := d.Cancel(testContext(t), pool.CancelRequest{SID: "a"}); err != nil || c.Status != "completed" {
		t.Errorf("cancelling what has ended: %+v, %v", c, err)
	}
}

// An idle process leaves; the session goes on in another one of its own.
func TestLoneWorkerLeavesWhenIdle(t *testing.T) {
	_, d := newHome(t, "ALC_POOL_IDLE_TIMEOUT=0.2")
	f, err := d.Run(testContext(t), pool.RunRequest{SID: "a", Code: ptr(twoQuestions), Isolation: pool.IsolationProcess})
	if err != nil {
		t.Fatal(err)
	}
	st, err := d.Session(testContext(t), pool.StatusRequest{SID: f.SessionID})
	if err != nil {
		t.Fatal(err)
	}
	awaitEnd(t, st.Worker)
	answer(t, d, "a", "1")
	again, err := d.Session(testContext(t), pool.StatusRequest{SID: "a"})
	if err != nil || again.Worker.PID == st.Worker.PID {
		t.Errorf("first in %d, then in %+v, %v", st.Worker.PID, again.Worker, err)
	}
	if f := answer(t, d, "a", "2"); string(f.Output) != `"12"` {
		t.Errorf("%+v", f)
	}
}

// A start that is sent again, by whomever, is the same session, and no process is left over.
func TestLoneStartSentAgain(t *testing.T) {
	home, d := newHome(t)
	_, w := runAlone(t, d, "a")
	other := dispatcher(t, home)
	f, err := other.Run(testContext(t), pool.RunRequest{SID: "a", Code: ptr(twoQuestions), Isolation: pool.IsolationProcess})
	if err != nil || f.Type != pool.FeedPaused {
		t.Fatalf("%+v, %v", f, err)
	}
	if now := workerOf(t, other, "a"); now.PID != w.PID {
		t.Errorf("it moved from %d to %d", w.PID, now.PID)
	}
	all, err := d.Workers(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range all {
		if left.Worker.PID != w.PID && left.Worker.Isolation == pool.IsolationProcess {
			awaitEnd(t, left.Worker)
		}
	}
}

// What a worker for one session is asked besides is refused, and it keeps what it has.
func TestLoneWorkerServesOne(t *testing.T) {
	home, d := newHome(t)
	_, w := runAlone(t, d, "a")
	ctx := testContext(t)
	c := client(t, w)
	if _, err := c.Run(ctx, pool.RunRequest{SID: "b", Code: ptr("return 1")}); !errors.Is(err, &pool.RemoteError{Code: pool.CodeLeaseLost}) {
		t.Errorf("another run: %v", err)
	}
	for name, ask := range map[string]func() error{
		"continue": func() error {
			_, err := c.Continue(ctx, pool.ContinueRequest{SID: "b", Answer: pool.Answer{Response: ptr("x")}})
			return err
		},
		"cancel": func() error { _, err := c.Cancel(ctx, pool.CancelRequest{SID: "b"}); return err },
		"status": func() error { _, err := c.Status(ctx, pool.StatusRequest{SID: "b"}); return err },
	} {
		if err := ask(); !errors.Is(err, &pool.RemoteError{Code: pool.CodeLeaseLost}) {
			t.Errorf("%s of another session: %v", name, err)
		}
	}
	if now := workerOf(t, d, "a"); now.PID != w.PID {
		t.Errorf("a moved to %+v", now)
	}
	// Nobody is sent there: sessions that share get a worker for everybody.
	other := dispatcher(t, home)
	f, err := other.Run(ctx, pool.RunRequest{SID: "c", Code: ptr(twoQuestions)})
	if err != nil {
		t.Fatal(err)
	}
	shared := workerOf(t, other, f.SessionID)
	if shared.Isolation == pool.IsolationProcess {
		t.Errorf("a session that shares is in %+v", shared)
	}
	// That one names the owner, who lives, and asks for no other process.
	var r *pool.RemoteError
	if _, err := client(t, shared).Status(ctx, pool.StatusRequest{SID: "a"}); !errors.As(err, &r) || r.Code != pool.CodeLeaseLost || r.Details["sock"] != w.Sock {
		t.Errorf("asked for a, the shared worker says %v", err)
	}
}

func client(t *testing.T, w pool.WorkerInfo) *pool.Client {
	t.Helper()
	c, err := pool.Dial(testContext(t), w.Sock, pool.Options{Version: version})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// A worker for everybody does not take what needs a process of its own.
func TestSharedWorkerRefuses(t *testing.T) {
	home, d := newHome(t)
	w, err := d.Ensure(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, w)
	for name, r := range map[string]pool.RunRequest{
		"isolation":     {Isolation: pool.IsolationProcess},
		"grant":         {Grants: map[string]any{"write": []any{"/somewhere"}}},
		"grant of home": {Grants: map[string]any{"write": []any{home}}},
	} {
		r.SID, r.Code = "s-"+strings.ReplaceAll(name, " ", "-"), ptr("return 1")
		_, err := c.Run(testContext(t), r)
		if !errors.Is(err, &pool.RemoteError{Code: pool.CodeNeedsProcess}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if f, err := c.Run(testContext(t), pool.RunRequest{Code: ptr("return 1"), Isolation: pool.IsolationShared}); err != nil || string(f.Output) != "1" {
		t.Errorf("shared: %+v, %v", f, err)
	}
}

// Three fronts answer sessions whose processes have died, all at once: each session ends once, right.
func TestLoneSessionsUnderKills(t *testing.T) {
	home, d := newHome(t)
	const sessions = 5
	fronts := []*pool.Dispatcher{d, dispatcher(t, home), dispatcher(t, home)}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i := range sessions {
		_, w := runAlone(t, d, fmt.Sprint("s", i))
		if err := syscall.Kill(w.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	errs := make(chan error, sessions*len(fronts))
	for i := range sessions {
		for _, front := range fronts {
			go func() { errs <- finish(ctx, front, fmt.Sprint("s", i)) }()
		}
	}
	for range sessions * len(fronts) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// finish gives both answers, as others do meanwhile.
func finish(ctx context.Context, d *pool.Dispatcher, sid string) error {
	for i, text := range []string{"1", "2"} {
		id := fmt.Sprint("q-", i)
		if _, err := d.Continue(ctx, pool.ContinueRequest{SID: sid, Answer: pool.Answer{QueryID: &id, Response: &text}}); err != nil {
			return fmt.Errorf("session %s, answer %d: %w", sid, i, err)
		}
	}
	st, err := d.Session(ctx, pool.StatusRequest{SID: sid})
	if err != nil {
		return fmt.Errorf("session %s: %w", sid, err)
	}
	if end := st.Sessions[0].Detail.Finished; end == nil || string(end.Output) != `"12"` {
		return fmt.Errorf("session %s stands at %+v", sid, st.Sessions[0])
	}
	return nil
}

// A worker whose front died before it sent the session does not stay.
func TestLoneWorkerWithoutSession(t *testing.T) {
	home, d := newHome(t)
	cmd := exec.CommandContext(testContext(t), os.Args[0], "pool-worker")
	cmd.Env = append(os.Environ(), "ALC_HOME="+home, "ALC_DURABILITY=process", "ALC_POOL_LONE={}")
	cmd.Stderr = t.Output()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd.ExtraFiles = []*os.File{w}
	cmd.Env = append(cmd.Env, pool.ReadyEnv+"=3")
	if err := errors.Join(cmd.Start(), w.Close()); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(r).ReadString('\n'); err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := d.Workers(testContext(t)); err != nil { // connects, and goes away
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
