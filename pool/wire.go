package pool

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// WireFeed is a feed_result as it stands on the wire.
type WireFeed struct {
	Type      FeedType        `json:"type"`
	SessionID string          `json:"session_id,omitempty"`
	Queries   []Query         `json:"queries,omitempty"`
	QueryID   *string         `json:"query_id,omitempty"` // these four: only with exactly one query
	Prompt    *string         `json:"prompt,omitempty"`
	System    json.RawMessage `json:"system,omitempty"`
	MaxTokens *int64          `json:"max_tokens,omitempty"`
	Remaining *int            `json:"remaining,omitempty"`
	Status    string          `json:"status,omitempty"`
	Output    json.RawMessage `json:"output,omitempty"`
	Error     *Failure        `json:"error,omitempty"`
	Metrics   json.RawMessage `json:"metrics,omitempty"`
	Log       []LogEntry      `json:"log,omitempty"`
}

// The texts of Feed.Status.
const (
	StatusCompleted = "completed"
	StatusFailed    = "failed"
	StatusCancelled = "cancelled"
)

var null = json.RawMessage("null")

// Wire returns the feed as it is sent. It shares the feed's memory.
func (f Feed) Wire() WireFeed {
	w := WireFeed{Type: f.Type}
	switch f.Type {
	case FeedPaused:
		w.SessionID, w.Queries = f.SessionID, f.Queries
		if len(f.Queries) == 1 {
			w.setOne(&f.Queries[0])
		}
	case FeedAccepted:
		w.Remaining = &f.Remaining
	case FeedFinished:
		w.SessionID, w.Status, w.Metrics, w.Log = f.SessionID, f.Status, f.Metrics, f.Log
		switch f.Status {
		case StatusCompleted:
			w.Output = orNull(f.Output)
		case StatusFailed, StatusCancelled:
			w.Error = f.Error
		}
	}
	return w
}

func (w *WireFeed) setOne(q *Query) {
	w.QueryID, w.Prompt, w.MaxTokens = &q.ID, &q.Prompt, &q.MaxTokens
	w.System = null
	if q.System != nil {
		w.System = jsonString(*q.System)
	}
}

// Feed returns what a feed_result of session sid says. A pause that names its query only at the
// top, as simple workers do, is a pause with that query.
func (w WireFeed) Feed(sid string) (Feed, error) {
	f := Feed{SessionID: sid, Type: w.Type}
	if f.SessionID == "" {
		f.SessionID = w.SessionID
	}
	switch w.Type {
	case FeedPaused:
		f.Queries = w.Queries
		if len(f.Queries) == 0 && w.QueryID != nil {
			f.Queries = []Query{w.one()}
		}
	case FeedAccepted:
		if w.Remaining == nil {
			return Feed{}, fmt.Errorf("feed_result %q without remaining", w.Type)
		}
		f.Remaining = *w.Remaining
	case FeedFinished:
		f.Status, f.Output, f.Error, f.Metrics, f.Log = w.Status, w.Output, w.Error, w.Metrics, w.Log
	default:
		return Feed{}, fmt.Errorf("feed_result of type %q", w.Type)
	}
	return f, nil
}

func (w *WireFeed) one() Query {
	q := Query{ID: *w.QueryID}
	if w.Prompt != nil {
		q.Prompt = *w.Prompt
	}
	if w.MaxTokens != nil {
		q.MaxTokens = *w.MaxTokens
	}
	if s, ok := stringValue(w.System); ok {
		q.System = &s
	}
	return q
}

// WireSize is the length of the feed's encoding in bytes, to be compared with [MaxFeed] before
// the feed is committed. An output or metrics that are not JSON are an error.
func (f Feed) WireSize() (int, error) {
	e := getEncoder()
	defer e.release()
	if err := e.encode(f.Wire()); err != nil {
		return 0, fmt.Errorf("encoding a feed of session %s: %w", f.SessionID, err)
	}
	return e.buf.Len(), nil
}

// The members that the original's hosts read, for the single-session form: one of them stands
// beside the members of WireFeed.
type (
	singleFeed struct {
		WireFeed
		Paused   *originalPaused   `json:"Paused,omitempty"`
		Accepted *originalAccepted `json:"Accepted,omitempty"`
		Finished *originalFinished `json:"Finished,omitempty"`
	}
	originalPaused struct {
		Queries []Query `json:"queries"`
	}
	originalAccepted struct {
		Remaining int `json:"remaining"`
	}
	originalFinished struct {
		State   any             `json:"state"`
		Metrics json.RawMessage `json:"metrics"`
	}
)

// single returns the feed in the single-session form.
func (f Feed) single() singleFeed {
	s := singleFeed{WireFeed: f.Wire()}
	switch f.Type {
	case FeedPaused:
		s.Paused = &originalPaused{f.Queries}
	case FeedAccepted:
		s.Accepted = &originalAccepted{f.Remaining}
	case FeedFinished:
		s.Finished = &originalFinished{f.originalState(), orNull(f.Metrics)}
	}
	return s
}

func (f Feed) originalState() any {
	switch {
	case f.Status == StatusCompleted:
		return map[string]any{"Completed": map[string]any{"result": orNull(f.Output)}}
	case f.Status == StatusFailed && f.Error != nil:
		text := f.Error.Message
		if f.Error.Traceback != "" {
			text += "\n" + f.Error.Traceback
		}
		return map[string]any{"Failed": map[string]any{"error": text}}
	}
	return "Cancelled"
}

func orNull(v json.RawMessage) json.RawMessage {
	if len(bytes.TrimSpace(v)) == 0 {
		return null
	}
	return v
}
