package pool

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/algocline/algocline/internal/proctest"
	"github.com/algocline/algocline/journal/lock"
)

func TestStopsAStuckWorker(t *testing.T) {
	t.Parallel()
	home, ctx := newHome(t), testContext(t)
	d := newDispatcher(t, home)
	w, err := d.Ensure(ctx)
	if err != nil {
		t.Fatal(err)
	}
	proctest.Freeze(t, w.PID)
	live, err := scan(Dir(home))
	if err != nil || len(live) != 1 {
		t.Fatalf("got %v, %v", live, err)
	}
	stranger := live[0]
	stranger.Start++
	if err := stranger.signal(syscall.SIGKILL); err == nil || !strings.Contains(err.Error(), "not touched") {
		t.Errorf("a process with another start time got a signal: %v", err)
	}
	other := live[0]
	other.PID = os.Getpid()
	if err := other.signal(syscall.SIGKILL); err == nil {
		t.Error("another process got a signal")
	}
	if alive, err := lock.Alive(live[0].lock); err != nil || !alive {
		t.Fatalf("the worker is gone: %v", err)
	}
	if err := live[0].signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	if !awaitDeath(ctx, live[0], testPatience) {
		t.Error("it lives")
	}
	if err := live[0].signal(syscall.SIGKILL); err != nil {
		t.Errorf("a dead worker is no error: %v", err)
	}
}

// TestStuckOwner asks a worker that takes connections and does nothing.
func TestStuckOwner(t *testing.T) {
	t.Parallel()
	home, ctx := newHome(t), testContext(t)
	d := newDispatcher(t, home)
	d.patience.answer, d.patience.probe = 20*time.Millisecond, 300*time.Millisecond
	f, err := d.Run(ctx, RunRequest{Code: ptr("slow 100")})
	if err != nil {
		t.Fatalf("a worker that is only busy: %v", err)
	}
	w, err := d.Ensure(ctx)
	if err != nil {
		t.Fatal(err)
	}
	proctest.Freeze(t, w.PID)
	if f, err = d.Continue(ctx, answer(f.SessionID, "q-0", "a")); err != nil || f.Type != FeedFinished {
		t.Errorf("got %+v, %v", f, err)
	}
	if now, err := d.Ensure(ctx); err != nil || now.PID == w.PID {
		t.Errorf("the stuck worker lives: %+v, %v", now, err)
	}
}

// TestStuckOwnerElsewhere asks a worker about a session whose owner is stuck.
func TestStuckOwnerElsewhere(t *testing.T) {
	t.Parallel()
	home, ctx := newHome(t), testContext(t)
	full := NewDispatcher(Config{Home: home, Version: testVersion, Exe: os.Args[0], Durability: "full"})
	defer full.Close()
	process := NewDispatcher(Config{Home: home, Version: testVersion, Exe: os.Args[0], Durability: "process"})
	defer process.Close()
	process.patience.shake, process.patience.probe = 50*time.Millisecond, 50*time.Millisecond
	f, err := full.Run(ctx, RunRequest{Code: ptr("1")})
	if err != nil {
		t.Fatal(err)
	}
	owner, err := full.Ensure(ctx)
	if err != nil {
		t.Fatal(err)
	}
	proctest.Freeze(t, owner.PID)
	if f, err = process.Continue(ctx, answer(f.SessionID, "q-0", "a")); err != nil || f.Type != FeedFinished {
		t.Errorf("got %+v, %v", f, err)
	}
}

// TestOwnerThatDoesNotLeave asks a worker about a session whose owner was told to leave and has
// a step that does not end.
func TestOwnerThatDoesNotLeave(t *testing.T) {
	t.Parallel()
	home, ctx := newHome(t), testContext(t)
	full := NewDispatcher(Config{Home: home, Version: testVersion, Exe: os.Args[0], Durability: "full"})
	defer full.Close()
	process := NewDispatcher(Config{Home: home, Version: testVersion, Exe: os.Args[0], Durability: "process"})
	defer process.Close()
	process.patience.leave = 50 * time.Millisecond
	f, err := full.Run(ctx, RunRequest{Code: ptr("1")})
	if err != nil {
		t.Fatal(err)
	}
	owner, err := full.Ensure(ctx)
	if err != nil {
		t.Fatal(err)
	}
	raw := greeted(t, owner.Sock)
	raw.send(`{"op":"run","code":"gated","id":1}` + "\n" + `{"op":"shutdown","id":2}` + "\n")
	if got := raw.line(); !strings.Contains(got, `"kind":"shutdown"`) {
		t.Fatalf("got %s", got)
	}
	if f, err = process.Continue(ctx, answer(f.SessionID, "q-0", "a")); err != nil || f.Type != FeedFinished {
		t.Errorf("got %+v, %v", f, err)
	}
	raw.wantClosed()
}

func TestStopEscalates(t *testing.T) {
	t.Parallel()
	home, ctx := newHome(t), testContext(t)
	d := newDispatcher(t, home)
	w, err := d.Ensure(ctx)
	if err != nil {
		t.Fatal(err)
	}
	proctest.Freeze(t, w.PID)
	d.patience = patience{shake: 50 * time.Millisecond, polite: time.Second, term: 50 * time.Millisecond, kill: testPatience}
	stopped, err := d.Stop(ctx)
	if err != nil || len(stopped) != 1 {
		t.Errorf("stopped %v, %v", stopped, err)
	}
	if left := files(t, home, "w-*.sock"); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// TestChaos kills workers at random moments, also while they start, under two fronts. Every
// session must come to its own end.
func TestChaos(t *testing.T) {
	t.Parallel()
	home, ctx := newHome(t), testContext(t)
	fronts := []*Dispatcher{newDispatcher(t, home), newDispatcher(t, home)}
	stop := make(chan struct{})
	var killer, callers sync.WaitGroup
	kills := 0
	killer.Go(func() {
		random := rand.New(rand.NewPCG(1, 2))
		for kills < 15 { // on a slow machine more would let no worker ever start
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(random.IntN(20)) * time.Millisecond):
			}
			for _, path := range files(t, home, "w-*.lock") {
				var pid int
				fmt.Sscanf(filepath.Base(path), "w-%d-", &pid)
				if alive, err := lock.Alive(path); err == nil && alive && syscall.Kill(pid, syscall.SIGKILL) == nil {
					kills++
				}
			}
		}
	})
	for i := range 8 {
		callers.Go(func() {
			d := fronts[i%2]
			f, err := d.Run(ctx, RunRequest{Code: ptr("5")})
			for n := 0; n < 5 && err == nil; n++ {
				f, err = d.Continue(ctx, answer(f.SessionID, fmt.Sprintf("q-%d", n), fmt.Sprint(n)))
			}
			if err != nil || string(f.Output) != `"0,1,2,3,4"` {
				t.Errorf("caller %d: %+v, %v", i, f, err)
			}
		})
	}
	callers.Wait()
	close(stop)
	killer.Wait()
	t.Logf("%d kills", kills)
}
