package pool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
)

// newHome is a home whose workers are ended with the test.
func newHome(t testing.TB) string {
	t.Helper()
	home := shortDir(t)
	t.Cleanup(func() {
		d := NewDispatcher(Config{Home: home, Version: testVersion})
		defer d.Close()
		if _, err := d.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return home
}

func newDispatcher(t testing.TB, home string, env ...string) *Dispatcher {
	t.Helper()
	d := NewDispatcher(Config{Home: home, Version: testVersion, Exe: os.Args[0], Env: append(os.Environ(), env...)})
	t.Cleanup(func() { d.Close() })
	return d
}

func answer(sid, query, text string) ContinueRequest {
	return ContinueRequest{SID: sid, Answer: Answer{QueryID: &query, Response: &text}}
}

// kill ends a worker as a power cut would, and waits until it is gone.
func kill(t testing.TB, d *Dispatcher) WorkerInfo {
	t.Helper()
	w, err := d.Ensure(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(w.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return w
}

func files(t *testing.T, home, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(Dir(home), pattern))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestSessionOutlivesWorker(t *testing.T) {
	t.Parallel()
	home := newHome(t)
	ctx, d := testContext(t), newDispatcher(t, home)
	f, err := d.Run(ctx, RunRequest{Code: ptr("3")})
	if err != nil {
		t.Fatal(err)
	}
	sid := f.SessionID
	halfMade := filepath.Join(Dir(home), "w-1-00000000.mark.new-1")
	if err := os.WriteFile(halfMade, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^s-[0-9a-f]+-[0-9a-f]{16}$`).MatchString(sid) {
		t.Errorf("sid %q", sid)
	}
	for n := range 3 {
		dead := kill(t, d)
		if f, err = d.Continue(ctx, answer(sid, fmt.Sprintf("q-%d", n), fmt.Sprint(n))); err != nil {
			t.Fatalf("answer %d after the death of %d: %v", n, dead.PID, err)
		}
	}
	if f.Type != FeedFinished || string(f.Output) != `"0,1,2"` {
		t.Errorf("got %+v", f)
	}
	if left := files(t, home, "w-*.mark*"); len(left) != 1 {
		t.Errorf("marks of dead workers stay: %v", left)
	}
	if left := append(files(t, home, "w-*.sock"), files(t, home, "w-*.lock")...); len(left) != 2 {
		t.Errorf("files of dead workers stay: %v", left)
	}
}

func TestIdleWorkerLeaves(t *testing.T) {
	t.Parallel()
	home := newHome(t)
	ctx, d := testContext(t), newDispatcher(t, home, "POOL_TEST_IDLE_MS=50")
	f, err := d.Run(ctx, RunRequest{Code: ptr("1")})
	if err != nil {
		t.Fatal(err)
	}
	live, err := scan(Dir(home))
	for _, id := range live {
		if !awaitDeath(ctx, id, testPatience) {
			t.Fatal("an idle worker stays")
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if f, err = d.Continue(ctx, answer(f.SessionID, "q-0", "a")); err != nil || f.Type != FeedFinished {
		t.Errorf("got %+v, %v", f, err)
	}
}

// TestFollowsTheOwner asks a worker about a session that another one owns.
func TestFollowsTheOwner(t *testing.T) {
	t.Parallel()
	home, ctx := newHome(t), testContext(t)
	full := NewDispatcher(Config{Home: home, Version: testVersion, Exe: os.Args[0], Durability: "full"})
	defer full.Close()
	process := NewDispatcher(Config{Home: home, Version: testVersion, Exe: os.Args[0], Durability: "process"})
	defer process.Close()
	f, err := full.Run(ctx, RunRequest{Code: ptr("4")})
	if err != nil {
		t.Fatal(err)
	}
	other, err := process.Ensure(ctx)
	if err != nil {
		t.Fatal(err)
	}
	owner, err := full.Ensure(ctx)
	if err != nil || owner.PID == other.PID || owner.Durability != "full" || other.Durability != "process" {
		t.Fatalf("workers %+v and %+v, %v", owner, other, err)
	}
	sid := f.SessionID
	if _, err = process.Continue(ctx, answer(sid, "q-0", "a")); err != nil {
		t.Fatal(err)
	}
	if got := process.routes[sid]; got != owner.Sock {
		t.Errorf("the session's route is %q", got)
	}
	// The owner dies: the route leads nowhere, and the other worker takes the session.
	kill(t, full)
	if _, err = process.Continue(ctx, answer(sid, "q-1", "b")); err != nil {
		t.Fatal(err)
	}
	// The owner shuts down while it is routed to.
	if _, err := full.Stop(ctx, other.Sock); err != nil {
		t.Fatal(err)
	}
	if f, err = full.Continue(ctx, answer(sid, "q-2", "c")); err != nil || f.Queries[0].ID != "q-3" {
		t.Errorf("got %+v, %v", f, err)
	}
}

// TestStoppedUnderTheFronts ends workers politely while fronts run and continue.
func TestStoppedUnderTheFronts(t *testing.T) {
	t.Parallel()
	home, ctx := newHome(t), testContext(t)
	a, b := newDispatcher(t, home), newDispatcher(t, home)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for _, d := range []*Dispatcher{a, b} {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				f, err := d.Run(ctx, RunRequest{Code: ptr("2")})
				for q := 0; err == nil && f.Type == FeedPaused; q++ {
					f, err = d.Continue(ctx, answer(f.SessionID, fmt.Sprintf("q-%d", q), "x"))
				}
				if err != nil || string(f.Output) != `"x,x"` {
					t.Errorf("session %d: %+v, %v", n, f, err)
					return
				}
			}
		})
	}
	c := newDispatcher(t, home)
	for range 3 {
		if _, err := c.Ensure(ctx); err != nil {
			t.Error(err)
		}
		if _, err := c.Stop(ctx); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}

func TestAnswerWithoutQueryID(t *testing.T) {
	t.Parallel()
	home := newHome(t)
	ctx, d := testContext(t), newDispatcher(t, home)
	f, err := d.Run(ctx, RunRequest{SID: "mine", Code: ptr("3")})
	if err != nil || f.SessionID != "mine" {
		t.Fatalf("got %+v, %v", f, err)
	}
	kill(t, d)
	if f, err = d.Continue(ctx, ContinueRequest{SID: "mine", Answer: Answer{Response: ptr("a")}}); err != nil || f.Queries[0].ID != "q-1" {
		t.Errorf("got %+v, %v", f, err)
	}
	r := ContinueRequest{SID: "mine", Responses: []Answer{{Response: ptr("b")}}}
	if err := d.nameQuery(ctx, &r); err != nil || r.Responses[0].QueryID == nil || *r.Responses[0].QueryID != "q-1" {
		t.Errorf("got %+v, %v", r, err)
	}
	if f, err := d.Cancel(ctx, CancelRequest{SID: "mine"}); err != nil || f.Status != StatusCancelled {
		t.Errorf("got %+v, %v", f, err)
	}
	_, err = d.Continue(ctx, answer("none", "q-0", "x"))
	if !errors.Is(err, &RemoteError{Code: CodeSessionNotFound}) {
		t.Errorf("got %v", err)
	}
}

func TestClosedDispatcher(t *testing.T) {
	t.Parallel()
	d := newDispatcher(t, newHome(t))
	if _, err := d.Ensure(testContext(t)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := d.Run(testContext(t), RunRequest{Code: ptr("1")}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
