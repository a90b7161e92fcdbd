package worker

import (
	"container/list"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/algocline/algocline/card"
	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/pool"
)

// Mark is where a worker notes, for who comes after it, which sessions it is stepping and how far
// the journal is durable. A nil Mark notes nothing.
type Mark interface {
	BeginStep(sid string, seq int64) (slot int)
	EndStep(slot int)
}

// SessionsConfig is what [NewSessions] needs.
type SessionsConfig struct {
	Store        journal.Store
	Worker       journal.Worker            // this worker, registered
	Mark         Mark                      // may be nil
	Alive        func(journal.Worker) bool // whether another worker's process lives
	Version      string
	Durability   string
	Home         string        // the application directory; "" leaves state in files alone
	Cards        *card.Store   // may be nil: there are none
	PackagePaths []string      // searched after a session's own lib_paths
	Limits       engine.Limits // the operator's: what a caller may lower
	Single       bool          // the single-session form
	Lone         bool          // it serves one session alone, that which it is asked for first
	Write        []string      // below which the process may change files; nil is anywhere
	Prewarm      int           // VMs kept ready; 0 means 4
	Resident     int           // sessions kept in memory; 0 means 8192
	Memory       int64         // bytes that the whole process may have, for at most one Sessions of it; 0: not bounded
	Zone         engine.Zone   // of new sessions
	Log          *slog.Logger
}

// Sessions are the sessions of a worker: a [pool.Handler]. It is safe for concurrent use.
type Sessions struct {
	c      SessionsConfig
	vms    *engine.VMs
	memory *memory
	turns  turns

	mu       sync.Mutex
	open     map[string]*actor
	recent   list.List // of *actor, the one used last in front
	active   int       // requests being served
	last     time.Time
	stopping bool
	idle     chan struct{} // closed when stopping and active is 0
	first    string        // single-session form, and Lone: its session
	stored   contentCache
}

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
}

// NewSessions compiles the library and starts keeping VMs ready. Close it.
func NewSessions(c SessionsConfig) (*Sessions, error) {
	if c.Prewarm == 0 {
		c.Prewarm = 4
	}
	if c.Resident == 0 {
		c.Resident = 8192
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Alive == nil {
		c.Alive = func(journal.Worker) bool { return false }
	}
	vms, err := engine.NewVMs(c.Prewarm, c.Version)
	if err != nil {
		return nil, err
	}
	return &Sessions{c: c, vms: vms, memory: newMemory(c.Memory), turns: turns{crowd: make(chan struct{}, 1)}, open: map[string]*actor{}, last: time.Now(), idle: make(chan struct{})}, nil
}

// enter counts a request in; leave must follow. It refuses when the worker is stopping.
func (s *Sessions) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return &pool.RemoteError{Code: pool.CodeShuttingDown, Message: "the worker is shutting down; try again, another one takes over"}
	}
	s.active++
	return nil
}

func (s *Sessions) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
	s.last = time.Now()
	if s.stopping && s.active == 0 {
		close(s.idle)
	}
}

// Busy tells how many requests are being served and when the last one ended.
func (s *Sessions) Busy() (active int, last time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active, s.last
}

// lock returns the locked actor of a sid, making one when there is none.
func (s *Sessions) lock(sid string) *actor {
	for {
		s.mu.Lock()
		a := s.open[sid]
		if a == nil {
			a = &actor{sid: sid}
			s.open[sid] = a
		}
		s.mu.Unlock()
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
	var surplus *actor
	if a.sess == nil || a.sess.State().Ended() {
		s.drop(a)
	} else {
		a.refresh()
		surplus = s.touch(a)
	}
	a.mu.Unlock()
	s.passivate(surplus)
	s.relieve(false)
}

// touch makes a the session used last and returns one to passivate when there are too many.
func (s *Sessions) touch(a *actor) *actor {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.place == nil {
		a.place = s.recent.PushFront(a)
	} else {
		s.recent.MoveToFront(a.place)
	}
	if s.recent.Len() <= s.c.Resident {
		return nil
	}
	return s.recent.Back().Value.(*actor)
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
	return s.feed(a.sid, a.sess.Outcome()), nil
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
	return s.feed(a.sid, a.sess.Outcome()), nil
}

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
	if err := s.mayTake(ctx, head); err != nil {
		return nil, err
	}
	if head, err = s.c.Store.Acquire(ctx, a.sid, s.c.Worker.ID, s.c.Alive); err != nil {
		return nil, err
	}
	a.epoch = head.Epoch
	a.show(pool.SessionInfo{SessionID: a.sid, Strategy: head.Summary.Strategy, LLMCalls: head.Summary.LLMCalls, StartedAt: head.CreatedAt.UnixMilli()})
	_, events, err := s.c.Store.Events(ctx, a.sid, 0)
	if err != nil {
		return nil, err
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
	return s.feed(sid, o), nil
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

// Cancel ends a session.
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
	a := s.lock(sid)
	defer s.settle(a)
	h, err := s.own(ctx, a)
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
	return s.feed(sid, o), nil
}

// Shutdown refuses new requests, waits for those being served and lets all sessions go. They
// stay in the journal, at their last durable pause.
func (s *Sessions) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.stopping {
		s.stopping = true
		if s.active == 0 {
			close(s.idle)
		}
	}
	s.mu.Unlock()
	select {
	case <-s.idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for the sessions being stepped: %w", context.Cause(ctx))
	}
}

// Close shuts down and releases every VM. The store stays open: it is the caller's.
func (s *Sessions) Close() error {
	if err := s.Shutdown(context.Background()); err != nil {
		return err
	}
	s.mu.Lock()
	actors := make([]*actor, 0, len(s.open))
	for _, a := range s.open {
		actors = append(actors, a)
	}
	s.mu.Unlock()
	for _, a := range actors {
		a.mu.Lock()
		s.drop(a)
		a.mu.Unlock()
	}
	s.memory.close()
	return s.vms.Close()
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
