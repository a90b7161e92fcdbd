package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/value"
)

const (
	// flushAfter is how long recorded events of a long step stay in memory alone.
	flushAfter = 50 * time.Millisecond
	// maxStepEvents bounds the record of one step.
	maxStepEvents = 100_000
	// recordShare is how often the memory of a session its record may grow by in one step.
	recordShare = 4
	// maxResultDepth is how deep a result may be nested (lua-api.md section 2.1).
	maxResultDepth = 127
	// maxFeed bounds the encoding of a pause or a result, so that its line stays below the
	// protocol's limit.
	maxFeed = 48 << 20
)

// maxEvents bounds the record of a session; a test lowers it.
var maxEvents int64 = 1_000_000

// raise is an error of the domain: it is raised in the script, as its text.
type raise string

func (r raise) Error() string { return string(r) }

// errEnded: the session was ended, and that committed, while a request was served.
var errEnded = errors.New("session has ended")

// kill makes the session unusable: what went wrong is not the script's doing.
func (s *Session) kill(err error) error {
	if !errors.Is(err, ErrBroken) && !errors.Is(err, ErrDiverged) && !errors.Is(err, ErrRebuild) && !errors.Is(err, ErrBadHistory) {
		err = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if s.dead == nil {
		s.dead = err
	}
	return err
}

// recorded answers a read: from the record while there is one, else from the world.
func (s *Session) recorded(ctx context.Context, t *strand, k journal.Kind, name string, args value.List, do func() (value.List, error)) (value.List, error) {
	d := digestOf([]byte(name), args)
	if e, err := s.next(t, k, name); e != nil || err != nil {
		return s.replayCall(e, err, name, d)
	}
	if err := s.bounded(ctx); err != nil {
		return nil, err
	}
	began, waited := time.Now(), s.waited
	out, err := do()
	s.waited = waited + time.Since(began) // with what a commit in it has counted already
	c := call{Op: name, Digest: d, Result: out}
	var r raise
	if errors.As(err, &r) {
		c.Failed, c.Result = true, value.Of(string(r))
	} else if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	body := c.encode()
	s.stepBytes += int64(len(body))
	s.note(t.path, k, body)
	if s.host.Now().Sub(s.flushed) > flushAfter {
		if err := s.commit(ctx, nil, false); err != nil {
			return nil, err
		}
	}
	return out, err
}

// effect changes the world and records it in one transaction, with all that was recorded before.
func (s *Session) effect(ctx context.Context, t *strand, name string, args value.List, o op, a arguments) (value.List, error) {
	if a.longest(o.stored) > s.start.Limits.ResultSize {
		return nil, s.exceed(ctx, "result_size", fmt.Sprintf("%d bytes", s.start.Limits.ResultSize))
	}
	d := digestOf([]byte(name), args)
	if e, err := s.next(t, journal.Effect, name); e != nil || err != nil {
		out, err := s.replayCall(e, err, name, d)
		if err != nil || o.settle == nil {
			return out, err
		}
		return out, o.settle(ctx, s)
	}
	if err := s.bounded(ctx); err != nil {
		return nil, err
	}
	s.stepBytes += int64(len(args))
	out, err := s.apply(ctx, t, name, d, o, a)
	if err != nil || o.settle == nil {
		return out, err
	}
	return out, o.settle(ctx, s)
}

// apply makes and commits an effect. A refusal is an event as well.
func (s *Session) apply(ctx context.Context, t *strand, name string, d Digest, o op, a arguments) (value.List, error) {
	var unready, refused raise
	if o.prepare != nil {
		if err := o.prepare(ctx, s, a); err != nil && !errors.As(err, &unready) {
			return nil, fmt.Errorf("preparing %s: %w", name, err)
		}
	}
	var out value.List
	err := s.commit(ctx, func(tx journal.Tx) ([]journal.Event, error) {
		var err error
		if out, refused = nil, unready; unready == "" {
			out, err = o.effect(s, tx, a)
		}
		if err != nil && !errors.As(err, &refused) {
			return nil, fmt.Errorf("applying %s: %w", name, err)
		}
		c := call{Op: name, Digest: d, Result: out}
		if refused != "" {
			c.Failed, c.Result = true, value.Of(string(refused))
		}
		return []journal.Event{{Kind: journal.Effect, At: s.host.Now(), Path: t.path, Body: c.encode()}}, nil
	}, o.settle != nil) // what is carried out must not be forgotten
	if err != nil {
		return nil, err
	}
	if refused != "" {
		return nil, refused
	}
	return out, nil
}

// bounded ends a session whose record grows without end. What is replayed was within the bounds.
func (s *Session) bounded(ctx context.Context) error {
	if len(s.replay) > 0 {
		return nil
	}
	s.stepReads++
	if s.stepReads > maxStepEvents || s.committed+int64(len(s.pending)) > maxEvents {
		return s.exceedFixed(ctx, "history", fmt.Sprintf("%d events a step, %d a session", maxStepEvents, maxEvents),
			"it is fixed: let the script call alc.state, the clock and other requests less often")
	}
	if most := recordShare * s.start.Limits.Memory; s.stepBytes > most {
		return s.exceedFixed(ctx, "history", fmt.Sprintf("%d bytes a step, %d times the limit memory", most, recordShare),
			"it goes with that: let the script read and store less between two questions")
	}
	return nil
}

// exceed fails the session for a limit that the engine itself watches.
func (s *Session) exceed(ctx context.Context, name, value string) error {
	if err := s.finish(ctx, journal.StateFailed, nil, limitFailure(name, value)); err != nil {
		return err
	}
	return errEnded
}

// exceedFixed fails the session for a bound that has no setting of its own.
func (s *Session) exceedFixed(ctx context.Context, name, value, advice string) error {
	if err := s.finish(ctx, journal.StateFailed, nil, fixedFailure(name, value, advice)); err != nil {
		return err
	}
	return errEnded
}

// tooMuch returns the limit that these queries would pass, or "".
func (s *Session) tooMuch(qs []Query) (name, value string) {
	l := s.start.Limits
	if n := int64(len(qs)); n > l.Batch {
		return "batch", fmt.Sprint(l.Batch)
	}
	if s.metrics.llmCalls+int64(len(qs)) > l.LLMCalls {
		return "llm_calls", fmt.Sprint(l.LLMCalls)
	}
	for _, q := range qs {
		if q.textSize() > l.PromptSize {
			return "prompt_size", fmt.Sprintf("%d bytes", l.PromptSize)
		}
	}
	return "", ""
}

func limitFailure(name, value string) *Failure {
	f := &Failure{Code: "limit_exceeded"}
	f.Message = fmt.Sprintf("limit %s (%s) reached; the caller may have lowered it, the operator raises it with ALC_LIMIT_%s or in config.toml",
		name, value, strings.ToUpper(name))
	return f
}

func fixedFailure(name, value, advice string) *Failure {
	return &Failure{Code: "limit_exceeded", Message: fmt.Sprintf("limit %s (%s) reached; %s", name, value, advice)}
}

// depth is how deep a JSON text is nested. The text is well-formed.
func depth(s string) int {
	deepest, d := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			for i++; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			d++
			deepest = max(deepest, d)
		case ']', '}':
			d--
		}
	}
	return deepest
}

// maxMessage bounds an error's text: it is shown, stored and sent.
const maxMessage = 64 << 10

// cleanText makes an error's text fit for JSON: it ends at a NUL, and is then a shownText.
func cleanText(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return shownText(s)
}

// shownText makes a script's text fit for JSON: it is cut at a bound, and bytes that are not UTF-8
// are replaced.
func shownText(s string) string {
	if len(s) > maxMessage {
		s = s[:maxMessage] + "…"
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return s
}
