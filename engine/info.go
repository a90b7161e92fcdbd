package engine

import (
	"time"
)

// Info is all that a status shows of a live session.
type Info struct {
	StartedAt      time.Time
	Strategy       string
	LLMCalls       int64
	Rounds         int64
	PromptTokens   int64
	ResponseTokens int64
	MemoryBytes    int64
	Logs           []LogEntry
	Progress       *Progress
	Budget         *Budget
	Limits         Limits
	Grants         Grants
	Isolation      string
	Last           string // id of the query issued last while it is open
}

// Info reads a session between its steps.
func (s *Session) Info() Info {
	i := Info{
		StartedAt: s.start.At, Strategy: s.start.Strategy, LLMCalls: s.metrics.llmCalls, Rounds: s.metrics.rounds,
		PromptTokens: s.metrics.promptTotal().tokens, ResponseTokens: s.metrics.response.tokens,
		Logs: append([]LogEntry(nil), s.log.entries...), Progress: s.progress,
		Budget: s.budget.remaining(&s.metrics, s.host.Now().Sub(s.start.At)),
		Limits: s.start.Limits, Grants: s.start.Grants, Isolation: s.start.Isolation, MemoryBytes: s.root.held(),
	}
	if n := len(s.pause); n > 0 {
		if _, answered := s.given[s.pause[n-1].ID]; !answered {
			i.Last = s.pause[n-1].ID
		}
	}
	return i
}
