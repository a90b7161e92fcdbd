package engine

import (
	"context"
	"sync"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/lua"
)

// strikeCancel is the name that a VM is struck under when its session is cancelled.
const strikeCancel = "cancel"

// Interrupt cancels a session from outside while it is stepped: the step under way, if it is live,
// and every later one ends at once, and the session with it, whatever the script catches. What is
// being reproduced from the record is not touched. The zero value is ready; its methods are safe for
// concurrent use, and do nothing to a nil one.
type Interrupt struct {
	mu      sync.Mutex
	pending bool
	reason  string
	vm      *lua.State         // that runs live
	helper  context.CancelFunc // ends a long helper
}

// Cancel cuts what runs. The first reason counts.
func (i *Interrupt) Cancel(reason string) {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.pending {
		i.pending, i.reason = true, reason
	}
	i.strike()
}

// Withdraw lets later steps run again. No step may be under way.
func (i *Interrupt) Withdraw() {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.pending, i.reason = false, ""
}

func (i *Interrupt) strike() {
	if !i.pending {
		return
	}
	if i.vm != nil {
		i.vm.Strike(strikeCancel)
	}
	if i.helper != nil {
		i.helper()
	}
}

// aim makes a VM, or with it a long helper, what a cancellation cuts; nil for none.
func (i *Interrupt) aim(vm *lua.State, helper context.CancelFunc) {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.vm, i.helper = vm, helper
	i.strike()
}

// why tells whether there is a cancellation, and its reason.
func (i *Interrupt) why() (reason string, pending bool) {
	if i == nil {
		return "", false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.reason, i.pending
}

// cancelled ends a session whose step was cut.
func (s *Session) cancelled(ctx context.Context, reason string) error {
	if reason == "" {
		reason = "cancelled"
	}
	return s.finish(ctx, journal.StateCancelled, nil, &Failure{Code: "cancelled", Message: reason})
}

// cut is cancelled within a step.
func (s *Session) cut(ctx context.Context) error {
	reason, _ := s.host.Interrupt().why()
	if err := s.cancelled(ctx, reason); err != nil {
		return err
	}
	return errEnded
}
