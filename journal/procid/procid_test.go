package procid_test

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/algocline/algocline/journal/procid"
)

func TestSelf(t *testing.T) {
	id, err := procid.Self()
	if err != nil {
		t.Fatal(err)
	}
	if id.PID != os.Getpid() || id.Start == 0 {
		t.Errorf("got %+v", id)
	}
	again, err := procid.Of(os.Getpid())
	if err != nil || again != id {
		t.Errorf("asked again: %+v, %v", again, err)
	}
	if state, err := id.State(); err != nil || state != procid.Running {
		t.Errorf("state %v, %v", state, err)
	}
	other := id
	other.Start++
	if _, err := other.State(); !errors.Is(err, procid.ErrGone) {
		t.Errorf("a process of another time: %v", err)
	}
	if err := other.Kill(); !errors.Is(err, procid.ErrGone) {
		t.Errorf("killing a process of another time: %v", err)
	}
}

func TestStopAndKill(t *testing.T) {
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reaped := false
	defer func() {
		if !reaped {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}()
	id, err := procid.Of(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var ws syscall.WaitStatus
	if _, err := syscall.Wait4(id.PID, &ws, syscall.WUNTRACED, nil); err != nil || !ws.Stopped() {
		t.Fatalf("waiting for the stop: %v, %v", ws, err)
	}
	if state, err := id.State(); err != nil || state != procid.Stopped {
		t.Errorf("state %v, %v; want Stopped", state, err)
	}
	if err := id.Kill(); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	reaped = true
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("the process ended with %v", err)
	}
	if _, err := id.State(); !errors.Is(err, procid.ErrGone) {
		t.Errorf("state of an ended process: %v", err)
	}
	if err := id.Kill(); !errors.Is(err, procid.ErrGone) {
		t.Errorf("killing an ended process: %v", err)
	}
}
