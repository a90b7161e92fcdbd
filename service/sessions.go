package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/pool"
)

// patience is how long one look at the workers or at the journal may take. Looking never waits
// for a worker that is stuck: what it does not say in time, the journal says.
const patience = 2 * time.Second

// defaultListed is how many sessions a list shows when the caller names no number.
const defaultListed = 1000

// SessionEntry is one session of a list.
type SessionEntry struct {
	pool.SessionInfo
	// Worker is the process that holds the session; its PID is 0 when there is none. Any worker
	// takes the session up when it is continued.
	Worker  pool.WorkerInfo
	History []pool.HistoryEntry // when asked for

	heard  bool // its worker has it in memory
	silent bool // its worker lives, but does not answer
}

// ListOptions says what a list shows.
type ListOptions struct {
	Detail  bool // ask the workers for [pool.SessionDetail], at the price of a request a session
	History bool // with Detail: the last exchanges too
	// Revive is, with Detail, how many sessions that no worker has in memory are rebuilt by one,
	// so that their Detail is known too. Those that need a process of their own are not among them.
	Revive int
	Limit  int // at most so many sessions, those that changed last; 0 is 1000
}

// Listing is the active sessions of a home.
type Listing struct {
	Sessions []SessionEntry // newest change first
	Active   int            // how many there are, also those beyond the limit
	Warnings []string       // what could not be asked, and so is missing or out of date
}

// Sessions returns the sessions that are paused or running: those that live workers hold, and
// those in the journal that have no worker now.
func (s *Service) Sessions(ctx context.Context) ([]SessionEntry, error) {
	l, err := s.List(ctx, ListOptions{})
	return l.Sessions, err
}

// List is Sessions with a choice of what to show. It blocks for a few seconds at most, however
// the workers are; what could not be asked is a warning. It fails when the journal could not be
// read and no worker knows of a session either: that is not to be taken for an empty home.
func (s *Service) List(ctx context.Context, o ListOptions) (Listing, error) {
	if o.Limit <= 0 {
		o.Limit = defaultListed
	}
	var l Listing
	live, answered, perr := s.liveSessions(ctx)
	if perr != nil {
		l.Warnings = append(l.Warnings, "asking the workers: "+perr.Error())
	}
	rest, more, jerr := s.journalSessions(ctx, live, answered, o.Limit)
	if jerr != nil {
		if perr != nil || len(live) == 0 {
			return l, fmt.Errorf("listing sessions: %w", errors.Join(perr, jerr))
		}
		l.Warnings = append(l.Warnings, "reading the journal: "+jerr.Error())
	}
	all := append(live, rest...)
	sort.SliceStable(all, func(i, j int) bool { return all[i].LastActivity > all[j].LastActivity })
	l.Active = max(len(all), more)
	l.Sessions = all[:min(len(all), o.Limit)]
	if o.Detail {
		s.detail(ctx, &l, o)
	}
	return l, nil
}

// liveSessions returns the active sessions of every worker that answers in time, and the sockets
// of those workers.
func (s *Service) liveSessions(ctx context.Context) ([]SessionEntry, map[string]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	workers, err := s.pool.Workers(ctx)
	var all []SessionEntry
	answered := make(map[string]bool)
	for _, w := range workers {
		answered[w.Worker.Sock] = w.Sessions != nil
		for _, info := range w.Sessions {
			if active(info.State) {
				all = append(all, SessionEntry{SessionInfo: info, Worker: w.Worker, heard: true})
			}
		}
	}
	return all, answered, err
}

// journalSessions returns the active sessions of the journal that are not in known, and how many
// there are in all when the list had to be cut (0 otherwise).
func (s *Service) journalSessions(ctx context.Context, known []SessionEntry, answered map[string]bool, limit int) ([]SessionEntry, int, error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	st, err := s.journal.Store(ctx)
	if errors.Is(err, ErrNoJournal) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	heads, err := st.List(ctx, journal.Filter{States: []journal.State{journal.StatePaused, journal.StateRunning}, Limit: limit})
	if err != nil {
		return nil, 0, err
	}
	have := make(map[string]bool, len(known))
	for _, e := range known {
		have[e.SessionID] = true
	}
	owners := ownerCache{store: st}
	var rest []SessionEntry
	for _, h := range heads {
		if !have[h.SID] {
			w := owners.live(ctx, h.Owner)
			rest = append(rest, SessionEntry{SessionInfo: headInfo(h), Worker: w, silent: w.PID != 0 && !answered[w.Sock]})
		}
	}
	total := 0
	if len(heads) >= limit {
		counts, err := st.Count(ctx)
		if err != nil {
			return rest, 0, err
		}
		total = int(counts[journal.StatePaused] + counts[journal.StateRunning])
	}
	return rest, total, nil
}

// detail replaces the entries of a list by what their workers say of them now. Those that have
// ended meanwhile are left out; those of which nothing is heard in time stay as they are, and a
// worker that was silent before is not asked again.
func (s *Service) detail(ctx context.Context, l *Listing, o ListOptions) {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	ended := make([]bool, len(l.Sessions))
	errs := make([]error, len(l.Sessions))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(8, len(l.Sessions)) {
		wg.Go(func() {
			for i := range next {
				ended[i], errs[i] = s.detailOne(ctx, &l.Sessions[i], o.History)
			}
		})
	}
	for i := range l.Sessions {
		switch e := &l.Sessions[i]; {
		case e.heard:
			next <- i
		case !e.silent && o.Revive > 0:
			o.Revive--
			next <- i
		}
	}
	close(next)
	wg.Wait()
	l.warn(errs)
	kept := l.Sessions[:0]
	for i, e := range l.Sessions {
		if !ended[i] {
			kept = append(kept, e)
		}
	}
	l.Active -= len(l.Sessions) - len(kept)
	l.Sessions = kept
}

