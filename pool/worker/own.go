package worker

import (
	"context"

	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/pool"
)

// own makes sure that the actor's session is at hand: in memory, taken over and rebuilt, or, when
// it has ended, as its history.
func (s *Sessions) own(ctx context.Context, a *actor) (*engine.History, error) {
	if a.sess != nil {
		return nil, nil
	}
	head, err := s.c.Store.Head(ctx, a.sid)
	if err != nil {
		return nil, err
	}
	if head.Summary.State.Ended() {
		return s.history(ctx, a.sid)
	}
	events, err := s.mayTake(ctx, head)
	if err != nil {
		return nil, err
	}
	if head, err = s.c.Store.Acquire(ctx, a.sid, s.c.Worker.ID, s.c.Alive); err != nil {
		return nil, err
	}
	a.epoch = head.Epoch
	a.show(pool.SessionInfo{SessionID: a.sid, Strategy: head.Summary.Strategy, LLMCalls: head.Summary.LLMCalls, StartedAt: head.CreatedAt.UnixMilli()})
	if read := int64(len(events)); read < head.Seq {
		_, more, err := s.c.Store.Events(ctx, a.sid, read)
		if err != nil {
			return nil, err
		}
		events = append(events, more...)
	}
	if n := len(events); n > 0 && events[n-1].Kind == journal.Finished {
		return engine.ReadHistory(events)
	}
	err = s.step(a, func() error {
		err := s.makeRoom()
		if err == nil {
			a.sess, err = engine.Restore(ctx, s.host(a), s.vms, events)
		}
		return err
	})
	a.used = head.UpdatedAt // being rebuilt is no activity
	return nil, err
}

// stillMine fails when another worker owns the session by now, and forgets what this one knew of it:
// a reply that appended nothing has not asked. The actor holds a session.
func (s *Sessions) stillMine(ctx context.Context, a *actor) error {
	head, err := s.c.Store.Head(ctx, a.sid)
	if err == nil && (head.Epoch != a.epoch || head.Owner != s.c.Worker.ID) {
		err = &journal.StaleEpochError{SID: a.sid, Held: a.epoch, Have: head.Epoch}
		s.drop(a)
	}
	return err
}

func (s *Sessions) history(ctx context.Context, sid string) (*engine.History, error) {
	_, events, err := s.c.Store.Events(ctx, sid, 0)
	if err != nil {
		return nil, err
	}
	// What is told from the journal alone must not be taken back by a power cut.
	if err := s.c.Store.Sync(ctx); err != nil {
		return nil, err
	}
	return engine.ReadHistory(events)
}
