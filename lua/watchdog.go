package lua

/*
#include "vm.h"
*/
import "C"

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	tick      = 10 * time.Millisecond
	idleTicks = 100
)

// watchdog looks at the running VMs of the process every tick: at their CPU time, and whether
// one that was struck must be told again. It has a goroutine while VMs run, and until some time
// after; it has none when no state is open.
type watchdog struct {
	running atomic.Int64 // calls that are running a VM
	awake   atomic.Bool  // whether there is a goroutine

	mu   sync.Mutex // guards starting and stopping
	open int        // states
	stop chan struct{}
	done chan struct{}
}

var watch watchdog

// add counts a state that has been opened.
func (w *watchdog) add() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open++
}

// remove counts a state that has been closed. With the last one the goroutine ends.
func (w *watchdog) remove() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open--; w.open > 0 || w.done == nil {
		return
	}
	if w.awake.CompareAndSwap(true, false) {
		close(w.stop)
	}
	<-w.done
}

// enter says that a VM is about to run.
func (w *watchdog) enter() {
	w.running.Add(1)
	if !w.awake.Load() {
		w.wake()
	}
}

// leave says that a VM has stopped running.
func (w *watchdog) leave() { w.running.Add(-1) }

func (w *watchdog) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.awake.Load() {
		return
	}
	if w.done != nil {
		<-w.done // one that is just leaving
	}
	w.stop, w.done = make(chan struct{}), make(chan struct{})
	w.awake.Store(true)
	go w.watch(w.stop, w.done)
}

func (w *watchdog) watch(stop <-chan struct{}, done chan<- struct{}) {
	defer close(done)
	t := time.NewTicker(tick)
	defer t.Stop()
	for idle := 0; ; {
		select {
		case <-stop:
			return
		case <-t.C:
		}
		if C.vm_watch() > 0 || w.running.Load() > 0 {
			idle = 0
			continue
		}
		if idle++; idle >= idleTicks && w.sleep() {
			return
		}
	}
}

// sleep tells whether the goroutine may end. A call that enters after this finds nobody awake;
// one that entered before is counted.
func (w *watchdog) sleep() bool {
	if !w.mu.TryLock() {
		return false
	}
	defer w.mu.Unlock()
	if !w.awake.CompareAndSwap(true, false) {
		return true
	}
	if w.running.Load() == 0 {
		return true
	}
	w.awake.Store(true)
	return false
}
