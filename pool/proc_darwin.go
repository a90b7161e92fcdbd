package pool

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// processStart tells when a process was started, in a form that two processes with the same pid
// do not share within one boot.
func processStart(pid int) (string, error) {
	p, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d.%06d", p.Proc.P_starttime.Sec, p.Proc.P_starttime.Usec), nil
}
