package worker_test

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/algocline/algocline/internal/proctest"
	"github.com/algocline/algocline/pool"
)

// The seed's client is tested in four ways against a peer that plays a worker. These are their
// twins against the real one, in a process of its own.

// realWorker starts a worker and returns its socket and process id.
func realWorker(t *testing.T) (sock string, pid int) {
	t.Helper()
	_, d := newHome(t)
	w, err := d.Ensure(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	return w.Sock, w.PID
}

func dial(t *testing.T, sock string) *pool.Client {
	t.Helper()
	c, err := pool.Dial(testContext(t), sock, pool.Options{Version: version})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestSeedRoundTrip(t *testing.T) {
	sock, _ := realWorker(t)
	c, ctx := dial(t, sock), testContext(t)
	f, err := c.Run(ctx, pool.RunRequest{SID: "s-seed", Code: ptr(`return alc.llm("hi é") .. "!"`)})
	if err != nil || f.Type != pool.FeedPaused || f.SessionID != "s-seed" || f.Queries[0].Prompt != "hi é" {
		t.Fatalf("run: %+v, %v", f, err)
	}
	f, err = c.Continue(ctx, pool.ContinueRequest{SID: "s-seed", Answer: pool.Answer{QueryID: ptr("q-0"), Response: ptr("ok \x00\n")}})
	if err != nil || f.Status != "completed" || string(f.Output) != `"ok \u0000\n!"` {
		t.Fatalf("continue: %+v %s, %v", f, f.Output, err)
	}
	if err := c.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestSeedVersionMismatch(t *testing.T) {
	sock, _ := realWorker(t)
	c, err := pool.Dial(testContext(t), sock, pool.Options{Version: "999.0.0"})
	var vm *pool.VersionMismatchError
	if c != nil || !errors.As(err, &vm) || vm.Client != "999.0.0" || vm.Server != version {
		t.Fatalf("got %v, %v", c, err)
	}
}

// A worker that accepts and says nothing: the real one, stopped.
func TestSeedSilence(t *testing.T) {
	sock, pid := realWorker(t)
	proctest.Freeze(t, pid)
	defer syscall.Kill(pid, syscall.SIGCONT)
	const limit = 300 * time.Millisecond
	began := time.Now()
	c, err := pool.Dial(testContext(t), sock, pool.Options{Version: version, HandshakeTimeout: limit})
	var he *pool.HandshakeError
	if c != nil || !errors.As(err, &he) {
		t.Fatalf("got %v, %v", c, err)
	}
	if d := time.Since(began); d > limit+time.Second {
		t.Errorf("gave up after %v, the limit is %v", d, limit)
	}
}

func TestSeedSharedClient(t *testing.T) {
	sock, _ := realWorker(t)
	c, ctx := dial(t, sock), testContext(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]int{}
	for caller := range 2 {
		wg.Go(func() {
			for i := range 10 {
				sid := fmt.Sprintf("s-%d-%d", caller, i)
				f, err := c.Run(ctx, pool.RunRequest{SID: sid, Code: ptr(fmt.Sprintf("return %q", sid))})
				if err != nil || f.SessionID != sid || string(f.Output) != fmt.Sprintf("%q", sid) {
					t.Errorf("%s: got %s %s, %v", sid, f.SessionID, f.Output, err)
				}
				mu.Lock()
				seen[f.SessionID]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for sid, n := range seen {
		if n != 1 {
			t.Errorf("%s was answered %d times", sid, n)
		}
	}
	if len(seen) != 20 {
		t.Errorf("%d answers, want 20", len(seen))
	}
}
