package engine

import (
	"sync"
	"time"

	"github.com/algocline/algocline/lua"
)

// wallClock strikes the VM that runs when the session's time is over. Between steps nothing runs, and
// a replay has the time of its record: both see to the limit themselves.
type wallClock struct {
	mu    sync.Mutex
	over  bool
	vm    *lua.State // that runs now; nil between
	timer *time.Timer
}

// start begins watching a step; left is what the session still has.
func (w *wallClock) start(left time.Duration) {
	w.over = false
	w.timer = time.AfterFunc(left, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.over = true
		if w.vm != nil {
			w.vm.Strike("wall")
		}
	})
}

// stop ends the watching. A clock that was not started may be stopped.
func (w *wallClock) stop() {
	if w.timer == nil {
		return
	}
	w.timer.Stop()
	w.timer = nil
	w.watch(nil)
}

// watch says which VM runs from now on, and returns the one that did.
func (w *wallClock) watch(vm *lua.State) (before *lua.State) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if before, w.vm = w.vm, vm; vm != nil && w.over {
		vm.Strike("wall")
	}
	return before
}