func (s *Service) detailOne(ctx context.Context, e *SessionEntry, history bool) (ended bool, err error) {
	st, err := s.pool.Session(ctx, pool.StatusRequest{SID: e.SessionID, IncludeHistory: history, Peek: true})
	if err != nil {
		return false, fmt.Errorf("session %s: %w", e.SessionID, err)
	}
	if len(st.Sessions) == 0 {
		return false, fmt.Errorf("session %s: its worker says nothing of it", e.SessionID)
	}
	if !active(st.Sessions[0].State) {
		return true, nil
	}
	e.SessionInfo, e.Worker, e.History = st.Sessions[0], st.Worker, st.History
	return false, nil
}

// warn says that entries lack their detail, and why the first of them does.
func (l *Listing) warn(errs []error) {
	var first error
	n := 0
	for _, err := range errs {
		if err != nil {
			n++
			first = cmp.Or(first, err)
		}
	}
	if n > 0 {
		l.Warnings = append(l.Warnings, fmt.Sprintf("%d shown without detail; the first: %v", n, first))
	}
}

// Session describes one session in detail, an ended one too. When its worker does not answer
// within a few seconds, or cannot rebuild it, the journal's summary is returned, without Detail
// and with that worker's error.
//
// A sid that nobody knows is a [*pool.RemoteError] of code session_not_found.
func (s *Service) Session(ctx context.Context, sid string, history bool) (pool.Status, error) {
	head, inJournal, err := s.known(ctx, sid)
	if err != nil {
		return pool.Status{}, err
	}
	asking, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	st, err := s.pool.Session(asking, pool.StatusRequest{SID: sid, IncludeHistory: history})
	if err == nil && len(st.Sessions) == 0 {
		err = fmt.Errorf("the worker %d says nothing of session %s", st.Worker.PID, sid)
	}
	if err == nil || !inJournal {
		return st, err
	}
	if ctx.Err() != nil {
		return pool.Status{}, ctx.Err()
	}
	return s.summary(ctx, head), fmt.Errorf("asking for session %s: %w", sid, err)
}

// Known returns nil for a session that the journal or a worker knows, and for any other the error
// of [Service.Session]. It wakes nobody.
func (s *Service) Known(ctx context.Context, sid string) error {
	_, _, err := s.known(ctx, sid)
	return err
}

func (s *Service) known(ctx context.Context, sid string) (head journal.Head, inJournal bool, err error) {
	head, inJournal, err = s.head(ctx, sid)
	if err == nil && !inJournal && !s.held(ctx, sid) {
		err = s.notFound(ctx, sid)
	}
	return head, inJournal, err
}

// head looks a session up in the journal, if there is one.
func (s *Service) head(ctx context.Context, sid string) (journal.Head, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	st, err := s.journal.Store(ctx)
	if errors.Is(err, ErrNoJournal) {
		return journal.Head{}, false, nil
	}
	if err != nil {
		return journal.Head{}, false, fmt.Errorf("looking for session %s: %w", sid, err)
	}
	h, err := st.Head(ctx, sid)
	if errors.Is(err, journal.ErrNotFound) {
		return h, false, nil
	}
	if err != nil {
		return h, false, fmt.Errorf("looking for session %s: %w", sid, err)
	}
	return h, true, nil
}

// held tells whether a live worker holds a session that has nothing in the journal yet: its
// first step is running.
func (s *Service) held(ctx context.Context, sid string) bool {
	live, _, err := s.liveSessions(ctx)
	if err != nil {
		s.log.Warn("asking the workers", "err", err)
	}
	for _, e := range live {
		if e.SessionID == sid {
			return true
		}
	}
	return false
}

func (s *Service) summary(ctx context.Context, h journal.Head) pool.Status {
	st := pool.Status{Sessions: []pool.SessionInfo{headInfo(h)}}
	if h.Summary.State == journal.StatePaused {
		st.HasSession, st.SessionID = true, &h.SID
	}
	if store, err := s.journal.Store(ctx); err == nil {
		owners := ownerCache{store: store}
		st.Worker = owners.live(ctx, h.Owner)
	}
	return st
}

// notFound says which sessions look like the one that was asked for.
func (s *Service) notFound(ctx context.Context, sid string) error {
	e := &pool.RemoteError{Code: pool.CodeSessionNotFound, Message: fmt.Sprintf("session '%s' not found", sid)}
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	if st, err := s.journal.Store(ctx); err == nil {
		if near, err := st.Nearest(ctx, sid, 3); err == nil && len(near) > 0 {
			e.Details = map[string]any{"nearest": near}
		}
	}
	return e
}

// active tells whether a session in this state is shown by lists.
func active(state string) bool { return !journal.State(state).Ended() }

// headInfo is what the journal knows of a session without reading its events.
func headInfo(h journal.Head) pool.SessionInfo {
	return pool.SessionInfo{
		SessionID:    h.SID,
		State:        string(h.Summary.State),
		Strategy:     h.Summary.Strategy,
		QueriesOpen:  h.Summary.Open,
		LLMCalls:     h.Summary.LLMCalls,
		IdleMS:       max(0, time.Since(h.UpdatedAt).Milliseconds()),
		StartedAt:    h.CreatedAt.UnixMilli(),
		LastActivity: h.UpdatedAt.UnixMilli(),
	}
}
