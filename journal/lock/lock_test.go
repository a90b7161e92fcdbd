package lock_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/algocline/algocline/journal/lock"
)

// childEnv makes the test binary take the lock it names and wait to be killed.
const childEnv = "ALC_TEST_LOCK_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		if _, err := lock.Try(path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("held")
		select {}
	}
	os.Exit(m.Run())
}

// holder starts a process that holds the lock and returns what kills it.
func holder(t *testing.T, path string) (kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	kill = func() {
		once.Do(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // killed: that is its error
		})
	}
	t.Cleanup(kill)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the child says %q (%v)", line, err)
	}
	return kill
}

func alive(t *testing.T, path string) bool {
	t.Helper()
	held, err := lock.Alive(path)
	if err != nil {
		t.Fatal(err)
	}
	return held
}

func TestHolderInAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.lock")
	kill := holder(t, path)
	if !alive(t, path) {
		t.Error("the holder is not alive")
	}
	if _, err := lock.Try(path); !errors.Is(err, lock.ErrHeld) {
		t.Errorf("Try: got %v, want ErrHeld", err)
	}
	dead := make(chan error, 1)
	go func() { dead <- lock.Wait(context.Background(), path) }()
	kill()
	if err := <-dead; err != nil {
		t.Errorf("Wait: %v", err)
	}
	if alive(t, path) {
		t.Error("a killed holder is alive")
	}
	l, err := lock.Try(path)
	if err != nil {
		t.Fatalf("taking over from a killed holder: %v", err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

func TestHolderInThisProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.lock")
	if alive(t, path) {
		t.Error("a missing file is alive")
	}
	l, err := lock.Try(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if !alive(t, path) {
			t.Error("the holder is not alive; asking may have released the lock")
		}
	}
	if _, err := lock.Try(path); !errors.Is(err, lock.ErrHeld) {
		t.Errorf("Try: got %v, want ErrHeld", err)
	}
	next := make(chan error, 1)
	go func() {
		l2, err := lock.Acquire(context.Background(), path)
		if err == nil {
			err = l2.Remove()
		}
		next <- err
	}()
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if err := <-next; err != nil {
		t.Errorf("Acquire: %v", err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("Remove left the file: %v", err)
	}
}

func TestCancelledWait(t *testing.T) {
	dir, err := os.MkdirTemp("", "lock")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for os.RemoveAll(dir) != nil { // an abandoned wait may be opening the file just now
			runtime.Gosched()
		}
	})
	path := filepath.Join(dir, "w.lock")
	l, err := lock.Try(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := lock.Acquire(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("Acquire: got %v, want Canceled", err)
	}
	if err := lock.Wait(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait: got %v, want Canceled", err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	// The abandoned waits give the lock up as soon as they have it.
	l, err = lock.Acquire(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

// TestOneHolder lets many take and remove one lock file at once: never two hold it.
func TestOneHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.lock")
	var holders, taken atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				l, err := lock.Acquire(context.Background(), path)
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d hold the lock", n)
				}
				runtime.Gosched()
				taken.Add(1)
				holders.Add(-1)
				if err := l.Remove(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := taken.Load(); n != 400 {
		t.Errorf("taken %d times, want 400", n)
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := lock.Try(filepath.Join(dir, "missing", "x")); err == nil {
		t.Error("Try in a missing directory succeeded")
	}
	if _, err := lock.Alive(dir); err == nil {
		t.Error("Alive of a directory succeeded")
	}
	if err := lock.Wait(context.Background(), dir); err == nil {
		t.Error("Wait for a directory succeeded")
	}
}
