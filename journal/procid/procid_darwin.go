package procid

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Process states of XNU's sys/proc.h.
const (
	statStopped = 4
	statZombie  = 5
)

func lookUp(pid int) (start uint64, state State, err error) {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if errors.Is(err, unix.EIO) || errors.Is(err, unix.ESRCH) {
		return 0, Running, ErrGone // an empty answer is how the kernel says that there is none
	}
	if err != nil {
		return 0, Running, err
	}
	start = uint64(k.Proc.P_starttime.Sec)*1e6 + uint64(k.Proc.P_starttime.Usec)
	switch k.Proc.P_stat {
	case statStopped:
		return start, Stopped, nil
	case statZombie:
		return start, Running, ErrGone
	}
	return start, Running, nil
}

// kill looks first; between the look and the signal the pid could in theory be given away.
func kill(id ID) error {
	start, _, err := lookUp(id.PID)
	if err != nil {
		return err
	}
	if start != id.Start {
		return ErrGone
	}
	if err := unix.Kill(id.PID, unix.SIGKILL); errors.Is(err, unix.ESRCH) {
		return ErrGone
	} else if err != nil {
		return err
	}
	return nil
}
