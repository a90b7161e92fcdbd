package worker

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/pool"
)

// Run starts a session.
func (s *Sessions) Run(ctx context.Context, r pool.RunRequest) (pool.Feed, error) {
	if err := s.enter(); err != nil {
		return pool.Feed{}, err
	}
	defer s.leave()
	sid := r.SID
	if sid == "" {
		sid = newSID()
	}
	if s.c.Single {
		if err := s.claim(sid); err != nil {
			return pool.Feed{}, err
		}
	}
	if err := s.admit(sid); err != nil {
		return pool.Feed{}, err
	}
	limits, err := s.c.Limits.Lower(r.Limits)
	if err != nil {
		return pool.Feed{}, &pool.RemoteError{Code: pool.CodeMalformedRequest, Message: err.Error()}
	}
	grants, err := engine.ParseGrants(r.Grants)
	if err != nil {
		return pool.Feed{}, &pool.RemoteError{Code: pool.CodeMalformedRequest, Message: err.Error()}
	}
	st := engine.Start{
		SID: sid, Isolation: string(r.Isolation), Code: []byte(*r.Code), Name: r.Name, Ctx: r.Ctx, LibPaths: r.LibPaths, Env: r.Env, Dirs: s.dirs(), Strategy: r.Strategy,
		Limits: limits, Grants: grants, Seed: newSeed(), Zone: s.c.Zone, RunCards: r.RunCards,
	}
	if st.Name == "" {
		st.Name = "strategy.lua"
	}
	return s.spared(ctx, func() (pool.Feed, error) { return s.begin(ctx, st, r.Isolation) })
}

// begin starts a session, unless there is one of this sid.
func (s *Sessions) begin(ctx context.Context, st engine.Start, isolation pool.Isolation) (pool.Feed, error) {
	a := s.lock(st.SID)
	defer s.settle(a)
	if a.sess != nil {
		return s.again(ctx, a, st.Code)
	}
	if there, err := s.mayBegin(ctx, st, isolation); err != nil {
		return pool.Feed{}, s.refuse(ctx, st.SID, err)
	} else if there {
		return s.again(ctx, a, st.Code)
	}
	a.epoch = 1
	a.show(pool.SessionInfo{SessionID: a.sid, Strategy: st.Strategy, StartedAt: time.Now().UnixMilli()})
	err := s.step(a, func() error {
		err := s.makeRoom()
		if err == nil {
			a.sess, err = engine.Begin(ctx, s.host(a), s.vms, st)
		}
		return err
	})
	if errors.Is(err, journal.ErrExists) {
		return s.again(ctx, a, st.Code)
	}
	if err != nil {
		return pool.Feed{}, s.refuse(ctx, a.sid, err)
	}
	return a.ended(s.feed(a.sid, a.sess.Outcome())), nil
}

// dirs are the directories of the home that a script may know the names of.
func (s *Sessions) dirs() engine.Dirs {
	if s.c.Home == "" {
		return engine.Dirs{}
	}
	return engine.Dirs{
		State: filepath.Join(s.c.Home, "state"), Cards: filepath.Join(s.c.Home, "cards"), Scenarios: filepath.Join(s.c.Home, "scenarios"),
	}
}

// claim makes the single-session form serve one session.
func (s *Sessions) claim(sid string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first != "" && s.first != sid {
		return &pool.RemoteError{Code: pool.CodeSessionExists, Message: "this worker already has its session"}
	}
	if s.first == sid {
		return &pool.RemoteError{Code: pool.CodeSessionExists, Message: "this worker was already given its session"}
	}
	s.first = sid
	return nil
}

// again answers a run whose sid is taken: with the session's present state when it is the same
// code, so that a run which was retried after a lost reply is the same session.
func (s *Sessions) again(ctx context.Context, a *actor, code []byte) (pool.Feed, error) {
	exists := &pool.RemoteError{
		Code: pool.CodeSessionExists, Message: fmt.Sprintf("session %s exists already, with other code; choose another sid", a.sid),
		Details: map[string]any{"session_id": a.sid},
	}
	h, err := s.own(ctx, a)
	if err != nil {
		return pool.Feed{}, s.refuse(ctx, a.sid, err)
	}
	if h != nil {
		if h.CodeHash != journal.HashContent(code) {
			return pool.Feed{}, exists
		}
		return s.feed(a.sid, *h.End), nil
	}
	if err := s.stillMine(ctx, a); err != nil {
		return pool.Feed{}, s.refuse(ctx, a.sid, err)
	}
	if !a.sess.SameCode(code) {
		return pool.Feed{}, exists
	}
	return a.ended(s.feed(a.sid, a.sess.Outcome())), nil
}

// newSID makes a session id: the time in nanoseconds and 64 random bits, in hexadecimal.
func newSID() string {
	var b [8]byte
	rand.Read(b[:])
	return fmt.Sprintf("s-%x-%s", time.Now().UnixNano(), hex.EncodeToString(b[:]))
}

func newSeed() int64 {
	var b [8]byte
	rand.Read(b[:])
	return int64(binary.LittleEndian.Uint64(b[:]) >> 1)
}
