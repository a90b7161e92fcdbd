package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	_ "github.com/mattn/go-sqlite3" // the bare commit is measured on what the journal uses

	"github.com/algocline/algocline/pool"
)

const askForever = `while true do alc.llm("What is the next step?") end`

// version is what the measured binary says in its handshake.
func (b *bench) version() (string, error) {
	out, err := exec.CommandContext(b.ctx, b.binary, "--version").Output()
	var v string
	if err == nil {
		_, err = fmt.Sscanf(string(out), "alc %s", &v)
	}
	return v, err
}

// home makes a dispatcher over a fresh home; the returned func ends its workers.
func (b *bench) home(name string) (*pool.Dispatcher, func() error, error) {
	v, err := b.version()
	if err != nil {
		return nil, nil, err
	}
	dir := filepath.Join(b.dir, name)
	d := pool.NewDispatcher(pool.Config{Home: dir, Version: v, Exe: b.binary, Durability: "full"})
	return d, func() error {
		_, err := d.Stop(context.WithoutCancel(b.ctx))
		return errors.Join(err, d.Close(), os.RemoveAll(dir))
	}, nil
}

// bareCommit is what one synced commit of a small row costs on this disk.
func bareCommit(b *bench) (times, error) {
	db, err := sql.Open("sqlite3", filepath.Join(b.dir, "bare.db")+"?_journal_mode=WAL&_synchronous=FULL")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(b.ctx, "create table e(id integer primary key, b blob)"); err != nil {
		return nil, err
	}
	st, err := db.PrepareContext(b.ctx, "insert into e(b) values(?)")
	if err != nil {
		return nil, err
	}
	defer st.Close()
	body := make([]byte, 400)
	return each(1000, func(int) error { _, err := st.ExecContext(b.ctx, body); return err })
}

func poolSuite(b *bench) (err error) {
	d, end, err := b.home("pool")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	code := askForever
	if _, err := d.Run(b.ctx, pool.RunRequest{Code: &code}); err != nil {
		return err
	}
	bare, err := bareCommit(b)
	if err != nil {
		return err
	}
	b.table.add("the bare synced commit", fmt.Sprintf("p50 %s, p99 %s", ms(bare.at(.5)), ms(bare.at(.99))))
	var sids []string
	runs, err := each(1000, func(int) error {
		f, err := d.Run(b.ctx, pool.RunRequest{Code: &code})
		sids = append(sids, f.SessionID)
		return err
	})
	if err != nil {
		return err
	}
	over(b, "run to first pause, warm", runs, bare, 600*time.Microsecond, 4*time.Millisecond)
	text := "a step"
	conts, err := each(1000, func(i int) error {
		q := fmt.Sprintf("q-%d", i/len(sids))
		_, err := d.Continue(b.ctx, pool.ContinueRequest{SID: sids[i%len(sids)], Answer: pool.Answer{QueryID: &q, Response: &text}})
		return err
	})
	if err != nil {
		return err
	}
	over(b, "continue", conts, bare, 600*time.Microsecond, 0)
	if err := crowd(b, d); err != nil {
		return err
	}
	return memory(b)
}

// over notes a figure whose goal is over the cost of the commit itself.
func over(b *bench, what string, ts, bare times, p50, p99 time.Duration) {
	d := ts.at(.5) - bare.at(.5)
	b.table.goal(what+", p50", fmt.Sprintf("%s (%s over the commit)", ms(ts.at(.5)), ms(d)), fmt.Sprintf("≤ %s over the commit", ms(p50)), d <= p50)
	if p99 > 0 {
		d := ts.at(.99) - bare.at(.99)
		b.table.goal(what+", p99", fmt.Sprintf("%s (%s over the commit)", ms(ts.at(.99)), ms(d)), fmt.Sprintf("≤ %s over the commit", ms(p99)), d <= p99)
	}
}

const callers = 64

// crowd has 64 callers start sessions and continue them.
func crowd(b *bench, d *pool.Dispatcher) error {
	code, text := askForever, "a step"
	sids := make([]string, callers)
	started, err := rate(3*time.Second, func(c, n int) error {
		f, err := d.Run(b.ctx, pool.RunRequest{Code: &code})
		sids[c] = f.SessionID
		return err
	})
	if err != nil {
		return err
	}
	b.table.goal("starts to first pause, 64 callers", fmt.Sprintf("%.0f a second", started), "≥ 3000 a second", started >= 3000)
	continued, err := rate(4*time.Second, func(c, n int) error {
		q := fmt.Sprintf("q-%d", n)
		_, err := d.Continue(b.ctx, pool.ContinueRequest{SID: sids[c], Answer: pool.Answer{QueryID: &q, Response: &text}})
		return err
	})
	if err != nil {
		return err
	}
	b.table.goal("continues, 64 callers, 64 hot sessions", fmt.Sprintf("%.0f a second", continued), "≥ 10000 a second", continued >= 10000)
	return nil
}

// rate has all callers do one thing over and over, and returns how often a second it was done.
func rate(d time.Duration, fn func(caller, n int) error) (float64, error) {
	var count atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, callers)
	begin := time.Now()
	for c := range callers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := 0; time.Since(begin) < d; n++ {
				if errs[c] = fn(c, n); errs[c] != nil {
					return
				}
				count.Add(1)
			}
		}()
	}
	wg.Wait()
	return float64(count.Load()) / time.Since(begin).Seconds(), errors.Join(errs...)
}

// memory compares a worker's resident size with and without 2,000 paused sessions.
func memory(b *bench) (err error) {
	d, end, err := b.home("memory")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	code := askForever
	for range 50 {
		if _, err := d.Run(b.ctx, pool.RunRequest{Code: &code}); err != nil {
			return err
		}
	}
	w, err := d.Ensure(b.ctx)
	if err != nil {
		return err
	}
	before, err := resident(w.PID)
	if err != nil {
		b.table.add("memory of a paused session", "not measured: "+err.Error())
		return nil
	}
	const n = 2000
	for range n {
		if _, err := d.Run(b.ctx, pool.RunRequest{Code: &code}); err != nil {
			return err
		}
	}
	after, err := resident(w.PID)
	if err != nil {
		return err
	}
	kb := float64(after-before) / n
	b.table.goal("memory of a warm paused session", fmt.Sprintf("%.0f KB", kb), "≤ 120 KB", kb <= 120)
	return nil
}

// resident is a process's proportional resident size in KB.
func resident(pid int) (int64, error) {
	f, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	var kb int64
	for line := range splitLines(f) {
		if _, err := fmt.Sscanf(line, "Pss: %d kB", &kb); err == nil {
			return kb, nil
		}
	}
	return 0, fmt.Errorf("no Pss of process %d", pid)
}

// coldSuite starts a session where no worker is up.
func coldSuite(b *bench) error {
	var ts times
	code := askForever
	for i := range 15 {
		d, end, err := b.home(fmt.Sprintf("cold%d", i))
		if err != nil {
			return err
		}
		t := time.Now()
		_, err = d.Run(b.ctx, pool.RunRequest{Code: &code})
		ts = append(ts, time.Since(t))
		if err := errors.Join(err, end()); err != nil {
			return err
		}
	}
	b.table.goal("run to first pause, no worker up and no journal yet", ms(ts.at(.5)), "≤ 60 ms", ts.at(.5) <= 60*time.Millisecond)
	vs, err := each(20, func(int) error { return exec.CommandContext(b.ctx, b.binary, "--version").Run() })
	if err != nil {
		return err
	}
	b.table.goal("alc --version", ms(vs.at(.5)), "≤ 10 ms", vs.at(.5) <= 10*time.Millisecond)
	return nil
}
