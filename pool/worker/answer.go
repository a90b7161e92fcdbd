package worker

import (
	"context"
	"errors"

	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/pool"
)

// Continue answers queries of a session.
func (s *Sessions) Continue(ctx context.Context, r pool.ContinueRequest) (pool.Feed, error) {
	if err := s.enter(); err != nil {
		return pool.Feed{}, err
	}
	defer s.leave()
	sid := s.only(r.SID)
	if err := s.admit(sid); err != nil {
		return pool.Feed{}, err
	}
	return s.spared(ctx, func() (pool.Feed, error) { return s.answer(ctx, sid, answersOf(r)) })
}

func (s *Sessions) answer(ctx context.Context, sid string, answers []engine.Answer) (pool.Feed, error) {
	a := s.lock(sid)
	defer s.settle(a)
	h, err := s.own(ctx, a)
	if err != nil {
		return pool.Feed{}, s.refuse(ctx, sid, err)
	}
	if h != nil {
		o, err := h.Repeat(answers)
		if err != nil {
			return pool.Feed{}, s.refuseAnswer(ctx, sid, &o, err)
		}
		return s.feed(sid, o), nil
	}
	var o engine.Outcome
	before := a.seq()
	err = s.step(a, func() error {
		var err error
		o, err = a.sess.Answer(ctx, answers)
		return err
	})
	if a.sess != nil && a.seq() == before {
		err = errors.Join(s.stillMine(ctx, a), err)
	}
	if err != nil {
		return pool.Feed{}, s.refuseAnswer(ctx, sid, nil, err)
	}
	if o.Kind == engine.OutcomePaused {
		o.Queries = a.sess.Open()
	}
	return a.ended(s.feed(sid, o)), nil
}

// only is the sid that a request means: the single-session form has one and accepts any.
func (s *Sessions) only(sid string) string {
	if !s.c.Single {
		return sid
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first != "" {
		return s.first
	}
	return sid
}

// Cancel ends a session. A step of it that is under way is cut.
func (s *Sessions) Cancel(ctx context.Context, r pool.CancelRequest) (pool.Feed, error) {
	if err := s.enter(); err != nil {
		return pool.Feed{}, err
	}
	defer s.leave()
	sid := s.only(r.SID)
	if err := s.admit(sid); err != nil {
		return pool.Feed{}, err
	}
	return s.spared(ctx, func() (pool.Feed, error) { return s.cancel(ctx, sid, r.Reason) })
}

func (s *Sessions) cancel(ctx context.Context, sid, reason string) (pool.Feed, error) {
	a := s.lockAfter(sid, func(a *actor) { a.interrupt.Cancel(reason) })
	defer s.settle(a)
	defer a.interrupt.Withdraw()
	h, err := s.own(ctx, a)
	if errors.Is(err, engine.ErrDiverged) || errors.Is(err, engine.ErrRebuild) {
		return s.abandon(ctx, a, reason)
	}
	if err != nil {
		return pool.Feed{}, s.refuse(ctx, sid, err)
	}
	if h != nil {
		return s.feed(sid, *h.End), nil
	}
	var o engine.Outcome
	err = s.step(a, func() error {
		var err error
		o, err = a.sess.Cancel(ctx, reason)
		return err
	})
	if err != nil {
		return pool.Feed{}, s.refuse(ctx, sid, err)
	}
	return a.ended(s.feed(sid, o)), nil
}

// abandon cancels the actor's session, which this worker owns and cannot rebuild.
func (s *Sessions) abandon(ctx context.Context, a *actor, reason string) (pool.Feed, error) {
	_, events, err := s.c.Store.Events(ctx, a.sid, 0)
	if err != nil {
		return pool.Feed{}, s.refuse(ctx, a.sid, err)
	}
	o, err := engine.Abandon(ctx, s.host(a), s.vms, events, reason)
	if err != nil {
		return pool.Feed{}, s.refuse(ctx, a.sid, err)
	}
	return s.feed(a.sid, o), nil
}
