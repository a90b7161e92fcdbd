package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/value"
)

// boot hands the script to the waiting VM and runs it.
func (s *Session) boot(ctx context.Context) error {
	s.limit(s.root, s.start.Limits.Memory)
	var js any
	if s.start.Ctx != nil {
		js = string(s.start.Ctx)
	}
	in := s.welcome(string(s.start.Code), s.start.Name, js, s.start.Seed, nil)
	return s.run(ctx, func() error { return s.drive(ctx, s.root, in) })
}

// welcome is what a waiting VM begins with: its script and what that may know of its start. A
// child of alc.fork has a namespace of its own.
func (s *Session) welcome(code, name string, js any, seed int64, namespace any) value.List {
	return value.Of(code, name, js, seed, namespace, s.start.Dirs.table(), s.start.environment())
}

// run carries the session to its next pause or its end; that is committed when run returns nil.
func (s *Session) run(ctx context.Context, step func() error) error {
	defer s.stopWall()
	defer s.host.Interrupt().aim(nil, nil)
	for {
		s.stepReads, s.stepBytes, s.helped = 0, 0, 0
		s.requests, s.waited, s.stepBegan = 0, 0, time.Now()
		if err := step(); errors.Is(err, errEnded) {
			return nil
		} else if err != nil {
			return s.kill(err)
		}
		if s.root.end != nil {
			return s.conclude(ctx, s.root.end)
		}
		again, err := s.round(ctx)
		if err != nil || !again {
			return err
		}
		step = s.feed(ctx)
	}
}

// feed ends the present pause and returns the step that its answers lead to.
func (s *Session) feed(ctx context.Context) func() error {
	given := s.given
	s.metrics.rounds++
	s.pause, s.given = nil, nil
	s.state = journal.StateRunning
	return func() error { return s.proceed(ctx, s.root, given) }
}

// round pauses the session on the queries of all its strands. In a replay again tells that they
// were answered.
func (s *Session) round(ctx context.Context) (again bool, err error) {
	var qs []Query
	var parts [][]byte
	size := int64(0)
	for _, t := range s.root.waiting(nil) {
		qs = append(qs, t.asks...)
		parts = append(parts, t.args[:])
	}
	for _, q := range qs {
		size += q.wireSize()
	}
	a := asked{Queries: qs, Digest: digestOf(parts...)}
	copy(a.Step[:], s.border.Sum(nil))
	if len(s.replay) > 0 && s.replay[0].Kind != journal.Finished {
		return s.replayRound(a)
	}
	l := s.start.Limits
	if int64(len(qs)) > l.Batch {
		return false, ended(s.exceed(ctx, "batch", fmt.Sprint(l.Batch)))
	}
	if size > maxFeed {
		return false, ended(s.exceedFixed(ctx, "prompt_size", fmt.Sprintf("%d bytes in one pause", maxFeed), "it is fixed: ask in smaller batches"))
	}
	if len(s.replay) > 0 { // the record ends here, and not by a limit
		return s.replayRound(a)
	}
	s.show(qs)
	s.note("", journal.Asked, a.encode())
	return false, s.commit(ctx, nil, true)
}

// ended takes an end that was committed for the success that it is to the caller.
func ended(err error) error {
	if errors.Is(err, errEnded) {
		return nil
	}
	return err
}

// show makes queries the present pause.
func (s *Session) show(qs []Query) {
	s.metrics.pauses++
	s.pause, s.given = qs, map[string]string{}
	s.state = journal.StatePaused
	s.outcome = Outcome{Kind: OutcomePaused, Queries: qs}
}

// conclude ends the session as its script has.
func (s *Session) conclude(ctx context.Context, e *ending) error {
	failed := func(code, msg, tb string) error {
		return s.finish(ctx, journal.StateFailed, nil, &Failure{Code: code, Message: cleanText(msg), Traceback: cleanText(tb)})
	}
	if e.code != "completed" {
		return failed(e.code, e.text, e.traceback)
	}
	if max := s.start.Limits.ResultSize; int64(len(e.text)) > max {
		return s.finish(ctx, journal.StateFailed, nil, limitFailure("result_size", fmt.Sprintf("%d bytes", max)))
	}
	if len(e.text) > maxFeed {
		return s.finish(ctx, journal.StateFailed, nil, fixedFailure("result_size", fmt.Sprintf("%d bytes in one result", maxFeed), "it is fixed: keep the bulk in alc.state or in cards"))
	}
	if depth(e.text) > maxResultDepth {
		return failed("lua_error", fmt.Sprintf("JSON parse: the result is nested deeper than %d levels", maxResultDepth), "")
	}
	return s.finish(ctx, journal.StateCompleted, json.RawMessage(e.text), nil)
}
