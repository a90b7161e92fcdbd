package sqlite_test

import (
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
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{Patience: 50 * time.Millisecond, Logger: quiet})
	cmd, _ := start(t, "stop", dir)
	var ws syscall.WaitStatus
	if _, err := syscall.Wait4(cmd.Process.Pid, &ws, syscall.WUNTRACED, nil); err != nil || !ws.Stopped() {
		t.Fatalf("waiting for the child to stop: %v, %v", ws, err)
	}
	_, err := s.Append(t.Context(), journal.Batch{
		SID: "s-1", Epoch: 1, Events: []journal.Event{{Kind: journal.Started, At: at}}, Apply: countUp, Sync: true,
	})
	if err != nil {
		t.Fatalf("appending beside a stopped writer: %v", err)
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("the stopped writer ended with %v, want SIGKILL", err)
	}
	if _, err := s.Head(t.Context(), "s-stopped"); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("the stopped writer's session: %v", err)
	}
	if n := counter(t, s); n != "1" {
		t.Errorf("the counter is %s, want 1", n)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
