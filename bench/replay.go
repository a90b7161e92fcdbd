package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/pool/worker"
)

// pasts are sessions with a long history of one kind and next to no computing of their own.
var pasts = []struct {
	name, code string
	answers    int
}{
	{"questions and answers", askForever, 9_900},
	{"effects", `for i = 1, 20000 do alc.state.set("key", i) end ` + askForever, 0},
}

// replaySuite takes sessions with a long history over, time and again, each time as a worker that
// has never seen them. It does so within this process: what is timed is reading, verifying and replaying.
func replaySuite(b *bench) (err error) {
	home := filepath.Join(b.dir, "replay")
	store, err := sqlite.Open(b.ctx, filepath.Join(home, "journal"), sqlite.Options{Durability: sqlite.Process})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(), os.RemoveAll(home)) }()
	for i, p := range pasts {
		sid := fmt.Sprintf("past-%d", i)
		if err := live(b, store, sid, p.code, p.answers); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		_, events, err := store.Events(b.ctx, sid, 0)
		if err != nil {
			return err
		}
		var ts times
		for n := range 7 {
			d, err := replayOnce(b, store, sid, p.answers+n)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			ts = append(ts, d)
		}
		rate := float64(len(events)) / ts.at(0).Seconds() // the best, as a busy moment hits all of it
		b.table.goal(fmt.Sprintf("replay of %d events: %s", len(events), p.name), fmt.Sprintf("%.0f a second", rate), "≥ 100000 a second", rate >= 100_000)
	}
	return nil
}

// sessions are those of one more worker over a journal, for which every other is dead.
func sessions(b *bench, store journal.Store) (*worker.Sessions, error) {
	w := journal.Worker{LockPath: filepath.Join(b.dir, "no.lock"), PID: os.Getpid(), Version: "bench", StartedAt: time.Now()}
	var err error
	if w.ID, err = store.Register(b.ctx, w); err != nil {
		return nil, err
	}
	limits := engine.DefaultLimits()
	return worker.NewSessions(worker.SessionsConfig{Store: store, Worker: w, Version: "bench", Durability: "process", Limits: limits, Prewarm: 1})
}

func answerNumber(b *bench, s *worker.Sessions, sid string, n int) error {
	q, text := fmt.Sprintf("q-%d", n), "a step"
	_, err := s.Continue(b.ctx, pool.ContinueRequest{SID: sid, Answer: pool.Answer{QueryID: &q, Response: &text}})
	return err
}

// live gives a session its history.
func live(b *bench, store journal.Store, sid, code string, answers int) (err error) {
	s, err := sessions(b, store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	f, err := s.Run(b.ctx, pool.RunRequest{SID: sid, Code: &code})
	if err == nil && f.Type != pool.FeedPaused {
		err = fmt.Errorf("it did not pause: %+v", f.Error)
	}
	for n := 0; n < answers && err == nil; n++ {
		err = answerNumber(b, s, sid, n)
	}
	return err
}

// replayOnce times the first answer that a worker gives to a session of another one.
func replayOnce(b *bench, store journal.Store, sid string, query int) (d time.Duration, err error) {
	s, err := sessions(b, store)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	t := time.Now()
	err = answerNumber(b, s, sid, query)
	return time.Since(t), err
}
