package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/algocline/algocline/pool"
)

// keptWarm is how many sessions a worker keeps in memory; those used longest ago leave.
const keptWarm = 8192

// crowdSession is one of many: its sid and how often it was answered.
type crowdSession struct {
	mu      sync.Mutex
	sid     string
	answers int
}

func (c *crowdSession) answer(ctx context.Context, d *pool.Dispatcher) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	q, text := fmt.Sprintf("q-%d", c.answers), "a step"
	_, err := d.Continue(ctx, pool.ContinueRequest{SID: c.sid, Answer: pool.Answer{QueryID: &q, Response: &text}})
	if err == nil {
		c.answers++
	}
	return err
}

// manySuite has a worker own more sessions than it keeps in memory.
func manySuite(b *bench) (err error) {
	if b.sessions < 2*keptWarm {
		return fmt.Errorf("-sessions is %d; give at least %d, so that half of them are not in memory", b.sessions, 2*keptWarm)
	}
	d, end, err := b.home("many")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	all := make([]crowdSession, b.sessions)
	if err := passive(b, d, all); err != nil {
		return err
	}
	if err := scattered(b, d, all); err != nil {
		return err
	}
	return bereaved(b, d, all)
}

// together has all callers do each of n things once.
func together(n int, fn func(i int) error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, callers)
	for c := range callers {
		wg.Go(func() {
			for errs[c] == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				errs[c] = fn(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// passive starts all sessions and measures what those beyond the warm ones add to the worker.
func passive(b *bench, d *pool.Dispatcher, all []crowdSession) error {
	code := askForever
	start := func(i int) error {
		f, err := d.Run(b.ctx, pool.RunRequest{Code: &code})
		all[i].sid = f.SessionID
		return err
	}
	// A quarter more than is kept in memory, so that leaving has become the rule.
	const warm = keptWarm * 5 / 4
	if err := together(warm, start); err != nil {
		return err
	}
	w, err := d.Ensure(b.ctx)
	if err != nil {
		return err
	}
	before, berr := resident(w.PID)
	if err := together(len(all)-warm, func(i int) error { return start(warm + i) }); err != nil {
		return err
	}
	after, aerr := resident(w.PID)
	if err := errors.Join(berr, aerr); err != nil {
		b.table.add("memory of a passivated session", "not measured: "+err.Error())
		return nil
	}
	kb := float64(after-before) / float64(len(all)-warm)
	b.table.goal(fmt.Sprintf("memory of a passivated session, %d of them", len(all)-keptWarm), fmt.Sprintf("%.2f KB", kb), "≤ 1 KB", kb <= 1)
	return nil
}

// scattered answers random ones of all sessions.
func scattered(b *bench, d *pool.Dispatcher, all []crowdSession) error {
	continued, err := rate(3*time.Second, func(int, int) error { return all[rand.IntN(len(all))].answer(b.ctx, d) })
	if err != nil {
		return err
	}
	what := fmt.Sprintf("continues, 64 callers, random ones of %d sessions", len(all))
	b.table.goal(what, fmt.Sprintf("%.0f a second", continued), "≥ 10000 a second", continued >= 10000)
	ts, err := each(1000, func(int) error { return all[rand.IntN(len(all))].answer(b.ctx, d) })
	if err != nil {
		return err
	}
	p99 := ts.at(.99)
	b.table.goal(fmt.Sprintf("continue of a random one of %d, p99", len(all)), ms(p99), "≤ 10 ms", p99 <= 10*time.Millisecond)
	return nil
}

// bereaved kills the worker that owns a crowd of sessions and answers one of them, a few times.
func bereaved(b *bench, d *pool.Dispatcher, all []crowdSession) error {
	const owned = 10_000
	var ts times
	for range 3 {
		if err := together(owned, func(i int) error { return all[i].answer(b.ctx, d) }); err != nil {
			return err
		}
		w, err := d.Ensure(b.ctx)
		if err != nil {
			return err
		}
		if err := syscall.Kill(w.PID, syscall.SIGKILL); err != nil {
			return err
		}
		t := time.Now()
		if err := all[rand.IntN(owned)].answer(b.ctx, d); err != nil {
			return err
		}
		ts = append(ts, time.Since(t))
	}
	what := fmt.Sprintf("first continue after kill -9 of the owner of %d sessions", owned)
	half := ts.at(.5)
	b.table.goal(what, fmt.Sprintf("%s, worst of %d %s", ms(half), len(ts), ms(ts.at(1))), "≤ 150 ms", half <= 150*time.Millisecond)
	return nil
}
