package engine

import (
	"context"
	"fmt"
	"regexp"
	"runtime"

	"github.com/algocline/algocline/card"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/lua"
	"github.com/algocline/algocline/value"
)

// Restore rebuilds a session from its events: it runs the recorded code with the recorded
// library, modules and answers, and checks every request against the record. A session whose
// last step is unfinished is driven on, live, to its next pause or end. Events must be complete
// from seq 1 and verified; a session that has ended is not restored but read with [ReadHistory].
//
// Errors: [ErrDiverged], [ErrRebuild], [ErrBadHistory], [ErrBroken].
func Restore(ctx context.Context, host Host, vms *VMs, events []journal.Event) (*Session, error) {
	s, err := replay(ctx, host, vms, events)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func replay(ctx context.Context, host Host, vms *VMs, events []journal.Event) (*Session, error) {
	if len(events) == 0 {
		return nil, fmt.Errorf("%w: no events", ErrBadHistory)
	}
	st, named, err := decodeStart(&events[0])
	if err != nil {
		return nil, err
	}
	if st.Code, err = host.Content(ctx, named.code); err != nil {
		return nil, fmt.Errorf("replaying session %s: reading its code: %w", st.SID, err)
	}
	if named.zoned {
		if st.Zone.TZif, err = host.Content(ctx, named.zone); err != nil {
			return nil, fmt.Errorf("replaying session %s: reading the rules of its time zone: %w", st.SID, err)
		}
	}
	s, err := newSession(host, vms, st)
	if err != nil {
		return nil, err
	}
	s.root.vm, s.lib, err = vms.take(st.Library, func() ([]byte, error) { return host.Content(ctx, st.Library) })
	if err != nil {
		return nil, fmt.Errorf("replaying session %s: %w", st.SID, err)
	}
	s.running = vms.release + " on " + lua.Release + ", " + machine
	s.committed = int64(len(events))
	s.replay = events
	s.consume()
	s.flushed = host.Now()
	if err := s.boot(ctx); err != nil {
		s.Close()
		return nil, err
	}
	if len(s.replay) > 0 {
		if err := s.endFromOutside(); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// machine is the class of this machine. Floating-point functions may differ in the last bit between
// classes, so a divergence names both.
const machine = runtime.GOOS + "/" + runtime.GOARCH

// severed follows a record that ends within a step, by something that the script had no part in: how
// far it had come by then cannot be told, so it goes no further than its last event.
func (s *Session) severed(ctx context.Context) error {
	if !s.cutOff {
		return nil
	}
	o, err := decodeFinished(&s.replay[0])
	if err != nil {
		return err
	}
	if err := s.finish(ctx, o.Status, nil, o.Failure); err != nil {
		return err
	}
	return errEnded
}

// endFromOutside follows what is left of a record at a pause: an end that the script had no part in,
// by a cancellation, by the clock or by the length of the record.
func (s *Session) endFromOutside() error {
	e := &s.replay[0]
	o, outside, err := endedOutside(e)
	if err != nil {
		return err
	}
	if !outside || len(s.replay) > 1 {
		return s.diverged(e.Seq, string(e.Kind), "a pause")
	}
	s.consume()
	s.state, s.outcome = o.Status, o
	return nil
}

// outsideLimit are the limits that a replay does not reach by itself where the session did: two measure
// this machine's time, and what is replayed counts for nothing in the third.
var outsideLimit = regexp.MustCompile(`^limit (wall|step_cpu|history) \(`)

func endedOutside(e *journal.Event) (o Outcome, outside bool, err error) {
	if e.Kind != journal.Finished {
		return Outcome{}, false, nil
	}
	if o, err = decodeFinished(e); err != nil || o.Status == journal.StateCancelled {
		return o, err == nil, err
	}
	return o, o.Failure != nil && o.Failure.Code == "limit_exceeded" && outsideLimit.MatchString(o.Failure.Message), nil
}

func (s *Session) diverged(seq int64, want, got string) error {
	return &DivergedError{
		SID: s.start.SID, Seq: seq, Want: want, Got: got,
		Recorded: s.start.Release + " on " + s.start.Lua + ", " + s.start.Machine, Running: s.running,
	}
}

// next takes the next recorded event, which must be of a kind. It returns nil when the record
// has ended: then the session is live.
func (s *Session) next(t *strand, k journal.Kind, what string) (*journal.Event, error) {
	if len(s.replay) == 0 {
		return nil, nil
	}
	e := &s.replay[0]
	if e.Kind != k || e.Path != t.path {
		return nil, s.diverged(e.Seq, string(e.Kind)+of(e.Path), fmt.Sprintf("%s (%s)%s", k, what, of(t.path)))
	}
	s.consume()
	return e, nil
}

// of names the child that an event belongs to.
func of(path string) string {
	if path == "" {
		return ""
	}
	return " of fork child " + path
}

func (s *Session) consume() {
	s.replayAt, s.replayed = s.replay[0].At, s.replay[0].Seq
	s.replay, s.cutOff = s.replay[1:], false
	if len(s.replay) == 1 {
		_, outside, err := endedOutside(&s.replay[0])
		s.cutOff = outside && err == nil // an end that cannot be read is found out when it is due
	}
}

// replayCall answers a request from its record.
func (s *Session) replayCall(e *journal.Event, err error, name string, d Digest) (value.List, error) {
	if err != nil {
		return nil, err
	}
	c, err := decodeCall(e)
	if err != nil {
		return nil, err
	}
	if c.Op != name {
		return nil, s.diverged(e.Seq, c.Op, name)
	}
	if c.Digest != d {
		return nil, s.diverged(e.Seq, c.Op, name+" with other arguments")
	}
	return c.outcome()
}

func (c call) outcome() (value.List, error) {
	if !c.Failed {
		return c.Result, nil
	}
	msg, err := value.NewReader(c.Result).String()
	if err != nil {
		return nil, fmt.Errorf("%w: a refused %s: %w", ErrBadHistory, c.Op, err)
	}
	return nil, raise(msg)
}

// replayRound checks a pause against its record and takes the answers that were given to it.
// again tells that they are all there.
func (s *Session) replayRound(got asked) (again bool, err error) {
	e, err := s.next(s.root, journal.Asked, "queries")
	if err != nil {
		return false, s.kill(err)
	}
	a, err := decodeAsked(e)
	switch {
	case err != nil:
	case a.Digest != got.Digest:
		err = s.diverged(e.Seq, "other queries", "queries with other contents")
	case a.Step != got.Step:
		err = s.diverged(e.Seq, "another step digest", "the same queries after a step that differs")
	}
	if err != nil {
		return false, s.kill(err)
	}
	s.show(a.Queries)
	for len(s.replay) > 0 && s.replay[0].Kind == journal.Answered {
		ans, err := decodeAnswered(&s.replay[0])
		if err != nil {
			return false, s.kill(err)
		}
		s.take(ans, digestOf([]byte(ans.Response)))
		s.consume()
	}
	if len(s.given) > 0 && len(s.given) < len(s.pause) {
		s.outcome = Outcome{Kind: OutcomeAccepted, Remaining: len(s.pause) - len(s.given)}
	}
	if len(s.given) < len(s.pause) || len(s.replay) == 0 {
		return len(s.given) == len(s.pause), nil
	}
	_, outside, err := endedOutside(&s.replay[0])
	return !outside, err
}

// replayFinish checks a recorded end.
func (s *Session) replayFinish(got *Outcome) error {
	e := &s.replay[0]
	if e.Kind != journal.Finished {
		return s.kill(s.diverged(e.Seq, string(e.Kind), "the end: "+string(got.Status)))
	}
	want, err := decodeFinished(e)
	if err != nil {
		return s.kill(err)
	}
	if want.Status != got.Status || string(want.Output) != string(got.Output) {
		return s.kill(s.diverged(e.Seq, string(want.Status)+" "+string(want.Output), string(got.Status)+" "+string(got.Output)))
	}
	s.consume()
	s.outcome = want
	return nil
}

// Check replays a history, ended ones too, and reports where it does not reproduce. It writes
// nothing: a history whose last step is unfinished is replayed as far as it goes.
func Check(ctx context.Context, host Host, vms *VMs, events []journal.Event) error {
	s, err := replay(ctx, readOnly{host}, vms, events)
	if err != nil {
		return err
	}
	return s.Close()
}

// readOnly is a host that ends a replay where it would go on live.
type readOnly struct{ Host }

// Cards is none: what waits to be written is not written here.
func (readOnly) Cards() *card.Store { return nil }

func (readOnly) Commit(context.Context, Commit) error {
	return fmt.Errorf("%w: the record ends within a step", ErrRebuild)
}
