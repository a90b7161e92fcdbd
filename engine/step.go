package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/lua"
	"github.com/algocline/algocline/value"
)

const (
	// flushAfter is how long recorded events of a long step stay in memory alone.
	flushAfter = 50 * time.Millisecond
	// maxStepEvents and maxEvents bound the record of one step and of a session.
	maxStepEvents = 100_000
	maxEvents     = 1_000_000
	// maxResultDepth is how deep a result may be nested (lua-api.md section 2.1).
	maxResultDepth = 127
	// maxFeed bounds the encoding of a pause or a result, so that its line stays below the
	// protocol's limit.
	maxFeed = 48 << 20
)

// raise is an error of the domain: it is raised in the script, as its text.
type raise string

func (r raise) Error() string { return string(r) }

// errEnded: the session was ended, and that committed, while a request was served.
var errEnded = errors.New("session has ended")

// drive resumes the VM and serves its requests until the session pauses or ends; that is
// committed when drive returns nil.
func (s *Session) drive(ctx context.Context, in value.List) error {
	s.stepReads, s.helped = 0, 0
	ev, err := s.resume(in)
	for {
		if err != nil {
			return s.vmFailed(ctx, err)
		}
		if err := s.takeNotes(ev.Notes); err != nil {
			return s.kill(err)
		}
		s.border.Write(ev.Notes)
		s.border.Write(ev.Values)
		if ev.Kind == lua.Returned {
			return s.returned(ctx, ev.Values)
		}
		out, paused, serveErr := s.serve(ctx, ev)
		var r raise
		switch {
		case paused || errors.Is(serveErr, errEnded):
			return nil
		case errors.As(serveErr, &r):
			s.border.Write([]byte(r))
			ev, err = s.vm.Raise(string(r))
		case serveErr != nil:
			return s.kill(serveErr)
		default:
			ev, err = s.resume(out)
		}
	}
}

func (s *Session) resume(in value.List) (lua.Event, error) {
	s.border.Write(in)
	return s.vm.Resume(in)
}

// kill makes the session unusable: what went wrong is not the script's doing.
func (s *Session) kill(err error) error {
	if s.dead == nil {
		s.dead = err
	}
	return err
}

// serve answers one request of the VM.
func (s *Session) serve(ctx context.Context, ev lua.Event) (out value.List, paused bool, err error) {
	r := value.NewReader(ev.Values)
	name, err := r.String()
	if err != nil {
		return nil, false, fmt.Errorf("reading a request: %w", err)
	}
	args := r.Rest()
	if name == "ask" {
		return s.ask(ctx, args, ev.Digest)
	}
	if name == "module" {
		out, err = s.require(ctx, args)
		return out, false, err
	}
	o, ok := ops[name]
	if !ok {
		return nil, false, fmt.Errorf("the library asked for %q, which this version does not have", name)
	}
	vs, err := value.Decode(args)
	if err != nil {
		return nil, false, fmt.Errorf("reading the arguments of %s: %w", name, err)
	}
	a := arguments(vs)
	switch {
	case o.pure != nil:
		out, err = o.pure(s, a)
	case o.long != nil:
		out, err = s.long(ctx, name, func(ctx context.Context) (value.List, error) { return o.long(ctx, s, a) })
	case o.read != nil:
		out, err = s.recorded(ctx, journal.Read, name, args, func() (value.List, error) { return o.read(ctx, s, a) })
	default:
		out, err = s.effect(ctx, name, args, func(tx journal.Tx) (value.List, error) { return o.effect(s, tx, a) })
	}
	return out, false, err
}

// long answers a pure request that may take its time. The watchdog sees only what the VM does
// itself, so such helpers share the step's CPU limit among them.
func (s *Session) long(ctx context.Context, name string, do func(context.Context) (value.List, error)) (value.List, error) {
	limit, began := s.start.Limits.StepCPU, time.Now()
	bounded := ctx
	if limit > 0 {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, limit-s.helped)
		defer cancel()
	}
	out, err := do(bounded)
	s.helped += time.Since(began)
	switch {
	case err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded):
		return out, err
	case len(s.replay) > 0:
		return nil, fmt.Errorf("%w: session %s reached the limit step_cpu in %s while it was replayed", ErrRebuild, s.start.SID, name)
	}
	return nil, s.exceed(ctx, "step_cpu", limit.String())
}

// recorded answers a read: from the record while there is one, else from the world.
func (s *Session) recorded(ctx context.Context, k journal.Kind, name string, args value.List, do func() (value.List, error)) (value.List, error) {
	d := digestOf([]byte(name), args)
	if e, err := s.next(k, name); e != nil || err != nil {
		return s.replayCall(e, err, name, d)
	}
	if err := s.bounded(ctx); err != nil {
		return nil, err
	}
	out, err := do()
	c := call{Op: name, Digest: d, Result: out}
	var r raise
	if errors.As(err, &r) {
		c.Failed, c.Result = true, value.Of(string(r))
	} else if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	s.note(k, c.encode())
	if s.host.Now().Sub(s.flushed) > flushAfter {
		if err := s.commit(ctx, nil, false); err != nil {
			return nil, err
		}
	}
	return out, err
}

