package engine

import (
	"encoding/json"
	"time"
)

// tokenSource says where a token count comes from, from the weakest on.
type tokenSource int

const (
	estimated tokenSource = iota
	provided
	definite
)

func (t tokenSource) String() string {
	return [...]string{"estimated", "provided", "definite"}[t]
}

// tokenSum adds counts and keeps the weakest source among them.
type tokenSum struct {
	tokens int64
	weak   tokenSource
	any    bool
}

func (t *tokenSum) add(n int64, src tokenSource) {
	t.tokens += n
	if !t.any || src < t.weak {
		t.weak = src
	}
	t.any = true
}

func (t tokenSum) source() tokenSource {
	if !t.any {
		return definite
	}
	return t.weak
}

type tokenJSON struct {
	Source string `json:"source"`
	Tokens int64  `json:"tokens"`
}

func (t tokenSum) json() tokenJSON { return tokenJSON{t.source().String(), t.tokens} }

// metrics counts what stats.auto shows (mcp.md section 4.5).
type metrics struct {
	llmCalls, pauses, rounds   int64
	promptChars, responseChars int64
	promptEstimates            map[string]int64 // of open queries, until usage may replace them
	openEstimates              int64
	prompt, response           tokenSum
}

func (m *metrics) asked(qs []Query) {
	if m.promptEstimates == nil {
		m.promptEstimates = map[string]int64{}
	}
	for _, q := range qs {
		m.llmCalls++
		m.promptChars += q.size()
		m.promptEstimates[q.ID] = q.tokens()
		m.openEstimates += q.tokens()
	}
}

func (m *metrics) answered(a Answer) {
	est := m.promptEstimates[a.QueryID]
	delete(m.promptEstimates, a.QueryID)
	m.openEstimates -= est
	m.responseChars += int64(len(a.Response))
	if a.PromptTokens != nil {
		m.prompt.add(*a.PromptTokens, provided)
	} else {
		m.prompt.add(est, estimated)
	}
	if a.CompletionTokens != nil {
		m.response.add(*a.CompletionTokens, provided)
	} else {
		m.response.add(estimate(a.Response), estimated)
	}
}

// promptTotal counts open queries by their estimate.
func (m *metrics) promptTotal() tokenSum {
	t := m.prompt
	if len(m.promptEstimates) > 0 {
		t.add(m.openEstimates, estimated)
	}
	return t
}

func (m *metrics) total() tokenSum {
	t := m.promptTotal()
	if m.response.any {
		t.add(m.response.tokens, m.response.weak)
	}
	return t
}

// json renders {"auto":…,"custom":…}. custom maps names to JSON texts.
func (m *metrics) json(elapsed time.Duration, b *budget, custom map[string]json.RawMessage) json.RawMessage {
	auto := map[string]any{
		"elapsed_ms": elapsed.Milliseconds(), "llm_calls": m.llmCalls, "pauses": m.pauses, "rounds": m.rounds,
		"total_prompt_chars": m.promptChars, "total_response_chars": m.responseChars,
		"prompt_tokens": m.promptTotal().json(), "response_tokens": m.response.json(), "total_tokens": m.total().json(),
	}
	if b != nil {
		auto["budget"] = b.limits()
	}
	if custom == nil {
		custom = map[string]json.RawMessage{}
	}
	out, err := json.Marshal(map[string]any{"auto": auto, "custom": custom})
	if err != nil {
		// Only a custom value that is not JSON could cause it, and those were made by the encoder.
		return json.RawMessage(`{"auto":{},"custom":{}}`)
	}
	return out
}
