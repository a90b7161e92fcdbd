package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/algocline/algocline/lua"
	"github.com/algocline/algocline/pool"
)

// patience is how long a request waits for memory that others are about to give back.
const patience = 5 * time.Second

// relieve lets the VMs of idle sessions go, those used longest ago first, until enough of the
// memory is free, or all of them.
func (s *Sessions) relieve(all bool) {
	excess := s.memory.excess()
	if excess <= 0 && !all {
		return
	}
	for _, a := range s.oldest() {
		before := lua.Held()
		s.passivate(a)
		if excess -= before - lua.Held(); excess <= 0 && !all {
			return
		}
	}
}

// oldest lists the sessions that hold a VM, the one used last at the end.
func (s *Sessions) oldest() []*actor {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*actor, 0, s.recent.Len())
	for e := s.recent.Back(); e != nil; e = e.Prev() {
		out = append(out, e.Value.(*actor))
	}
	return out
}

// makeRoom tells whether there is memory for one more VM, after idle ones have made way for it.
func (s *Sessions) makeRoom() error {
	if s.relieve(false); s.memory.excess() > 0 {
		return lua.ErrNoMemory
	}
	return nil
}

func outOfMemory(err error) bool {
	return errors.Is(err, &pool.RemoteError{Code: pool.CodeOutOfMemory})
}

// turns lets requests that found no memory try again one by one.
type turns struct {
	crowd chan struct{} // holds an element while a request has its turn

	mu    sync.Mutex
	busy  int           // requests being served
	ended chan struct{} // closed when one of them ends; nil when nobody waits for that
}

// serve counts a request while it is served.
func (t *turns) serve(do func() (pool.Feed, error)) (pool.Feed, error) {
	t.mu.Lock()
	t.busy++
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.busy--
		if t.ended != nil {
			close(t.ended)
			t.ended = nil
		}
	}()
	return do()
}

// next is closed when one of the requests being served ends; it is nil when there are none.
func (t *turns) next() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy == 0 {
		return nil
	}
	if t.ended == nil {
		t.ended = make(chan struct{})
	}
	return t.ended
}

// spared serves a request. When it finds no memory it waits for its turn and is served again, with
// no idle session in the way, whenever another one has ended, until there is none or its patience
// is at an end.
func (s *Sessions) spared(ctx context.Context, do func() (pool.Feed, error)) (pool.Feed, error) {
	f, err := s.turns.serve(do)
	if s.memory == nil || !outOfMemory(err) {
		return f, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case s.turns.crowd <- struct{}{}:
		defer func() { <-s.turns.crowd }()
	case <-ctx.Done():
		return f, err
	}
	for {
		next := s.turns.next()
		s.relieve(true)
		s.memory.collect()
		f, err = s.turns.serve(do)
		if next == nil || !outOfMemory(err) {
			return f, err
		}
		select {
		case <-next:
		case <-ctx.Done():
			return f, err
		}
	}
}
