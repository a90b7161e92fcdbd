package engine

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"time"

	"github.com/algocline/algocline/card"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/lua"
)

// Digest is a SHA-256 cut to 16 bytes.
type Digest [16]byte

func digestOf(parts ...[]byte) (d Digest) {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	copy(d[:], h.Sum(nil))
	return d
}

// OutcomeKind says where a session stands after a step.
type OutcomeKind string

// The outcomes of a step.
const (
	OutcomePaused   OutcomeKind = "paused"
	OutcomeAccepted OutcomeKind = "accepted"
	OutcomeFinished OutcomeKind = "finished"
)

// Failure is why a session failed.
type Failure struct {
	Code      string // syntax_error, lua_error, limit_exceeded
	Message   string
	Traceback string
}

// Outcome is what a step led to.
type Outcome struct {
	Kind      OutcomeKind
	Queries   []Query         // paused: those still open
	Remaining int             // accepted: how many are
	Status    journal.State   // finished: completed, failed, cancelled
	Output    json.RawMessage // completed: the result
	Failure   *Failure        // failed: why; cancelled: the reason
	Metrics   json.RawMessage // finished
}

// Session is one run of a strategy. Its methods step it, one at a time, by the goroutine that
// calls them; none may be called while another runs. After an error that matches [ErrBroken],
// [ErrDiverged] or [ErrRebuild] the session is of no more use: close it and restore another from
// the journal.
type Session struct {
	start Start
	host  Host
	vms   *VMs
	lib   *library
	root  *strand
	loc   *time.Location

	state     journal.State
	committed int64           // seq of the last committed event
	pending   []journal.Event // recorded, to go with the next commit
	contents  []Content       // to be stored with them
	flushed   time.Time       // when pending was last empty

	replay   []journal.Event // what is still to be reproduced
	replayAt time.Time
	running  string // the release that replays, for the error of a divergence
	replayed int64  // seq of the event reproduced last
	cutOff   bool   // all that is left to reproduce is an end from outside

	border    hash.Hash // chained over everything that crosses the VM's border
	stepReads int       // events of this step
	stepBytes int64     // what they hold, and what was stored
	requests  int       // of this step
	stepBegan time.Time
	cpuBegan  time.Duration     // what the process had computed at its second request
	waited    time.Duration     // for commits and reads, in this step
	helped    time.Duration     // what long helpers took in this step
	wall      *wall             // while a step runs live whose wall time is limited
	adopted   map[string]bool   // namespaces of state whose files are known to be imported
	settled   string            // number of the last change of cards that is in the files; to be forgotten
	pause     []Query           // the queries of the present pause
	given     map[string]string // their answers so far
	known     map[string]Digest // of every answer ever given
	forks     int64             // alc.fork calls so far

	metrics  metrics
	budget   *budget
	custom   map[string]json.RawMessage
	log      logRing
	progress *Progress
	outcome  Outcome
	dead     error
}

func newSession(host Host, vms *VMs, st Start) (*Session, error) {
	loc, err := vms.zones.location(st.Zone)
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", st.SID, err)
	}
	st.Zone.TZif = nil // loc has it
	return &Session{
		start: st, host: host, vms: vms, state: journal.StateRunning, border: sha256.New(),
		root: &strand{ids: "q", modules: map[string]module{}}, adopted: map[string]bool{}, known: map[string]Digest{},
		budget: readBudget(st.Ctx), log: logRing{max: st.Limits.LogSize}, loc: loc,
	}, nil
}

