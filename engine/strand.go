package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/lua"
	"github.com/algocline/algocline/value"
)

// strand is one VM of a session: the script's own, or that of a child of alc.fork. Strands run
// one after the other, in a fixed order, so that a session's record is one line of events.
type strand struct {
	vm      *lua.State
	path    string // "" for the script's own; "0", "1" … for its children, "1.0" for theirs
	ids     string // what its query ids begin with
	nextID  int64
	modules map[string]module
	memory  int64 // its VM's limits, as are
	cpu     time.Duration

	// What it is suspended on, if it is: queries, or children.
	asks []Query
	args Digest // of what the script passed for asks
	fork *fork

	end *ending // how it ended
}

// ending is what the library's main function returned: "completed" and the JSON text of the
// result, or the code, message and traceback of a failure.
type ending struct {
	code, text, traceback string
}

func (t *strand) close() error {
	if t == nil {
		return nil
	}
	var errs []error
	if t.fork != nil {
		for _, c := range t.fork.children {
			errs = append(errs, c.close())
		}
	}
	if t.vm != nil {
		errs = append(errs, t.vm.Close())
		t.vm = nil
	}
	return errors.Join(errs...)
}

// waiting collects, in order, the strands that wait for answers.
func (t *strand) waiting(to []*strand) []*strand {
	if t.asks != nil {
		to = append(to, t)
	}
	if t.fork != nil {
		for _, c := range t.fork.children {
			to = c.waiting(to)
		}
	}
	return to
}

// drive resumes a strand and serves its requests until it is suspended or has ended.
func (s *Session) drive(ctx context.Context, t *strand, in value.List) error {
	s.border.Write(in)
	if err := s.severed(ctx); err != nil {
		return err
	}
	s.aim(t)
	ev, err := t.vm.Resume(in)
	for {
		if err != nil {
			return s.vmFailed(ctx, t, err)
		}
		if err := s.takeNotes(t, ev.Notes); err != nil {
			return s.kill(err)
		}
		s.border.Write(ev.Notes)
		s.border.Write(ev.Values)
		if ev.Kind == lua.Returned {
			return s.returned(t, ev.Values)
		}
		if err := s.overtime(ctx); err != nil {
			return err
		}
		out, suspended, serveErr := s.serve(ctx, t, ev)
		if err := s.severed(ctx); err != nil {
			return err
		}
		var r raise
		switch {
		case suspended || errors.Is(serveErr, errEnded):
			return serveErr
		case errors.As(serveErr, &r):
			s.border.Write([]byte(r))
			s.aim(t)
			ev, err = t.vm.Raise(string(r))
		case serveErr != nil:
			return s.kill(serveErr)
		default:
			s.border.Write(out)
			s.aim(t)
			ev, err = t.vm.Resume(out)
		}
	}
}

// serve answers one request of a strand.
func (s *Session) serve(ctx context.Context, t *strand, ev lua.Event) (out value.List, suspended bool, err error) {
	r := value.NewReader(ev.Values)
	name, err := r.String()
	if err != nil {
		return nil, false, fmt.Errorf("reading a request: %w", err)
	}
	args := r.Rest()
	switch name {
	case "ask":
		err := s.ask(ctx, t, args, ev.Digest)
		return nil, err == nil, err
	case "fork":
		return s.forked(ctx, t, args)
	case "module":
		out, err = s.require(ctx, t, args)
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
		out, err = s.recorded(ctx, t, journal.Read, name, args, func() (value.List, error) { return o.read(ctx, s, a) })
	case o.outside != nil:
		out, err = s.outside(ctx, t, name, args, func() value.List { return o.outside(s, a) })
	default:
		out, err = s.effect(ctx, t, name, args, o, a)
	}
	return out, false, err
}

// returned notes how a strand ended.
func (s *Session) returned(t *strand, vals value.List) error {
	vs, err := value.Decode(vals)
	if err != nil || len(vs) == 0 {
		return s.kill(fmt.Errorf("reading the result of session %s: %w", s.start.SID, err))
	}
	a := arguments(vs)
	t.end = &ending{a.text(0), a.text(1), a.text(2)}
	return t.close()
}

// vmFailed ends a strand whose VM has ended: an error that nothing caught, or a limit, which ends
// the session.
func (s *Session) vmFailed(ctx context.Context, t *strand, err error) error {
	var limit *lua.LimitError
	var script *lua.ScriptError
	switch {
	case errors.As(err, &limit) && len(s.replay) > 0 && s.replay[0].Kind != journal.Finished:
		return s.kill(fmt.Errorf("%w: session %s reached the limit %s while it was replayed", ErrRebuild, s.start.SID, limit.Limit))
	case errors.As(err, &limit) && limit.Limit == strikeCancel:
		return s.cut(ctx)
	case errors.As(err, &limit):
		return s.exceed(ctx, limit.Limit, s.limitValue(t, limit))
	case errors.As(err, &script):
		t.end = &ending{"lua_error", script.Message, script.Traceback}
		return t.close()
	}
	return s.kill(fmt.Errorf("running session %s: %w", s.start.SID, err))
}

// limitValue is what the message of a limit that a VM has hit calls its value.
func (s *Session) limitValue(t *strand, limit *lua.LimitError) string {
	switch l := s.start.Limits; {
	case limit.Limit == "wall":
		return l.Wall.String()
	case limit.Limit == "step_cpu":
		return l.StepCPU.String()
	case limit.Limit == "memory" && t != s.root:
		return sharedMemory(l.Memory)
	}
	return limit.Value
}

// ask takes the queries of a strand, which is suspended on them unless the call is refused.
func (s *Session) ask(ctx context.Context, t *strand, args value.List, helpers uint64) error {
	d := digestOf([]byte("ask"), args)
	fmt.Fprintf(s.border, "%016x", helpers)
	why, err := s.refusal(t, d)
	if err != nil {
		return err
	}
	if why != "" {
		return raise(why)
	}
	if err := s.bounded(ctx); err != nil {
		return err
	}
	qs, err := readQueries(args, func() string {
		t.nextID++
		return fmt.Sprintf("%s-%d", t.ids, t.nextID-1)
	})
	if err != nil {
		return err
	}
	if name, val := s.tooMuch(qs); name != "" {
		return s.exceed(ctx, name, val)
	}
	s.metrics.asked(qs)
	t.asks, t.args = qs, d
	return nil
}

// refusal tells whether the budget refuses a call, as recorded or as it stands now.
func (s *Session) refusal(t *strand, d Digest) (why string, err error) {
	if len(s.replay) > 0 {
		e := &s.replay[0]
		if e.Kind != journal.Read || e.Path != t.path {
			return "", nil
		}
		c, err := decodeCall(e)
		if err != nil || c.Op != "budget" || c.Digest != d {
			return "", err
		}
		s.consume()
		return value.NewReader(c.Result).String()
	}
	if why = s.budget.refuse(&s.metrics, s.now().Sub(s.start.At)); why != "" {
		s.note(t.path, journal.Read, call{Op: "budget", Digest: d, Failed: true, Result: value.Of(why)}.encode())
	}
	return why, nil
}
