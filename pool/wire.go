package pool

import "encoding/json"

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
}
