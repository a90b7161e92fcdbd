package worker

import (
	"context"
	"os"
	"sort"
	"time"

	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/pool"
)

// refresh notes what a list shows of a session; the actor is locked.
func (a *actor) refresh() {
	i := a.sess.Info()
	info := pool.SessionInfo{
		SessionID: a.sid, State: string(a.sess.State()), Strategy: i.Strategy, QueriesOpen: len(a.sess.Open()),
		LLMCalls: i.LLMCalls, MemoryBytes: i.MemoryBytes,
		StartedAt: i.StartedAt.UnixMilli(), LastActivity: a.used.UnixMilli(),
	}
	a.infoM.Lock()
	a.info = info
	a.infoM.Unlock()
}

// stateRunning is what is shown of a session while it is stepped.
const stateRunning = string(journal.StateRunning)

// show notes what lists show of a session until its next refresh; the actor is locked.
func (a *actor) show(i pool.SessionInfo) {
	a.infoM.Lock()
	a.info = i
	a.infoM.Unlock()
}

// begin notes, for those who look meanwhile, that the session is being stepped; refresh takes it
// back.
func (a *actor) begin() {
	a.infoM.Lock()
	a.info.State, a.info.QueriesOpen, a.info.LastActivity = stateRunning, 0, time.Now().UnixMilli()
	a.infoM.Unlock()
}

// running returns what is known of a session that is being stepped now.
func (s *Sessions) running(sid string) (pool.SessionInfo, bool) {
	s.mu.Lock()
	a := s.open[sid]
	s.mu.Unlock()
	if a == nil {
		return pool.SessionInfo{}, false
	}
	a.infoM.Lock()
	defer a.infoM.Unlock()
	return a.info, a.info.State == stateRunning
}

// Status describes the worker and its sessions, or one session in detail. It never waits for a
// step: of a session that is being stepped it says so, without Detail.
func (s *Sessions) Status(ctx context.Context, r pool.StatusRequest) (pool.Status, error) {
	if err := s.enter(); err != nil {
		return pool.Status{}, err
	}
	defer s.leave()
	st := pool.Status{Worker: s.worker(), Sessions: []pool.SessionInfo{}}
	if r.SID != "" && !s.c.Single {
		info, history, err := s.detail(ctx, r.SID, r.IncludeHistory)
		if err != nil {
			return pool.Status{}, s.refuse(ctx, r.SID, err)
		}
		st.Sessions, st.History = append(st.Sessions, info), history
		if info.State == "paused" {
			st.HasSession, st.SessionID = true, &info.SessionID
		}
		return st, nil
	}
	st.Sessions = s.list()
	st.Worker.Sessions = len(st.Sessions)
	var paused []string
	for _, i := range st.Sessions {
		if i.State == "paused" {
			paused = append(paused, i.SessionID)
		}
		st.Worker.MemoryBytes += i.MemoryBytes
	}
	if len(paused) != 1 {
		return st, nil
	}
	st.HasSession, st.SessionID = true, &paused[0]
	if r.IncludeHistory {
		_, history, err := s.detail(ctx, paused[0], true)
		if err != nil {
			return pool.Status{}, s.refuse(ctx, paused[0], err)
		}
		st.History = history
	}
	return st, nil
}

func (s *Sessions) worker() pool.WorkerInfo {
	w := s.c.Worker
	return pool.WorkerInfo{
		PID: os.Getpid(), Version: s.c.Version, StartedAt: w.StartedAt.UTC().Format(time.RFC3339),
		Sock: w.Sock, Durability: s.c.Durability,
	}
}

// list reads what the last step of each session noted: it waits for nobody.
func (s *Sessions) list() []pool.SessionInfo {
	s.mu.Lock()
	actors := make([]*actor, 0, len(s.open))
	for _, a := range s.open {
		actors = append(actors, a)
	}
	s.mu.Unlock()
	now := time.Now().UnixMilli()
	out := []pool.SessionInfo{}
	for _, a := range actors {
		a.infoM.Lock()
		i := a.info
		a.infoM.Unlock()
		if i.SessionID == "" {
			continue // nothing has been done with it yet
		}
		i.IdleMS = now - i.LastActivity
		out = append(out, i)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].StartedAt < out[j].StartedAt })
	return out
}

