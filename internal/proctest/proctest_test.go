package proctest

import (
	"io"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// TestFreeze: a frozen process answers nothing, and goes on afterwards.
func TestFreeze(t *testing.T) {
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	Freeze(t, cmd.Process.Pid)
	if _, err := io.WriteString(in, "x"); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := out.Read(make([]byte, 1))
		answered <- err
	}()
	select {
	case <-answered:
		t.Error("a frozen process answers")
	case <-time.After(50 * time.Millisecond):
	}
	if err := syscall.Kill(cmd.Process.Pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
