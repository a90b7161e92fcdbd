package recording

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/algocline/algocline/pool"
)

// ErrExhausted is a query that comes after the last exchange of a recording.
var ErrExhausted = errors.New("the recording has ended")

// MismatchError is a query that is not the one that the recording holds at this place.
type MismatchError struct {
	Index    int // of the exchange, from 1
	Recorded Exchange
	Asked    pool.Query
}

func (e *MismatchError) Error() string {
	recorded := "(not kept) " + e.Recorded.Digest
	if e.Recorded.Prompt != nil {
		recorded = head(*e.Recorded.Prompt, e.Recorded.System)
	}
	return fmt.Sprintf("the recording does not fit: exchange %d\n  recorded: %s\n  asked:    %s",
		e.Index, recorded, head(e.Asked.Prompt, e.Asked.System))
}

// head is the start of a query, on one line.
func head(prompt string, system *string) string {
	const most = 100 // code points
	line := strings.Join(strings.Fields(prompt), " ")
	if system != nil {
		line = "[" + strings.Join(strings.Fields(*system), " ") + "] " + line
	}
	if r := []rune(line); len(r) > most {
		return string(r[:most]) + "…"
	}
	return line
}

// Player is an [llm.Answerer] that answers from a recording: query after query in order, each
// only if its digest is that of the next exchange. It serves one call at a time.
type Player struct {
	exchanges []Exchange
	next      int
	resume    bool                   // skip to the next query first
	given     map[string]pool.Answer // by query id: a query that is asked again gets its answer again
}

// NewPlayer returns a player at the start of a recording.
func NewPlayer(r *Recording) *Player {
	return &Player{exchanges: r.Exchanges, given: make(map[string]pool.Answer)}
}

// Resume makes the player begin, instead of at the start, at the first exchange that has the
// digest of the first query it gets. It is for sessions that may be in the middle of their
// recording. If no exchange fits, the player stays where it is and the mismatch says so.
func (p *Player) Resume() { p.resume = true }

// skipTo moves on to the first exchange, from where the player stands, that has the query's
// digest.
func (p *Player) skipTo(q pool.Query) {
	digest := Digest(q.Prompt, q.System)
	i := slices.IndexFunc(p.exchanges[p.next:], func(x Exchange) bool { return x.Digest == digest })
	p.next += max(i, 0)
}

// Left returns how many exchanges have not been used.
func (p *Player) Left() int { return len(p.exchanges) - p.next }

// Answer implements [llm.Answerer]. Its errors are [*MismatchError], [ErrExhausted] with the
// query, and that of ctx.
func (p *Player) Answer(ctx context.Context, queries ...pool.Query) iter.Seq2[pool.Answer, error] {
	return func(yield func(pool.Answer, error) bool) {
		for _, q := range queries {
			if p.resume {
				p.skipTo(q)
				p.resume = false
			}
			a, err := p.answer(q)
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			if !yield(a, err) || err != nil {
				return
			}
		}
	}
}

func (p *Player) answer(q pool.Query) (pool.Answer, error) {
	if a, ok := p.given[q.ID]; ok {
		return a, nil
	}
	if p.next >= len(p.exchanges) {
		return pool.Answer{}, fmt.Errorf("%w after %d exchanges, but there is another query: %s",
			ErrExhausted, len(p.exchanges), head(q.Prompt, q.System))
	}
	x := p.exchanges[p.next]
	if x.Digest != Digest(q.Prompt, q.System) {
		return pool.Answer{}, &MismatchError{Index: p.next + 1, Recorded: x, Asked: q}
	}
	p.next++
	a := pool.Answer{QueryID: &q.ID, Response: x.Response, Usage: x.Usage}
	p.given[q.ID] = a
	return a, nil
}
