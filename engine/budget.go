package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// budget is ctx.budget: what the caller is willing to spend (lua-api.md section 8).
type budget struct {
	calls, elapsedMS, tokens *int64
}

// readBudget returns the budget in a ctx, nil when there is none. A limit that is not a
// non-negative JSON integer is ignored.
func readBudget(ctx []byte) *budget {
	var c struct {
		Budget json.RawMessage `json:"budget"`
	}
	if json.Unmarshal(ctx, &c) != nil {
		return nil
	}
	var m map[string]json.RawMessage
	if json.Unmarshal(c.Budget, &m) != nil {
		return nil
	}
	num := func(name string) *int64 {
		n, err := strconv.ParseInt(string(bytes.TrimSpace(m[name])), 10, 64)
		if err != nil || n < 0 {
			return nil
		}
		return &n
	}
	b := &budget{num("max_llm_calls"), num("max_elapsed_ms"), num("max_tokens")}
	if b.calls == nil && b.elapsedMS == nil && b.tokens == nil {
		return nil
	}
	return b
}

func (b *budget) limits() map[string]int64 {
	m := map[string]int64{}
	set := func(name string, p *int64) {
		if p != nil {
			m[name] = *p
		}
	}
	set("max_llm_calls", b.calls)
	set("max_elapsed_ms", b.elapsedMS)
	set("max_tokens", b.tokens)
	return m
}

// refuse returns why a further call is refused, or "".
func (b *budget) refuse(m *metrics, elapsed time.Duration) string {
	if b == nil {
		return ""
	}
	ms, tokens := elapsed.Milliseconds(), m.total().tokens
	switch {
	case b.calls != nil && m.llmCalls >= *b.calls:
		return fmt.Sprintf("budget_exceeded: max_llm_calls (%d) reached (%d used)", *b.calls, m.llmCalls)
	case b.elapsedMS != nil && ms >= *b.elapsedMS:
		return fmt.Sprintf("budget_exceeded: max_elapsed_ms (%dms) reached (%dms elapsed)", *b.elapsedMS, ms)
	case b.tokens != nil && tokens >= *b.tokens:
		return fmt.Sprintf("budget_exceeded: max_tokens (%d) reached (%d used)", *b.tokens, tokens)
	}
	return ""
}

// Budget is what is left of a session's budget; members without a limit are nil.
type Budget struct {
	LLMCalls, ElapsedMS, Tokens *int64
}

func (b *budget) remaining(m *metrics, elapsed time.Duration) *Budget {
	if b == nil {
		return nil
	}
	left := func(limit *int64, used int64) *int64 {
		if limit == nil {
			return nil
		}
		n := max(*limit-used, 0)
		return &n
	}
	return &Budget{left(b.calls, m.llmCalls), left(b.elapsedMS, elapsed.Milliseconds()), left(b.tokens, m.total().tokens)}
}
