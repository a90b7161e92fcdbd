package service

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/algocline/algocline/pool"
)

// onePause is a pause on a single query, its fields at the top.
type onePause struct {
	Status          string  `json:"status"`
	SessionID       string  `json:"session_id"`
	QueryID         string  `json:"query_id"`
	Prompt          string  `json:"prompt"`
	System          *string `json:"system"`
	MaxTokens       int64   `json:"max_tokens"`
	Grounded        bool    `json:"grounded,omitempty"`
	Underspecified  bool    `json:"underspecified,omitempty"`
	Role            *string `json:"role,omitempty"`
	CacheBreakpoint *string `json:"cache_breakpoint,omitempty"`
}

type manyPause struct {
	Status    string       `json:"status"`
	SessionID string       `json:"session_id"`
	Queries   []pool.Query `json:"queries"`
}

type accepted struct {
	Status    string `json:"status"`
	Remaining int    `json:"remaining"`
}

type completed struct {
	Status string          `json:"status"`
	Result json.RawMessage `json:"result"`
	Stats  json.RawMessage `json:"stats"`
}

type failed struct {
	Status string `json:"status"`
	Error  string `json:"error"`
	Code   string `json:"code,omitempty"`
}

type cancelled struct {
	Status string          `json:"status"`
	Reason string          `json:"reason,omitempty"`
	Stats  json.RawMessage `json:"stats"`
}

// The words that hosts know for where a session stands.
const (
	statusNeedsResponse = "needs_response"
	statusAccepted      = "accepted"
	statusCompleted     = "completed"
	statusError         = "error"
	statusCancelled     = "cancelled"
)

// noStats stands for the statistics of a session that came without.
var noStats = json.RawMessage(`{"auto":{},"custom":{}}`)

// Render turns an outcome into the compact JSON that hosts know: needs_response with one query
// at the top or with a list, accepted, completed, error (of the script: message and traceback,
// with our machine-readable code beside it) or cancelled.
func Render(f pool.Feed) (json.RawMessage, error) {
	switch f.Type {
	case pool.FeedPaused:
		return compact(renderPause(f))
	case pool.FeedAccepted:
		return compact(accepted{statusAccepted, f.Remaining})
	case pool.FeedFinished:
		v, err := renderEnd(f.Status, f.Output, f.Error, f.Metrics)
		if err != nil {
			return nil, fmt.Errorf("rendering session %s: %w", f.SessionID, err)
		}
		return compact(v)
	}
	return nil, fmt.Errorf("rendering session %s: a worker of another version? feed type %q is not known", f.SessionID, f.Type)
}

func renderPause(f pool.Feed) any {
	if len(f.Queries) != 1 {
		qs := f.Queries
		if qs == nil {
			qs = []pool.Query{}
		}
		return manyPause{statusNeedsResponse, f.SessionID, qs}
	}
	q := &f.Queries[0]
	return onePause{
		Status:          statusNeedsResponse,
		SessionID:       f.SessionID,
		QueryID:         q.ID,
		Prompt:          q.Prompt,
		System:          q.System,
		MaxTokens:       q.MaxTokens,
		Grounded:        q.Grounded,
		Underspecified:  q.Underspecified,
		Role:            q.Role,
		CacheBreakpoint: q.CacheBreakpoint,
	}
}

func renderEnd(status string, output json.RawMessage, fail *pool.Failure, metrics json.RawMessage) (any, error) {
	if len(metrics) == 0 {
		metrics = noStats
	}
	switch status {
	case "completed":
		if len(output) == 0 {
			output = json.RawMessage("null")
		}
		return completed{statusCompleted, output, metrics}, nil
	case "failed":
		return renderFailure(fail), nil
	case "cancelled":
		return cancelled{statusCancelled, CancelReason(fail), metrics}, nil
	}
	return nil, fmt.Errorf("a worker of another version? status %q is not known", status)
}

// CancelReason is why somebody cancelled a session, "" when it was not said.
func CancelReason(fail *pool.Failure) string {
	if fail == nil || fail.Message == pool.StatusCancelled { // the engine's word for no reason
		return ""
	}
	return fail.Message
}

func renderFailure(fail *pool.Failure) failed {
	if fail == nil {
		return failed{Status: statusError, Error: "the session failed and left no message"}
	}
	text := fail.Message
	if fail.Traceback != "" {
		text += "\n" + fail.Traceback
	}
	return failed{Status: statusError, Error: text, Code: fail.Code}
}

// compact is json.Marshal without the escaping of <, > and &: what is rendered is read by models
// and people, never put into HTML.
func compact(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// pretty is compact, indented by two spaces.
func pretty(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
