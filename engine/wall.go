package engine

import (
	"sync/atomic"
	"time"

	"github.com/algocline/algocline/lua"
)

// wall strikes whichever VM of a session is running when the session's time is over.
type wall struct {
	over  atomic.Bool
	vm    atomic.Pointer[lua.State]
	timer *time.Timer
	fired chan struct{} // closed when the timer's function has returned
}

// timeLeft is what remains of the session's wall time; ok tells whether that is limited. A replay
// has all the time it needs: what it reproduces did happen in time.
func (s *Session) timeLeft() (left time.Duration, ok bool) {
	limit := s.start.Limits.Wall
	if limit <= 0 || len(s.replay) > 0 {
		return 0, false
	}
	return limit - s.host.Now().Sub(s.start.At), true
}

// aim makes a strand's VM, which is about to run, the one that a cancellation and the wall clock strike,
// and gives it the limit of what runs live when its replay is over.
func (s *Session) aim(t *strand) {
	if s.stepCPU() != t.cpu {
		s.limit(t, t.memory)
	}
	if len(s.replay) == 0 {
		s.host.Interrupt().aim(t.vm, nil)
	}
	if s.wall == nil {
		left, ok := s.timeLeft()
		if !ok {
			return
		}
		s.wall = newWall(left)
	}
	s.wall.vm.Store(t.vm)
	if s.wall.over.Load() {
		t.vm.Strike("wall")
	}
}

func newWall(left time.Duration) *wall {
	w := &wall{fired: make(chan struct{})}
	w.timer = time.AfterFunc(left, func() {
		defer close(w.fired)
		w.over.Store(true)
		if vm := w.vm.Load(); vm != nil {
			vm.Strike("wall")
		}
	})
	return w
}

// stopWall stops the clock of a step.
func (s *Session) stopWall() {
	if s.wall == nil {
		return
	}
	if !s.wall.timer.Stop() {
		<-s.wall.fired
	}
	s.wall = nil
}
