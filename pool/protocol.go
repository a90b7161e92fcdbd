package pool

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/algocline/algocline/internal/confine"
)

// RunRequest starts a session. A repeated request with the same SID and code is the same session.
type RunRequest struct {
	SID      string            `json:"sid,omitempty"`       // 1 to 64 of A-Za-z0-9._-; made by the worker when empty
	Code     *string           `json:"code"`                // Lua source; required, may be empty
	Ctx      json.RawMessage   `json:"ctx,omitempty"`       // any JSON
	LibPaths []string          `json:"lib_paths"`           // directories that require searches
	Name     string            `json:"name,omitempty"`      // the chunk's name in error messages
	Strategy string            `json:"strategy,omitempty"`  // shown by status
	Limits   map[string]any    `json:"limits,omitempty"`    // design.md section 7: numbers or texts such as "64MiB"
	Grants   map[string]any    `json:"grants,omitempty"`    // recorded, honoured by the sandbox
	Env      map[string]string `json:"env,omitempty"`       // what alc.env shows
	RunCards bool              `json:"run_cards,omitempty"` // whether cards of runs are written
	// Isolation is what the session shares its process with; recorded, and kept to by whoever
	// takes it over.
	Isolation Isolation `json:"isolation,omitempty"`
}

// Isolation is what a session shares its worker process with.
type Isolation string

// The isolations. The texts are recorded: they never change.
const (
	IsolationShared  Isolation = "shared"  // thousands of others; "" too
	IsolationProcess Isolation = "process" // nobody
)

// ParseIsolation reads what a person or a request says; "" stays "".
func ParseIsolation(s string) (Isolation, error) {
	switch i := Isolation(s); i {
	case "", IsolationShared, IsolationProcess:
		return i, nil
	}
	return "", fmt.Errorf("isolation %q is not known, take %q or %q", s, IsolationShared, IsolationProcess)
}

// Usage is what an answer cost, in tokens, as far as the host knows.
type Usage struct {
	PromptTokens     *int64 `json:"prompt_tokens,omitempty"`
	CompletionTokens *int64 `json:"completion_tokens,omitempty"`
}

// Answer is the response to one query. QueryID may be nil when exactly one query is open.
type Answer struct {
	QueryID  *string `json:"query_id"`
	Response *string `json:"response"`
	Usage    *Usage  `json:"usage,omitempty"`
}

// ContinueRequest answers queries of a paused session: one in Answer's fields, or many at once.
type ContinueRequest struct {
	SID string `json:"sid"`
	Answer
	Responses []Answer `json:"responses,omitempty"`
}

// StatusRequest asks about a worker, or about one of its sessions.
type StatusRequest struct {
	SID            string `json:"sid,omitempty"`
	IncludeHistory bool   `json:"include_history,omitempty"`
	// Peek makes a [Dispatcher] start no process for a session that needs one of its own; the
	// error is of code needs_process.
	Peek bool `json:"-"`
}

// CancelRequest ends a session.
type CancelRequest struct {
	SID    string `json:"sid"`
	Reason string `json:"reason,omitempty"`
}

// Query is one question to whoever plays the LLM.
type Query struct {
	ID              string  `json:"id"`
	Prompt          string  `json:"prompt"`
	System          *string `json:"system"`
	MaxTokens       int64   `json:"max_tokens"`
	Grounded        bool    `json:"grounded,omitempty"`
	Underspecified  bool    `json:"underspecified,omitempty"`
	Role            *string `json:"role,omitempty"`
	CacheBreakpoint *string `json:"cache_breakpoint,omitempty"`
}

// FeedType says where a session stands after a request.
type FeedType string

// The feed types.
const (
	FeedPaused   FeedType = "paused"
	FeedAccepted FeedType = "accepted"
	FeedFinished FeedType = "finished"
)

// Failure is why a session failed.
type Failure struct {
	Code      string `json:"code"` // syntax_error, lua_error, limit_exceeded, diverged, effect_unknown, poisoned, internal
	Message   string `json:"message"`
	Traceback string `json:"traceback,omitempty"`
}

// Feed is the outcome of run, continue and cancel, before it is put on the wire.
type Feed struct {
	SessionID string
	Type      FeedType
	Queries   []Query         // paused: the open ones
	Remaining int             // accepted
	Status    string          // finished: completed, failed, cancelled
	Output    json.RawMessage // finished and completed: the result
	Error     *Failure        // finished: why it failed, or the reason to cancel it
	Metrics   json.RawMessage // finished: {"auto":{…},"custom":{…}}
	Log       []LogEntry      // finished: what it printed and logged last; nil when that is not known any more
}