// detail describes one session, rebuilding it when its owner is dead.
func (s *Sessions) detail(ctx context.Context, sid string, history bool) (pool.SessionInfo, []pool.HistoryEntry, error) {
	if info, ok := s.running(sid); ok {
		return info, nil, nil
	}
	if err := s.admit(sid); err != nil {
		return pool.SessionInfo{}, nil, err
	}
	a := s.lock(sid)
	defer s.settle(a)
	ended, err := s.own(ctx, a)
	if err != nil {
		return pool.SessionInfo{}, nil, err
	}
	if ended != nil {
		return s.endedInfo(sid, ended), entries(ended, history), nil
	}
	if err := s.stillMine(ctx, a); err != nil {
		return pool.SessionInfo{}, nil, err
	}
	h, err := s.history(ctx, sid)
	if err != nil {
		return pool.SessionInfo{}, nil, err
	}
	a.refresh()
	info := a.info
	info.IdleMS = time.Since(a.used).Milliseconds()
	info.Detail = liveDetail(a.sess, h)
	return info, entries(h, history), nil
}

func liveDetail(sess *engine.Session, h *engine.History) *pool.SessionDetail {
	i := sess.Info()
	d := &pool.SessionDetail{
		QueryTimes: map[string]int64{}, Rounds: i.Rounds, ElapsedMS: time.Since(i.StartedAt).Milliseconds(),
		PromptTokens: i.PromptTokens, ResponseTokens: i.ResponseTokens, Logs: []pool.LogEntry{},
		Limits: i.Limits.Map(), Grants: i.Grants.Map(), Isolation: pool.Isolation(i.Isolation), Queries: []pool.Query{},
	}
	for _, q := range sess.Open() {
		d.Queries = append(d.Queries, pool.Query(q))
		if x, ok := h.Exchange(q.ID); ok {
			d.QueryTimes[q.ID] = x.AskedAt.UnixMilli()
			if q.ID == i.Last {
				e := entry(x)
				d.CurrentQuery = &e
			}
		}
	}
	for _, l := range i.Logs {
		d.Logs = append(d.Logs, pool.LogEntry(l))
	}
	if i.Progress != nil {
		p := pool.Progress(*i.Progress)
		d.Progress = &p
	}
	if i.Budget != nil {
		b := pool.Budget(*i.Budget)
		d.Budget = &b
	}
	return d
}

func (s *Sessions) endedInfo(sid string, h *engine.History) pool.SessionInfo {
	wire := s.feed(sid, *h.End).Wire()
	info := pool.SessionInfo{
		SessionID: sid, State: string(h.End.Status), Strategy: h.Start.Strategy, LLMCalls: int64(len(h.Exchanges)),
		StartedAt: h.Start.At.UnixMilli(), LastActivity: h.Start.At.UnixMilli(),
		Detail: &pool.SessionDetail{Queries: []pool.Query{}, Logs: []pool.LogEntry{}, QueryTimes: map[string]int64{}, Limits: h.Start.Limits.Map(), Grants: h.Start.Grants.Map(), Isolation: pool.Isolation(h.Start.Isolation), Finished: &wire},
	}
	for _, x := range h.Exchanges {
		if x.Answer != nil {
			info.LastActivity = x.AnsweredAt.UnixMilli()
		}
		info.Detail.PromptTokens += x.PromptTokens()
		info.Detail.ResponseTokens += x.ResponseTokens()
	}
	return info
}

// historyEntries is how many exchanges a status shows.
const historyEntries = 10

func entries(h *engine.History, want bool) []pool.HistoryEntry {
	if !want {
		return nil
	}
	xs := h.Exchanges
	if len(xs) > historyEntries {
		xs = xs[len(xs)-historyEntries:]
	}
	out := []pool.HistoryEntry{}
	for _, x := range xs {
		out = append(out, entry(x))
	}
	return out
}

func entry(x engine.Exchange) pool.HistoryEntry {
	e := pool.HistoryEntry{
		QueryID: x.Query.ID, Prompt: x.Query.Prompt, PromptTokens: x.PromptTokens(),
		ResponseTokens: x.ResponseTokens(), StartedAt: x.AskedAt.UnixMilli(),
	}
	if x.Answer != nil {
		at := x.AnsweredAt.UnixMilli()
		e.Response, e.CompletedAt = &x.Answer.Response, &at
	}
	return e
}
