// Package proctest has what tests do to processes that they started.
package proctest

import (
	"syscall"
	"testing"
)

// Freeze stops a child of the calling process and returns when none of its threads runs any more.
// SIGSTOP alone is not enough: a process may answer a request between the signal and its stop. The child
// goes on with SIGCONT.
func Freeze(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatalf("stopping process %d: %v", pid, err)
	}
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil || !status.Stopped():
			t.Fatalf("waiting until process %d stands: %#x, %v", pid, status, err)
		}
		return
	}
}