// Begin starts a session and runs it to its first pause or its end. Nothing of it exists before
// the commit of that; a sid that is taken shows as journal.ErrExists behind [ErrBroken].
func Begin(ctx context.Context, host Host, vms *VMs, st Start) (*Session, error) {
	st.Ctx = unwrapCtx(st.Ctx)
	st.Release, st.Host, st.Lua, st.Library, st.At = vms.release, HostVersion, lua.Release, vms.Library(), host.Now()
	st.Machine = machine()
	s, err := newSession(host, vms, st)
	if err != nil {
		return nil, err
	}
	if s.root.vm, s.lib, err = vms.take(st.Library, nil); err != nil {
		return nil, fmt.Errorf("starting session %s: %w", st.SID, err)
	}
	s.flushed = st.At
	s.pending = append(s.pending, journal.Event{Kind: journal.Started, At: st.At, Body: st.encode()})
	s.contents = append(s.contents, Content{st.codeHash(), st.Code}, Content{s.lib.hash, s.lib.source})
	if st.Zone.TZif != nil {
		s.contents = append(s.contents, Content{journal.HashContent(st.Zone.TZif), st.Zone.TZif})
	}
	if err := s.boot(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Answer gives answers to open queries, one after the other. When the last query of a pause is
// answered the script goes on to its next pause or end, and that is committed before Answer
// returns. An answer that was given before changes nothing. The outcome is the session's
// present state; on an error that is about an answer ([ErrQueryNotOpen], [ErrAnswerDiffers],
// [ErrFinished]) the answers before it stand.
func (s *Session) Answer(ctx context.Context, as []Answer) (Outcome, error) {
	if s.dead != nil {
		return Outcome{}, s.dead
	}
	var refused error
	uncommitted := false
	for _, a := range as {
		fresh, err := s.accept(a)
		if err != nil {
			refused = err
			break
		}
		uncommitted = uncommitted || fresh
		if fresh && len(s.given) == len(s.pause) {
			if err := s.goOn(ctx); err != nil {
				return Outcome{}, err
			}
			uncommitted = false
		}
	}
	if uncommitted {
		s.outcome = Outcome{Kind: OutcomeAccepted, Remaining: len(s.pause) - len(s.given)}
		if err := s.commit(ctx, nil, true); err != nil {
			return Outcome{}, err
		}
	}
	return s.outcome, refused
}

// accept takes one answer; fresh tells whether it was new.
func (s *Session) accept(a Answer) (fresh bool, err error) {
	open := s.openIDs()
	if a.QueryID == "" {
		if s.state.Ended() {
			return false, ErrFinished
		}
		if len(open) != 1 {
			return false, &QueryNotOpenError{Open: open}
		}
		a.QueryID = open[0]
	}
	d := digestOf([]byte(a.Response))
	if old, ok := s.known[a.QueryID]; ok {
		if old != d {
			return false, &AnswerDiffersError{ID: a.QueryID}
		}
		return false, nil
	}
	if s.state.Ended() {
		return false, ErrFinished
	}
	for _, q := range open {
		if q == a.QueryID {
			s.note("", journal.Answered, a.encode())
			s.take(a, d)
			return true, nil
		}
	}
	return false, &QueryNotOpenError{ID: a.QueryID, Open: open}
}

func (s *Session) take(a Answer, d Digest) {
	s.known[a.QueryID] = d
	s.given[a.QueryID] = a.Response
	s.metrics.answered(a)
}

// goOn runs a session whose pause is answered.
func (s *Session) goOn(ctx context.Context) error {
	if w := s.start.Limits.Wall; w > 0 && s.now().Sub(s.start.At) > w {
		return s.finish(ctx, journal.StateFailed, nil, limitFailure("wall", w.String()))
	}
	return s.run(ctx, s.feed(ctx))
}

// Cancel ends the session. Cancelling one that has ended returns its outcome. To cut a step that is
// under way, see [Interrupt].
func (s *Session) Cancel(ctx context.Context, reason string) (Outcome, error) {
	if s.dead != nil {
		return Outcome{}, s.dead
	}
	if s.state.Ended() {
		return s.outcome, nil
	}
	if err := s.cancelled(ctx, reason); err != nil {
		return Outcome{}, err
	}
	return s.outcome, nil
}

// Outcome is the session's present state.
func (s *Session) Outcome() Outcome {
	if s.outcome.Kind == OutcomePaused {
		o := s.outcome
		o.Queries = s.Open()
		return o
	}
	return s.outcome
}

// Log returns the newest lines of what the script printed and logged, also after its end.
func (s *Session) Log() []LogEntry { return s.log.entries }

// Close drops the VM. What was committed stays; the session can be restored from it. It may be
// called twice.
func (s *Session) Close() error {
	if s.dead == nil {
		s.dead = fmt.Errorf("%w: it was closed", ErrBroken)
	}
	return s.root.close()
}

// Head is the seq of the last committed event.
func (s *Session) Head() int64 { return s.committed }

// State is where the session stands.
func (s *Session) State() journal.State { return s.state }

// SameCode tells whether the session was started with this code.
func (s *Session) SameCode(code []byte) bool { return string(s.start.Code) == string(code) }

// Open returns the queries that wait for an answer.
func (s *Session) Open() []Query {
	var open []Query
	for _, q := range s.pause {
		if _, ok := s.given[q.ID]; !ok {
			open = append(open, q)
		}
	}
	return open
}

func (s *Session) openIDs() []string {
	ids := []string{}
	for _, q := range s.Open() {
		ids = append(ids, q.ID)
	}
	return ids
}

func (s *Session) now() time.Time {
	if len(s.replay) > 0 {
		return s.replayAt
	}
	return s.host.Now()
}

// note records an event of a strand, to be committed with the next reply or effect.
func (s *Session) note(path string, k journal.Kind, body []byte) {
	s.pending = append(s.pending, journal.Event{Kind: k, At: s.host.Now(), Path: path, Body: body})
}

// commit makes the pending events durable, with an effect when apply is given.
func (s *Session) commit(ctx context.Context, apply func(journal.Tx) ([]journal.Event, error), sync bool) error {
	applied := 0
	c := Commit{
		After: s.committed, Events: s.pending, Contents: s.contents, Sync: sync,
		Summary: journal.Summary{State: s.state, Strategy: s.start.Strategy, Open: len(s.pause) - len(s.given), LLMCalls: s.metrics.llmCalls},
	}
	if settled := s.settled; settled != "" {
		rest := apply
		apply = func(tx journal.Tx) ([]journal.Event, error) {
			if err := card.Forget(tx, settled); err != nil || rest == nil {
				return nil, err
			}
			return rest(tx)
		}
	}
	if apply != nil {
		c.Apply = func(tx journal.Tx) ([]journal.Event, error) {
			evs, err := apply(tx)
			applied = len(evs)
			return evs, err
		}
	}
	began := time.Now()
	err := s.host.Commit(ctx, c)
	s.waited += time.Since(began)
	if err != nil {
		s.dead = &BrokenError{err}
		return s.dead
	}
	s.committed += int64(len(s.pending) + applied)
	s.pending, s.contents, s.settled = nil, nil, ""
	s.flushed = s.host.Now()
	return nil
}

// finish ends the session and commits its end.
func (s *Session) finish(ctx context.Context, st journal.State, output json.RawMessage, f *Failure) error {
	o := Outcome{Kind: OutcomeFinished, Status: st, Output: output, Failure: f}
	o.Metrics = s.metrics.json(s.now().Sub(s.start.At), s.budget, s.custom)
	s.state, s.outcome = st, o
	s.pause, s.given = nil, nil
	if err := s.root.close(); err != nil {
		return fmt.Errorf("ending session %s: %w", s.start.SID, err)
	}
	if len(s.replay) > 0 {
		return s.replayFinish(&o)
	}
	s.note("", journal.Finished, encodeFinished(&o))
	return s.commit(ctx, nil, true)
}

// unwrapCtx takes a ctx that is the JSON text of an object or array for that value
// (mcp.md section 2.3).
func unwrapCtx(ctx []byte) []byte {
	var s string
	if json.Unmarshal(ctx, &s) != nil {
		return nilIfNull(ctx)
	}
	var v any
	if json.Unmarshal([]byte(s), &v) == nil {
		switch v.(type) {
		case map[string]any, []any:
			return []byte(s)
		}
	}
	return ctx
}

func nilIfNull(ctx []byte) []byte {
	if string(ctx) == "null" || len(ctx) == 0 {
		return nil
	}
	return ctx
}
