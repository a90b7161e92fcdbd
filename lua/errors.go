package lua

import (
	"errors"
	"fmt"
)

var (
	// ErrClosed says that the state has been closed.
	ErrClosed = errors.New("the Lua state is closed")
	// ErrDead says that the program has already ended, by returning, by an error or at a limit.
	ErrDead = errors.New("the Lua program has already ended")
	// ErrBusy says that another goroutine is using the state. A state is for one at a time.
	ErrBusy = errors.New("the Lua state is in use by another goroutine")
	// ErrNoSlot says that there is no address space left for another VM. Close states first.
	ErrNoSlot = errors.New("no address space is left for another Lua VM")
	// ErrNoMemory says that the VMs of the process together hold what [SetBudget] allows. The
	// state that wanted more is dead; made anew when there is room, it would have gone on.
	ErrNoMemory = errors.New("the Lua VMs of this process hold all the memory that they may")
	// ErrNotDeterministic says that two VMs order the same table differently, so nothing run
	// here could be replayed. [SelfTest] finds it; the build links Lua in an unforeseen way.
	ErrNotDeterministic = errors.New("two Lua VMs iterate over the same table in different orders")
)

// SyntaxError is a chunk that does not parse.
type SyntaxError struct {
	Message string // file, line and the offending token, as Lua puts it
}

func (e *SyntaxError) Error() string { return e.Message }

// ScriptError is an error that the program did not catch. The state is dead.
type ScriptError struct {
	Message   string // the error value as tostring shows it
	Traceback string // the calls that led there, innermost first
}

func (e *ScriptError) Error() string { return e.Message }

// LimitError says that the VM was struck at a limit. The state is dead, whatever the script
// tried to catch.
type LimitError struct {
	Limit string // "memory", "step_cpu", or the name that [State.Strike] gave
	Value string // the limit that was hit, as "256MiB" or "30s"; empty for other names
}

func (e *LimitError) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("limit %s reached", e.Limit)
	}
	return fmt.Sprintf("limit %s (%s) reached", e.Limit, e.Value)
}

// TransferError is returned for arguments that are no well-formed list of values. Nothing has
// run: the call can be repeated with better ones.
type TransferError struct {
	Reason string
}

func (e *TransferError) Error() string { return "transferring values to Lua: " + e.Reason }
