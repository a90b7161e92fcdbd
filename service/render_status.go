package service

import (
	"encoding/json"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/pool"
)

// emptyStatus is the list without sessions, to the byte what hosts expect.
const emptyStatus = `{"active_sessions":0,"sessions":[]}`

// shownLogs is how many of a session's last log lines status shows.
const shownLogs = 20

// sessionView is one session as hosts see it: what they know of a local session and of one in
// the pool, at once.
type sessionView struct {
	SessionID    string            `json:"session_id"`
	Status       string            `json:"status"`
	Strategy     string            `json:"strategy,omitempty"`
	State        string            `json:"state"`
	Phase        string            `json:"phase"`
	StartedAt    int64             `json:"started_at"`
	LastActivity int64             `json:"last_activity_at"`
	PendingCount *int              `json:"pending_queries,omitempty"`
	Pending      *[]map[string]any `json:"pending,omitempty"`
	Metrics      metricsView       `json:"metrics"`

	Pool      bool   `json:"pool"`
	PID       *int   `json:"pid"`
	Sock      string `json:"sock,omitempty"`
	Version   string `json:"version,omitempty"`
	CreatedAt string `json:"created_at"`

	Limits         map[string]any       `json:"limits,omitempty"`
	Grants         map[string]any       `json:"grants,omitempty"`
	Isolation      pool.Isolation       `json:"isolation,omitempty"`
	History        *[]pool.HistoryEntry `json:"conversation_history,omitempty"`
	HistoryWarning string               `json:"history_warning,omitempty"`
	StatusWarning  string               `json:"status_warning,omitempty"`

	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
	Code   string          `json:"code,omitempty"`
	Reason string          `json:"reason,omitempty"` // of a cancelled session
	Stats  json.RawMessage `json:"stats,omitempty"`
}

type metricsView struct {
	ElapsedMS int64                `json:"elapsed_ms"`
	LLMCalls  int64                `json:"llm_calls"`
	Rounds    *int64               `json:"rounds,omitempty"`
	Tokens    *tokensView          `json:"tokens,omitempty"`
	Logs      []pool.LogEntry      `json:"recent_logs"`
	Progress  *progressView        `json:"progress,omitempty"`
	Budget    *pool.Budget         `json:"budget_remaining,omitempty"`
	History   *[]pool.HistoryEntry `json:"conversation_history,omitempty"`
}

type tokensView struct {
	Prompt   int64             `json:"prompt_total"`
	Response int64             `json:"response_total"`
	Total    int64             `json:"total"`
	Current  *currentQueryView `json:"current_query"`
}

type currentQueryView struct {
	QueryID      string `json:"query_id"`
	PromptTokens int64  `json:"prompt_tokens"`
	WaitingSince int64  `json:"started_waiting_at"`
}

type progressView struct {
	Step    int64   `json:"step"`
	Total   int64   `json:"total"`
	Message *string `json:"message"`
}

// StatusView is what RenderSession and RenderList show beside the sessions themselves.
type StatusView struct {
	Pending *PendingFilter // which fields of the open queries; nil for none of them
	History bool           // whether the exchanges were asked for
	Warning string         // why Detail or History of a single session is missing
}

// RenderSession is one session as hosts see it, in indented JSON. An ended session has its
// result or error in it.
func RenderSession(e SessionEntry, v StatusView) (json.RawMessage, error) {
	s := viewSession(e, v)
	if d := e.Detail; d != nil {
		s.Limits, s.Grants, s.Isolation = d.Limits, d.Grants, d.Isolation
	}
	return pretty(s)
}

// RenderList is the list of active sessions as hosts see it, in indented JSON; without sessions
// it is the compact text that hosts compare with.
func RenderList(l Listing, v StatusView) (json.RawMessage, error) {
	if len(l.Sessions) == 0 && l.Active == 0 && len(l.Warnings) == 0 {
		return json.RawMessage(emptyStatus), nil
	}
	out := struct {
		Active   int           `json:"active_sessions"`
		Sessions []sessionView `json:"sessions"`
		NotShown int           `json:"not_shown,omitempty"`
		Warnings []string      `json:"warnings,omitempty"`
	}{l.Active, make([]sessionView, 0, len(l.Sessions)), l.Active - len(l.Sessions), l.Warnings}
	for _, e := range l.Sessions {
		out.Sessions = append(out.Sessions, viewSession(e, v))
	}
	return pretty(out)
}

