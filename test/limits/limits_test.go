// Package limits holds what a worker promises about limits: a hundred sessions that each hit another
// one do no harm to a hundred that work beside them, and leave nothing behind.
package limits

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/pool/worker"
)

const version = "0.0.0-limits"

// TestMain is a worker process when the test binary was started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "pool-worker" {
		if err := worker.Main(context.Background(), worker.Config{Home: os.Getenv("ALC_HOME"), Version: version, Durability: "process"}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func startWorker(t *testing.T) (*pool.Dispatcher, pool.WorkerInfo) {
	t.Helper()
	home, err := os.MkdirTemp("", "alcl") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	d := pool.NewDispatcher(pool.Config{Home: home, Version: version, Exe: os.Args[0], Durability: "process", Env: os.Environ()})
	t.Cleanup(func() {
		if _, err := d.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		d.Close()
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(pool.Dir(home), "worker.log"))
			t.Logf("the worker's log:\n%s", text)
		}
		os.RemoveAll(home)
	})
	w, err := d.Ensure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d, w
}

// drive runs a session to its end, answering each prompt with itself, and at most so many.
func drive(ctx context.Context, d *pool.Dispatcher, r pool.RunRequest, rounds int) (pool.Feed, error) {
	f, err := d.Run(ctx, r)
	for n := 0; err == nil && f.Type == pool.FeedPaused && n < rounds; n++ {
		q := f.Queries[0]
		f, err = d.Continue(ctx, pool.ContinueRequest{SID: f.SessionID, Answer: pool.Answer{QueryID: &q.ID, Response: &q.Prompt}})
	}
	return f, err
}

// breaks runs a session that hits its limit and checks what it ends with.
func breaks(ctx context.Context, t *testing.T, d *pool.Dispatcher, b breach) {
	f, err := drive(ctx, d, pool.RunRequest{Code: &b.code, Name: b.name + ".lua", Limits: map[string]any{b.limit: b.value}}, b.rounds)
	if err != nil {
		t.Errorf("%s: %v", b.name, err)
		return
	}
	if f.Type != pool.FeedFinished || f.Status != "failed" || f.Error == nil || f.Error.Code != "limit_exceeded" {
		t.Errorf("%s: %s %s %+v\n%s", b.name, f.Type, f.Status, f.Error, b.code)
		return
	}
	for _, part := range []string{"limit " + b.limit + " (" + b.shown + ") reached", "ALC_LIMIT_" + strings.ToUpper(b.limit), "config.toml"} {
		if !strings.Contains(f.Error.Message, part) {
			t.Errorf("%s: %q does not say %q", b.name, f.Error.Message, part)
		}
	}
}

// works runs a session that does something of everything, and checks its result.
func works(ctx context.Context, t *testing.T, d *pool.Dispatcher, i int) {
	code := fmt.Sprintf(`
		local seen = {}
		for round = 1, 3 do
			local t = {}
			for k = 1, 2000 do t[k] = (k * 7919) %% 1009 end
			table.sort(t)
			seen[round] = alc.llm("session %d round " .. round .. " " .. t[1000])
			alc.state.set("k%d", round)
		end
		return {seen = seen, state = alc.state.get("k%d"), words = select(2, ("a b c"):gsub("%%a", "%%0%%0"))}`, i, i, i)
	f, err := drive(ctx, d, pool.RunRequest{Code: &code}, 3)
	want := fmt.Sprintf(`{"seen":["session %[1]d round 1 504","session %[1]d round 2 504","session %[1]d round 3 504"],"state":3,"words":3}`, i)
	if err != nil || f.Status != "completed" || string(f.Output) != want {
		t.Errorf("session %d: %s %s %+v %v, want %s", i, f.Status, f.Output, f.Error, err, want)
	}
}

// storm runs a hundred of each, some at once.
func storm(t *testing.T, d *pool.Dispatcher) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	bad := breaches()
	if len(bad) != 100 {
		t.Fatalf("there are %d breaches, not 100", len(bad))
	}
	work := make(chan func())
	var callers sync.WaitGroup
	for range 16 {
		callers.Go(func() {
			for do := range work {
				do()
			}
		})
	}
	for i, b := range bad {
		work <- func() { breaks(ctx, t, d, b) }
		work <- func() { works(ctx, t, d, i) }
	}
	close(work)
	callers.Wait()
}

// TestStorm is what the limits are for.
func TestStorm(t *testing.T) {
	d, w := startWorker(t)
	storm(t, d)
	if runtime.GOOS != "linux" {
		return
	}
	// What a worker needs once, it now has: its code, the journal's cache, a heap.
	storm(t, d)
	before := residentKiB(t, w.PID)
	storm(t, d)
	after := residentKiB(t, w.PID)
	t.Logf("resident: %d KiB before, %d KiB after", before, after)
	if after > before+before/10 {
		t.Errorf("the worker has %d KiB, it had %d KiB before", after, before)
	}
	if now, err := d.Ensure(t.Context()); err != nil || now.PID != w.PID {
		t.Errorf("the worker %d is now %d, %v", w.PID, now.PID, err)
	}
}

// residentKiB is what a process has in memory.
func residentKiB(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("no VmRSS in %s", text)
	}
	kib, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib
}
