package sqlite_test

import (
	"bufio"
	"errors"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
)

// TestStoppedWriter: a process that was stopped inside its transaction is ended by the one that
// waits for the journal, and leaves no trace.
func TestStoppedWriter(t *testing.T) {
	t.Parallel()
	testStuckWriter(t, "stop", 100*time.Millisecond, func(cmd *exec.Cmd, _ *bufio.Reader) {
		var ws syscall.WaitStatus
		if _, err := syscall.Wait4(cmd.Process.Pid, &ws, syscall.WUNTRACED, nil); err != nil || !ws.Stopped() {
			t.Fatalf("waiting for the child to stop: %v, %v", ws, err)
		}
	})
}

// TestHangingWriter: one that runs but does not go on is waited for longer, then ended too.
func TestHangingWriter(t *testing.T) {
	t.Parallel()
	testStuckWriter(t, "hang", 100*time.Millisecond, func(_ *exec.Cmd, out *bufio.Reader) {
		if line, err := out.ReadString('\n'); err != nil {
			t.Fatalf("the child says %q: %v", line, err)
		}
	})
}

func testStuckWriter(t *testing.T, what string, patience time.Duration, stuck func(*exec.Cmd, *bufio.Reader)) {
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{Patience: patience, Logger: quiet})
	cmd, out := start(t, what, dir)
	stuck(cmd, out)
	_, err := s.Append(t.Context(), journal.Batch{
		SID: "s-1", Epoch: 1, Events: []journal.Event{{Kind: journal.Started, At: at}}, Apply: countUp, Sync: true,
	})
	if err != nil {
		t.Fatalf("appending beside a stuck writer: %v", err)
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("the stuck writer ended with %v, want SIGKILL", err)
	}
	if _, err := s.Head(t.Context(), "s-stopped"); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("the stuck writer's session: %v", err)
	}
	if n := counter(t, s); n != "1" {
		t.Errorf("the counter is %s, want 1", n)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
