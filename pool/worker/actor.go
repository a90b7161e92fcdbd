package worker

import (
	"container/list"
	"errors"
	"sync"
	"time"

	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/pool"
)

// actor is one session in this worker. Its lock is held by whoever steps it.
type actor struct {
	mu    sync.Mutex
	sid   string
	gone  bool // dropped from the map: look it up again
	sess  *engine.Session
	epoch int64
	used  time.Time
	place *list.Element    // in recent; nil while it holds no VM
	info  pool.SessionInfo // as of the last step, for lists
	infoM sync.Mutex

	interrupt engine.Interrupt // to be used without the lock
}

// lock returns the locked actor of a sid, making one when there is none.
func (s *Sessions) lock(sid string) *actor { return s.lockAfter(sid, func(*actor) {}) }

// lockAfter is lock with something to be done before it waits for the actor.
func (s *Sessions) lockAfter(sid string, before func(*actor)) *actor {
	for {
		s.mu.Lock()
		a := s.open[sid]
		if a == nil {
			a = &actor{sid: sid}
			s.open[sid] = a
		}
		s.mu.Unlock()
		before(a)
		a.mu.Lock()
		if !a.gone {
			return a
		}
		a.mu.Unlock()
	}
}

// drop forgets a locked actor and its VM; the session is in the journal.
func (s *Sessions) drop(a *actor) {
	if a.sess != nil {
		if err := a.sess.Close(); err != nil {
			s.c.Log.Error("dropping a session", "sid", a.sid, "error", err)
		}
		a.sess = nil
	}
	a.gone = true
	s.mu.Lock()
	if s.open[a.sid] == a {
		delete(s.open, a.sid)
	}
	if a.place != nil {
		s.recent.Remove(a.place)
		a.place = nil
	}
	s.mu.Unlock()
}

// settle ends a request on a locked actor: a session that cannot go on here is forgotten.
func (s *Sessions) settle(a *actor) {
	if a.sess == nil || a.sess.State().Ended() {
		s.drop(a)
		a.mu.Unlock()
	} else {
		a.refresh()
		s.passivate(s.release(a))
	}
	s.relieve(false)
}

// release unlocks a and makes it the session used last. When there are too many it gives up the place of one, and
// returns it to be passivated: had it kept its place, callers at once would all choose the same one.
// Whoever uses it at the moment gives it a new place; that a is no more in use must therefore be seen by
// whoever sees its place.
func (s *Sessions) release(a *actor) *actor {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.mu.Unlock()
	if a.place == nil {
		a.place = s.recent.PushFront(a)
	} else {
		s.recent.MoveToFront(a.place)
	}
	if s.recent.Len() <= s.c.Resident {
		return nil
	}
	surplus := s.recent.Remove(s.recent.Back()).(*actor)
	surplus.place = nil
	return surplus
}

// passivate drops the VM of a session that waits at a durable pause; its next answer rebuilds it
// from the journal. One that is in use stays.
func (s *Sessions) passivate(a *actor) {
	if a == nil || !a.mu.TryLock() {
		return
	}
	if !a.gone {
		s.drop(a)
	}
	a.mu.Unlock()
}

// seq is the last committed event that this worker knows of.
func (a *actor) seq() int64 {
	if a.sess == nil {
		return 0
	}
	return a.sess.Head()
}

// step runs fn while the mark says that the session is being stepped.
func (s *Sessions) step(a *actor, fn func() error) error {
	if s.c.Mark != nil {
		slot := s.c.Mark.BeginStep(a.sid, a.seq())
		defer s.c.Mark.EndStep(slot)
	}
	a.begin()
	err := fn()
	a.used = time.Now()
	if err != nil && a.sess != nil && (errors.Is(err, engine.ErrBroken) || errors.Is(err, engine.ErrDiverged) || errors.Is(err, engine.ErrRebuild)) {
		s.drop(a)
	}
	return err
}
