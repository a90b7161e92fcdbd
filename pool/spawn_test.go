package pool

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestWorkerProcess(t *testing.T) {
	t.Parallel()
	home := newHome(t)
	// A descriptor that this process let slip must not live on in the worker.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, w.Fd(), syscall.F_SETFD, 0); errno != 0 {
		t.Fatal(errno)
	}
	ctx, d := testContext(t), newDispatcher(t, home)
	begin := time.Now()
	info, err := d.Ensure(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("ready after %v", time.Since(begin))
	w.Close()
	r.SetReadDeadline(time.Now().Add(testPatience))
	if n, err := r.Read(make([]byte, 1)); n != 0 || os.IsTimeout(err) {
		t.Errorf("the worker holds an inherited descriptor: %v", err)
	}
	if sid, err := unix.Getsid(info.PID); err != nil || sid != info.PID {
		t.Errorf("the worker is in session %d, %v", sid, err)
	}
	for path, want := range map[string]os.FileMode{Dir(home): 0o700, info.Sock: 0o600} {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v", path, st.Mode(), err)
		}
	}
	if !regexp.MustCompile(fmt.Sprintf(`/w-%d-[0-9a-f]{8}\.sock$`, info.PID)).MatchString(info.Sock) {
		t.Errorf("socket %s", info.Sock)
	}
	all, err := d.Workers(ctx)
	if err != nil || len(all) != 1 {
		t.Fatalf("got %v, %v", all, err)
	}
	if diff := cmp.Diff(info, all[0].Worker); diff != "" {
		t.Error(diff)
	}
	if again, err := d.Ensure(ctx); err != nil || again != info {
		t.Errorf("a second worker: %+v, %v", again, err)
	}
	stopped, err := d.Stop(ctx)
	if err != nil || len(stopped) != 1 || stopped[0].PID != info.PID {
		t.Errorf("stopped %v, %v", stopped, err)
	}
	if left := files(t, home, "w-*"); len(left) != 0 {
		t.Errorf("a worker that was asked to leave left %v", left)
	}
	if all, err := d.Workers(ctx); err != nil || len(all) != 0 {
		t.Errorf("got %v, %v", all, err)
	}
}

// TestStartRace lets several fronts start at once: one worker must come of it.
func TestStartRace(t *testing.T) {
	t.Parallel()
	home, ctx := newHome(t), testContext(t)
	var wg sync.WaitGroup
	pids := make([]int, 6)
	for i := range pids {
		d := newDispatcher(t, home)
		wg.Go(func() {
			w, err := d.Ensure(ctx)
			if err != nil {
				t.Error(err)
			}
			pids[i] = w.PID
		})
	}
	wg.Wait()
	if got := slices.Compact(pids); len(got) != 1 {
		t.Errorf("workers %v", got)
	}
}

func TestWorkerThatCannotStart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, env, want string
	}{
		{"says why", "POOL_TEST_REFUSE=the journal is corrupt", "the journal is corrupt"},
		{"dies", "POOL_TEST_DIE=1", "it ended before it was ready: dying as asked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			home := newHome(t)
			_, err := newDispatcher(t, home, tt.env).Run(testContext(t), RunRequest{Code: ptr("1")})
			var s *StartError
			if !errors.As(err, &s) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "worker.log") {
				t.Errorf("got %v", err)
			}
			if left := files(t, home, "w-*"); len(left) != 0 {
				t.Errorf("it left %v", left)
			}
		})
	}
	t.Run("no binary", func(t *testing.T) {
		d := NewDispatcher(Config{Home: newHome(t), Version: testVersion, Exe: "/no/such/alc"})
		defer d.Close()
		var s *StartError
		if _, err := d.Ensure(testContext(t)); !errors.As(err, &s) || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("home too long", func(t *testing.T) {
		d := NewDispatcher(Config{Home: filepath.Join(shortDir(t), strings.Repeat("h", 90)), Version: testVersion, Exe: os.Args[0]})
		defer d.Close()
		var p *PathTooLongError
		if _, err := d.Ensure(testContext(t)); !errors.As(err, &p) || !strings.Contains(err.Error(), "set ALC_HOME") {
			t.Errorf("got %v", err)
		}
	})
}

// TestOtherVersions has workers of two versions side by side: each front uses its own.
func TestOtherVersions(t *testing.T) {
	t.Parallel()
	home, ctx := newHome(t), testContext(t)
	old := NewDispatcher(Config{Home: home, Version: "0.9", Exe: os.Args[0], Env: append(os.Environ(), "POOL_TEST_VERSION=0.9")})
	defer old.Close()
	first, err := old.Ensure(ctx)
	if err != nil {
		t.Fatal(err)
	}
	d := newDispatcher(t, home)
	second, err := d.Ensure(ctx)
	if err != nil || second.PID == first.PID {
		t.Fatalf("got %+v, %v", second, err)
	}
	all, err := d.Workers(ctx)
	if err != nil || len(all) != 2 || all[0].Worker != first {
		t.Errorf("got %+v, %v", all, err)
	}
	// A worker of another version cannot be asked; it is ended by its identity.
	stopped, err := d.Stop(ctx, fmt.Sprint(first.PID))
	if err != nil || len(stopped) != 1 || stopped[0].PID != first.PID {
		t.Errorf("stopped %v, %v", stopped, err)
	}
}

// TestReplacedProgram starts a worker after the program's file was removed.
func TestReplacedProgram(t *testing.T) {
	if os.Getenv("POOL_TEST_REPLACED") != "" {
		if err := os.Remove(os.Args[0]); err != nil {
			t.Fatal(err)
		}
		d := NewDispatcher(Config{Home: os.Getenv("POOL_TEST_REPLACED"), Version: testVersion})
		defer d.Close()
		if _, err := d.Ensure(testContext(t)); err != nil {
			t.Fatal(err)
		}
		return
	}
	if _, err := os.Stat(mappedExe); err != nil {
		t.Skip("this system has no " + mappedExe)
	}
	t.Parallel()
	home := newHome(t)
	bin := filepath.Join(home, "program")
	copyFile(t, os.Args[0], bin)
	cmd := exec.CommandContext(testContext(t), bin, "-test.run=^TestReplacedProgram$")
	cmd.Env = append(os.Environ(), "POOL_TEST_REPLACED="+home)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestLogIsPutAside(t *testing.T) {
	t.Parallel()
	home := newHome(t)
	if err := os.MkdirAll(Dir(home), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(Dir(home), logName)
	if err := os.WriteFile(path, make([]byte, logLimit+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newDispatcher(t, home).Ensure(testContext(t)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "worker is ready") {
		t.Errorf("the log is %q, %v", text, err)
	}
	if st, err := os.Stat(path + ".1"); err != nil || st.Size() != logLimit+1 {
		t.Errorf("the old log: %v", err)
	}
}