// HistoryEntry is one exchange of a session. Times are in milliseconds since 1970.
type HistoryEntry struct {
	QueryID        string  `json:"query_id"`
	Prompt         string  `json:"prompt"`
	Response       *string `json:"response"`
	PromptTokens   int64   `json:"prompt_tokens"`
	ResponseTokens int64   `json:"response_tokens"`
	StartedAt      int64   `json:"started_at"`
	CompletedAt    *int64  `json:"completed_at"`
}

// LogEntry is one line of a session's log ring.
type LogEntry struct {
	TS      int64  `json:"ts"` // milliseconds since 1970
	Level   string `json:"level"`
	Source  string `json:"source"` // alc.log, alc.lua.print
	Message string `json:"message"`
}

// Progress is what alc.progress said last.
type Progress struct {
	Step    int64   `json:"step"`
	Total   int64   `json:"total"`
	Message *string `json:"message,omitempty"`
}

// SessionInfo describes one session in a status reply. Detail is there only when one session was
// asked for by its sid.
type SessionInfo struct {
	SessionID    string         `json:"session_id"`
	State        string         `json:"state"` // running, paused, completed, failed, cancelled
	Strategy     string         `json:"strategy,omitempty"`
	QueriesOpen  int            `json:"queries_open"`
	LLMCalls     int64          `json:"llm_calls"`
	MemoryBytes  int64          `json:"memory_bytes"`
	IdleMS       int64          `json:"idle_ms"`
	StartedAt    int64          `json:"started_at"`       // milliseconds since 1970
	LastActivity int64          `json:"last_activity_at"` // milliseconds since 1970
	Detail       *SessionDetail `json:"detail,omitempty"`
}

// SessionDetail is all that alc_status shows of one session.
type SessionDetail struct {
	Queries        []Query          `json:"queries"` // open ones
	QueryTimes     map[string]int64 `json:"query_times"`
	Rounds         int64            `json:"rounds"`
	ElapsedMS      int64            `json:"elapsed_ms"`
	PromptTokens   int64            `json:"prompt_tokens"`
	ResponseTokens int64            `json:"response_tokens"`
	CurrentQuery   *HistoryEntry    `json:"current_query"` // the query issued last while it is open
	Logs           []LogEntry       `json:"logs"`
	Progress       *Progress        `json:"progress,omitempty"`
	Budget         *Budget          `json:"budget_remaining,omitempty"`
	Limits         map[string]any   `json:"limits,omitempty"`
	Grants         map[string]any   `json:"grants,omitempty"`
	Isolation      Isolation        `json:"isolation,omitempty"`
	Finished       *WireFeed        `json:"finished,omitempty"` // of an ended session
}

// Budget is what is left of ctx.budget; limits that were not set are nil.
type Budget struct {
	LLMCalls  *int64 `json:"llm_calls"`
	ElapsedMS *int64 `json:"elapsed_ms"`
	Tokens    *int64 `json:"tokens"`
}

// WorkerInfo describes a worker process.
type WorkerInfo struct {
	PID         int    `json:"pid"`
	Version     string `json:"version"`
	StartedAt   string `json:"started_at"` // RFC 3339
	Sessions    int    `json:"sessions"`
	MemoryBytes int64  `json:"memory_bytes"`
	Sock        string `json:"sock"`
	Durability  string `json:"durability"`
	// Isolation is "process" of a worker that serves one session alone.
	Isolation Isolation `json:"isolation,omitempty"`
	// Confinement is what the worker found to hold for itself; nil when it was not confined.
	Confinement *confine.Report `json:"confinement,omitempty"`
}

// Status is the reply to a status request. HasSession and SessionID are what the original's
// fronts read: set when exactly one session is paused (or the one asked for is).
type Status struct {
	HasSession bool           `json:"has_session"`
	SessionID  *string        `json:"session_id"`
	History    []HistoryEntry `json:"conversation_history,omitempty"`
	Sessions   []SessionInfo  `json:"sessions"`
	Worker     WorkerInfo     `json:"worker"`
}

// Handler is what a worker does with requests that were framed and checked. Its methods are
// called from many goroutines at once. An error that is a [*RemoteError] goes to the caller with
// its code; any other is sent as code "internal". The context of a call is that of the worker,
// not of the connection: a caller that goes away changes nothing.
type Handler interface {
	Run(ctx context.Context, r RunRequest) (Feed, error)
	Continue(ctx context.Context, r ContinueRequest) (Feed, error)
	Status(ctx context.Context, r StatusRequest) (Status, error)
	Cancel(ctx context.Context, r CancelRequest) (Feed, error)
	// Shutdown finishes what is being stepped and lets the rest go; it returns when that is
	// done. The server answers after it and then stops.
	Shutdown(ctx context.Context) error
}
