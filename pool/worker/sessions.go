package worker

import (
	"container/list"
	"context"
	"fmt"
	"log/slog"
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
