package worker

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/pool"
)

// A worker for everybody refuses two kinds of sessions, which then get a worker of their own: those
// that ask for one, and those with a grant to write where this process may not. What a session needs
// is recorded when it starts, so that it is the same after any death.

// admit keeps a worker that serves one session to the first that it is asked for.
func (s *Sessions) admit(sid string) error {
	if !s.c.Lone {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == "" {
		s.first = sid
	}
	if s.first != sid {
		return &pool.RemoteError{
			Code: pool.CodeLeaseLost, Message: fmt.Sprintf("this worker serves session %s alone; ask another for session %s", s.first, sid),
			Details: map[string]any{"session_id": sid},
		}
	}
	return nil
}

// Holds tells whether a session was ever asked for, and whether one is in memory.
func (s *Sessions) Holds() (given, held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first != "", len(s.open) > 0
}

// mayShare refuses a session that needs a process of its own, which this one is not.
func (s *Sessions) mayShare(sid string, isolation pool.Isolation, g engine.Grants) error {
	wantsAlone := isolation == pool.IsolationProcess && !s.c.Single
	if s.c.Lone || !wantsAlone && !slices.ContainsFunc(g.Write, s.outOfReach) {
		return nil
	}
	return &pool.RemoteError{
		Code: pool.CodeNeedsProcess, Message: fmt.Sprintf("session %s needs a process of its own, and gets one when alc runs or continues it; this worker is shared", sid),
		Details: map[string]any{"session_id": sid, "write": g.Write},
	}
}

// mayBegin is mayShare of a session that is to be started. One that is there already has recorded
// what it needs, whatever is asked for now.
func (s *Sessions) mayBegin(ctx context.Context, st engine.Start, isolation pool.Isolation) (there bool, err error) {
	refusal := s.mayShare(st.SID, isolation, st.Grants)
	if refusal == nil {
		return false, nil
	}
	_, err = s.c.Store.Head(ctx, st.SID)
	if errors.Is(err, journal.ErrNotFound) {
		return false, refusal
	}
	return err == nil, err
}

// outOfReach tells whether this process may not change what is in a directory.
func (s *Sessions) outOfReach(dir string) bool {
	return s.c.Write != nil && !slices.ContainsFunc(s.c.Write, func(own string) bool {
		rel, err := filepath.Rel(own, dir)
		return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
	})
}

// mayTake is mayShare of a session that another worker owns, or owned. What it reads of the session
// for that it returns: the owner may have added to it since.
func (s *Sessions) mayTake(ctx context.Context, head journal.Head) ([]journal.Event, error) {
	if s.c.Lone || head.Owner == s.c.Worker.ID {
		return nil, nil
	}
	_, events, err := s.c.Store.Events(ctx, head.SID, 0)
	if err != nil || len(events) == 0 {
		return nil, err
	}
	st, err := engine.ReadStart(&events[0])
	if err != nil {
		return nil, err
	}
	if err = s.mayShare(head.SID, pool.Isolation(st.Isolation), st.Grants); err == nil || head.Owner == 0 {
		return events, err
	}
	w, werr := s.c.Store.Worker(ctx, head.Owner)
	if werr != nil {
		return nil, werr
	}
	if s.c.Alive(w) {
		return nil, &journal.OwnedError{SID: head.SID, Worker: w}
	}
	return nil, err
}
