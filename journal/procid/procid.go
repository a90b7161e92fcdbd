// Package procid names processes so that a pid that was given to another process meanwhile is
// never mistaken for the one that was meant: an [ID] is the pid together with the time at which
// the kernel started the process. It is what a stuck process is ended by.
package procid

import (
	"errors"
	"fmt"
	"os"
)

// ErrGone is a process that has ended, or whose pid belongs to another one now.
var ErrGone = errors.New("the process is gone")

// ID names a process of this machine's present boot.
type ID struct {
	PID   int
	Start uint64 // when it was started, in the kernel's own unit
}

// String returns the pid, for people.
func (id ID) String() string { return fmt.Sprintf("process %d", id.PID) }

// State is what a process is doing, as far as it matters to whoever waits for it.
type State int

// The states of a process.
const (
	Running State = iota // or sleeping
	Stopped              // by a signal or a debugger
	Waiting              // for a disk, and cannot be disturbed
)

// Self names the calling process.
func Self() (ID, error) { return Of(os.Getpid()) }

// Of names the process that has the pid now. None is [ErrGone].
func Of(pid int) (ID, error) {
	start, _, err := lookUp(pid)
	if err != nil {
		return ID{}, fmt.Errorf("asking for process %d: %w", pid, err)
	}
	return ID{PID: pid, Start: start}, nil
}

// State tells what the process is doing, or [ErrGone].
func (id ID) State() (State, error) {
	start, state, err := lookUp(id.PID)
	if err == nil && start != id.Start {
		err = ErrGone
	}
	if err != nil {
		return Running, fmt.Errorf("asking for process %d: %w", id.PID, err)
	}
	return state, nil
}

// Kill sends SIGKILL to exactly this process. It does not wait for its end. [ErrGone] means that
// there was nothing left to kill.
func (id ID) Kill() error {
	if err := kill(id); err != nil {
		return fmt.Errorf("ending process %d: %w", id.PID, err)
	}
	return nil
}