func viewSession(e SessionEntry, v StatusView) sessionView {
	s := sessionView{
		SessionID:    e.SessionID,
		Strategy:     e.Strategy,
		Status:       hostStatus(e.State),
		State:        e.State,
		Phase:        e.State,
		StartedAt:    e.StartedAt,
		LastActivity: e.LastActivity,
		Pool:         true,
		Sock:         e.Worker.Sock,
		Version:      e.Worker.Version,
		CreatedAt:    time.UnixMilli(e.StartedAt).UTC().Format(time.RFC3339Nano),
		Metrics:      viewMetrics(&e),
	}
	if e.Worker.PID != 0 {
		s.PID = &e.Worker.PID
	}
	if journal.State(e.State).Ended() {
		s.State = "terminal"
	}
	s.viewPending(&e, v.Pending)
	switch {
	case v.History && v.Warning != "":
		s.HistoryWarning = v.Warning
	case v.History:
		s.viewHistory(&e)
	default:
		s.StatusWarning = v.Warning
	}
	if d := e.Detail; d != nil {
		s.viewEnd(d.Finished)
	}
	return s
}

// hostStatus is the word that runs and continues would use for the state.
func hostStatus(state string) string {
	switch state {
	case "paused":
		return statusNeedsResponse
	case "failed":
		return statusError
	}
	return state // running, completed, cancelled
}

func viewMetrics(e *SessionEntry) metricsView {
	m := metricsView{LLMCalls: e.LLMCalls, ElapsedMS: e.LastActivity - e.StartedAt + e.IdleMS, Logs: []pool.LogEntry{}}
	d := e.Detail
	if d == nil {
		return m
	}
	m.ElapsedMS, m.Rounds = d.ElapsedMS, &d.Rounds
	m.takeEnd(d.Finished)
	m.Budget = d.Budget
	if len(d.Logs) > 0 {
		m.Logs = d.Logs[max(0, len(d.Logs)-shownLogs):]
	}
	m.Tokens = &tokensView{Prompt: d.PromptTokens, Response: d.ResponseTokens, Total: d.PromptTokens + d.ResponseTokens}
	if q := d.CurrentQuery; q != nil {
		m.Tokens.Current = &currentQueryView{q.QueryID, q.PromptTokens, q.StartedAt}
	}
	if p := d.Progress; p != nil {
		m.Progress = &progressView{p.Step, p.Total, p.Message}
	}
	return m
}

// takeEnd takes what only the statistics of an ended session still tell.
func (m *metricsView) takeEnd(f *pool.WireFeed) {
	if f == nil {
		return
	}
	var stats struct {
		Auto struct {
			ElapsedMS int64 `json:"elapsed_ms"`
			Rounds    int64 `json:"rounds"`
		} `json:"auto"`
	}
	if json.Unmarshal(f.Metrics, &stats) == nil {
		m.ElapsedMS, m.Rounds = stats.Auto.ElapsedMS, &stats.Auto.Rounds
	}
}

func (s *sessionView) viewPending(e *SessionEntry, f *PendingFilter) {
	if e.State != "paused" {
		return
	}
	n := e.QueriesOpen
	if e.Detail != nil {
		n = len(e.Detail.Queries)
		if f != nil {
			p := f.apply(e.Detail.Queries)
			s.Pending = &p
		}
	}
	s.PendingCount = &n
}

// viewHistory puts the exchanges where hosts look for them: in the metrics of a local session,
// at the top of one in the pool.
func (s *sessionView) viewHistory(e *SessionEntry) {
	h := e.History
	if h == nil {
		h = []pool.HistoryEntry{}
	}
	s.History, s.Metrics.History = &h, &h
}

func (s *sessionView) viewEnd(f *pool.WireFeed) {
	if f == nil {
		return
	}
	v, err := renderEnd(f.Status, f.Output, f.Error, f.Metrics)
	if err != nil {
		s.Error = err.Error()
		return
	}
	switch v := v.(type) {
	case completed:
		s.Result, s.Stats = v.Result, v.Stats
	case failed:
		s.Error, s.Code = v.Error, v.Code
	case cancelled:
		s.Reason, s.Stats = v.Reason, v.Stats
	}
}