// effect changes the world and records it in one transaction, with all that was recorded before.
func (s *Session) effect(ctx context.Context, name string, args value.List, do func(journal.Tx) (value.List, error)) (value.List, error) {
	d := digestOf([]byte(name), args)
	if e, err := s.next(journal.Effect, name); e != nil || err != nil {
		return s.replayCall(e, err, name, d)
	}
	if err := s.bounded(ctx); err != nil {
		return nil, err
	}
	var out value.List
	var refused error
	err := s.commit(ctx, func(tx journal.Tx) ([]journal.Event, error) {
		var err error
		out, err = do(tx)
		c := call{Op: name, Digest: d, Result: out}
		var r raise
		refused = nil
		if errors.As(err, &r) {
			refused, c.Failed, c.Result = err, true, value.Of(string(r))
		} else if err != nil {
			return nil, fmt.Errorf("applying %s: %w", name, err)
		}
		return []journal.Event{{Kind: journal.Effect, At: s.host.Now(), Body: c.encode()}}, nil
	}, false)
	if err != nil {
		return nil, err
	}
	return out, refused
}

// bounded ends a session whose record grows without end.
func (s *Session) bounded(ctx context.Context) error {
	s.stepReads++
	if s.stepReads > maxStepEvents || s.committed+int64(len(s.pending)) > maxEvents {
		return s.exceed(ctx, "history", fmt.Sprintf("%d events a step, %d a session", maxStepEvents, maxEvents))
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

// vmFailed ends the session after its VM has: an uncaught error or a limit.
func (s *Session) vmFailed(ctx context.Context, err error) error {
	if len(s.replay) > 0 {
		var le *lua.LimitError
		if errors.As(err, &le) {
			return s.kill(fmt.Errorf("%w: session %s reached the limit %s while it was replayed", ErrRebuild, s.start.SID, le.Limit))
		}
		return s.kill(s.diverged(s.replay[0].Seq, string(s.replay[0].Kind), "the VM ended: "+err.Error()))
	}
	return s.finish(ctx, journal.StateFailed, nil, vmError(err))
}

// returned ends the session with what the library's main function returned: "completed" and the
// JSON text, or a failure's code, message and traceback.
func (s *Session) returned(ctx context.Context, vals value.List) error {
	vs, err := value.Decode(vals)
	if err != nil || len(vs) == 0 {
		return s.kill(fmt.Errorf("reading the result of session %s: %w", s.start.SID, err))
	}
	a := arguments(vs)
	code := a.text(0)
	if code != "completed" {
		return s.finish(ctx, journal.StateFailed, nil, &Failure{Code: code, Message: cleanText(a.text(1)), Traceback: cleanText(a.text(2))})
	}
	out := a.text(1)
	if max := min(s.start.Limits.ResultSize, maxFeed); int64(len(out)) > max {
		return s.finish(ctx, journal.StateFailed, nil, limitFailure("result_size", fmt.Sprintf("%d bytes", max)))
	}
	if depth(out) > maxResultDepth {
		msg := fmt.Sprintf("JSON parse: the result is nested deeper than %d levels", maxResultDepth)
		return s.finish(ctx, journal.StateFailed, nil, &Failure{Code: "lua_error", Message: msg})
	}
	return s.finish(ctx, journal.StateCompleted, json.RawMessage(out), nil)
}

// ask records queries and pauses.
func (s *Session) ask(ctx context.Context, args value.List, helpers uint64) (value.List, bool, error) {
	d := digestOf([]byte("ask"), args)
	step := s.stepDigest(helpers)
	if len(s.replay) > 0 {
		return s.replayAsk(d, step)
	}
	if err := s.bounded(ctx); err != nil {
		return nil, false, err
	}
	if why := s.budget.refuse(&s.metrics, s.now().Sub(s.start.At)); why != "" {
		s.note(journal.Read, call{Op: "budget", Digest: d, Failed: true, Result: value.Of(why)}.encode())
		return nil, false, raise(why)
	}
	qs, err := readQueries(args, s.nextQuery)
	if err != nil {
		return nil, false, err
	}
	if name, val := s.tooMuch(qs); name != "" {
		return nil, false, s.exceed(ctx, name, val)
	}
	s.show(qs)
	s.note(journal.Asked, asked{Queries: qs, Digest: d, Step: step}.encode())
	if err := s.commit(ctx, nil, true); err != nil {
		return nil, false, err
	}
	return nil, true, nil
}

// show makes queries the present pause.
func (s *Session) show(qs []Query) {
	s.nextQuery += int64(len(qs))
	s.metrics.asked(qs)
	s.pause, s.given = qs, map[string]string{}
	s.state = journal.StatePaused
	s.outcome = Outcome{Kind: OutcomePaused, Queries: qs}
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
	total := int64(0)
	for _, q := range qs {
		if q.size() > l.PromptSize {
			return "prompt_size", fmt.Sprintf("%d bytes", l.PromptSize)
		}
		total += q.size()
	}
	if total > maxFeed {
		return "prompt_size", fmt.Sprintf("%d bytes in one pause", maxFeed)
	}
	return "", ""
}

// stepDigest is the chained hash over everything that has crossed the VM's border, and over what
// pure helpers gave inside it.
func (s *Session) stepDigest(helpers uint64) (d Digest) {
	fmt.Fprintf(s.border, "%016x", helpers)
	copy(d[:], s.border.Sum(nil))
	return d
}

func limitFailure(name, value string) *Failure {
	f := &Failure{Code: "limit_exceeded"}
	f.Message = fmt.Sprintf("limit %s (%s) reached; the caller may have lowered it, the operator raises it with ALC_LIMIT_%s or in config.toml",
		name, value, strings.ToUpper(name))
	return f
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

// cleanText makes an error's text fit for JSON: it ends at a NUL, bytes that are not UTF-8 are
// replaced, and it is cut at a bound.
func cleanText(s string) string {
	if i := strings.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	if len(s) > maxMessage {
		s = s[:maxMessage] + "…"
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return s
}
