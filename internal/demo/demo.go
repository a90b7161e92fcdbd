// Package demo shows what alc promises, on this machine and for real: the bundled strategies run
// in worker processes in a home of their own, answered from their recordings, and half-way
// through one of them its worker is killed with SIGKILL. It then counts what was lost.
//
// [Run] does it and tells a [Watcher] as it goes.
package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/algocline/algocline/llm"
	"github.com/algocline/algocline/llm/recording"
	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/service"
	"github.com/algocline/algocline/strategies"
)

// victim is the strategy whose worker is killed: it has the most rounds, and it counts them in
// the state, where an effect that happened twice would show.
const (
	victim        = "draft_critique_revise"
	victimCounter = "draft_critique_revise.rounds"
)

// cleanUpTime bounds how long ending the demo's workers may take.
const cleanUpTime = 5 * time.Second

// Config says which alc the demo runs.
type Config struct {
	Exe        string // the alc program that workers are started with; "" is this one
	Version    string
	Durability string
	// Pace is how long the recording thinks about each answer, so that people can follow.
	Pace time.Duration
	Log  *slog.Logger
}

// Watcher is told what happens, in order, from Run's goroutine.
type Watcher interface {
	Home(dir string)
	Started(strategy, sid string, queries int)
	Answered(strategy string, n, of int)
	Killed(pid int, sid string)
	TakenOver(pid int, took time.Duration)
	Finished(Result)
}

// Result is one strategy's outcome.
type Result struct {
	Strategy  string          `json:"strategy"`
	SessionID string          `json:"session_id"`
	LLMCalls  int             `json:"llm_calls"`
	Output    json.RawMessage `json:"result"`
}

// Summary is what the demo counted.
type Summary struct {
	Sessions     int      `json:"sessions"`
	LLMCalls     int      `json:"llm_calls"`
	Kills        int      `json:"kills"`
	Acknowledged int      `json:"answers_acknowledged"`
	Lost         int      `json:"answers_lost"`     // acknowledged, and not in the session's history
	Repeated     int      `json:"effects_repeated"` // rounds counted in the state beyond those that ran
	ElapsedMS    int64    `json:"elapsed_ms"`
	OwnMS        int64    `json:"own_ms"` // without the time that the recording thought
	Results      []Result `json:"results"`
}

// Run shows the demo and returns what it counted. It leaves nothing behind: its workers are ended
// and its home is removed, also when ctx ends before it is through.
func Run(ctx context.Context, c Config, w Watcher) (sum Summary, err error) {
	home, err := makeHome()
	if err != nil {
		return sum, err
	}
	w.Home(home)
	defer func() {
		if rerr := os.RemoveAll(home); rerr != nil && err == nil {
			err = fmt.Errorf("removing the demo's home: %w", rerr)
		}
	}()
	packages := home + "/packages"
	if err := strategies.Install(packages); err != nil {
		return sum, err
	}
	s, err := service.New(service.Config{
		Home: home, Version: c.Version, Exe: c.Exe, Durability: c.Durability,
		PackagePaths: []string{packages}, Log: c.Log,
	})
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, cleanUp(ctx, s)) }()

	d := &show{svc: s, watch: w, pace: c.Pace}
	start := time.Now()
	err = d.all(ctx)
	took := time.Since(start)
	d.sum.ElapsedMS, d.sum.OwnMS = took.Milliseconds(), (took - d.thought).Milliseconds()
	return d.sum, err
}

// makeHome makes a home with a short path: sockets in it must fit what the system can bind.
func makeHome() (string, error) {
	const long = 40 // bytes; what is put below takes some 60 more
	dir := os.TempDir()
	if info, err := os.Stat("/tmp"); len(dir) > long && err == nil && info.IsDir() {
		dir = "/tmp"
	}
	home, err := os.MkdirTemp(dir, "alc-demo-")
	if err != nil {
		return "", fmt.Errorf("making a home for the demo: %w", err)
	}
	return home, nil
}

// cleanUp ends the demo's workers, also after ctx has ended.
func cleanUp(ctx context.Context, s *service.Service) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	stopped, err := s.PoolStop(ctx, nil)
	for _, e := range stopped.Errors {
		err = errors.Join(err, errors.New(e))
	}
	if err != nil {
		err = fmt.Errorf("ending the demo's workers: %w", err)
	}
	return errors.Join(err, s.Close())
}

// show is one run of the demo.
type show struct {
	svc     *service.Service
	watch   Watcher
	pace    time.Duration
	thought time.Duration // by the recording, in all
	sum     Summary
}

func (d *show) all(ctx context.Context) error {
	for _, name := range strategies.Names() {
		if err := d.one(ctx, name); err != nil {
			return fmt.Errorf("running %s: %w", name, err)
		}
	}
	return d.checkEffects(ctx)
}

// one runs a strategy to its end.
func (d *show) one(ctx context.Context, name string) error {
	strategy, err := strategies.Get(name)
	if err != nil {
		return err
	}
	rec, err := recording.Parse(bytes.NewReader(strategy.Recording))
	if err != nil {
		return err
	}
	code := fmt.Sprintf("return require(%q).run(ctx)", name)
	feed, err := d.svc.Run(ctx, service.RunInput{Code: &code, Name: name, Strategy: name, Ctx: strategy.Example})
	if err != nil {
		return err
	}
	total := len(rec.Exchanges)
	d.watch.Started(name, feed.SessionID, total)

	acts := &attempt{show: d, strategy: name, of: total}
	if name == victim {
		acts.killAt = total / 2
	}
	end, err := llm.Drive(ctx, d.svc, feed, d.thinking(recording.NewPlayer(rec)), llm.Observer{
		Acknowledged: func(sid string, a pool.Answer, _ pool.Feed) { acts.acknowledged(ctx, sid, a) },
	})
	if err := errors.Join(err, acts.err); err != nil {
		return err
	}
	if end.Status != "completed" {
		return fmt.Errorf("the session ended as %q: %s", end.Status, reason(end))
	}
	d.count(name, end, acts)
	return d.checkHistory(ctx, feed.SessionID, acts.given)
}

func reason(f pool.Feed) string {
	if f.Error == nil {
		return "it gave no reason"
	}
	return f.Error.Message
}

func (d *show) count(name string, end pool.Feed, acts *attempt) {
	r := Result{Strategy: name, SessionID: end.SessionID, LLMCalls: len(acts.given), Output: resultOf(end.Output)}
	d.sum.Sessions++
	d.sum.LLMCalls += r.LLMCalls
	d.sum.Acknowledged += len(acts.given)
	d.sum.Results = append(d.sum.Results, r)
	d.watch.Finished(r)
}

// resultOf is what the strategy found, out of the ctx that it returned.
func resultOf(output json.RawMessage) json.RawMessage {
	var ctx struct {
		Result json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(output, &ctx); err != nil || ctx.Result == nil {
		return output
	}
	return ctx.Result
}

// checkHistory counts the acknowledged answers that the journal does not have. Histories end with
// the last ten exchanges; the recordings are shorter.
func (d *show) checkHistory(ctx context.Context, sid string, given []pool.Answer) error {
	status, err := d.svc.Session(ctx, sid, true)
	if err != nil {
		return fmt.Errorf("reading the history back: %w", err)
	}
	d.sum.Lost += lost(given, status.History)
	return nil
}

// lost counts the answers that are not in the history, word for word.
func lost(given []pool.Answer, history []pool.HistoryEntry) int {
	n := 0
	for _, a := range given {
		kept := slices.ContainsFunc(history, func(h pool.HistoryEntry) bool {
			return h.QueryID == *a.QueryID && h.Response != nil && *h.Response == *a.Response
		})
		if !kept {
			n++
		}
	}
	return n
}

// checkEffects compares the counter that the killed strategy kept with the rounds that it ran.
func (d *show) checkEffects(ctx context.Context) error {
	code := fmt.Sprintf("return alc.state.get(%q)", victimCounter)
	feed, err := d.svc.Run(ctx, service.RunInput{Code: &code, Name: "check"})
	if err != nil {
		return fmt.Errorf("reading the counter: %w", err)
	}
	var counted float64
	if err := json.Unmarshal(feed.Output, &counted); err != nil {
		return fmt.Errorf("reading the counter: %w: %s", err, reason(feed))
	}
	var result struct {
		Rounds int `json:"rounds"`
	}
	for _, r := range d.sum.Results {
		if r.Strategy == victim {
			if err := json.Unmarshal(r.Output, &result); err != nil {
				return fmt.Errorf("reading the result of %s: %w", victim, err)
			}
		}
	}
	d.sum.Repeated = int(counted) - result.Rounds
	return nil
}

// attempt follows one session and kills its worker when it is time.
type attempt struct {
	*show
	strategy string
	of       int
	killAt   int // after so many answers; 0: never
	given    []pool.Answer
	killed   time.Time // when; zero once an answer came through
	err      error

	thoughtThen time.Duration // by the recording, when the worker was killed
}

// acknowledged is called after each answer that is durable.
func (t *attempt) acknowledged(ctx context.Context, sid string, a pool.Answer) {
	t.given = append(t.given, a)
	if !t.killed.IsZero() {
		t.err = errors.Join(t.err, t.takenOver(ctx))
		t.killed = time.Time{}
	}
	t.watch.Answered(t.strategy, len(t.given), t.of)
	if len(t.given) == t.killAt {
		t.err = errors.Join(t.err, t.kill(ctx, sid))
	}
}

// kill ends the worker that holds the session. The home is the demo's own, so the worker is too.
func (t *attempt) kill(ctx context.Context, sid string) error {
	pid, err := t.worker(ctx, &sid)
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing the worker %d: %w", pid, err)
	}
	t.sum.Kills++
	t.killed, t.thoughtThen = time.Now(), t.thought
	t.watch.Killed(pid, sid)
	return nil
}

func (t *attempt) takenOver(ctx context.Context) error {
	took := time.Since(t.killed) - (t.thought - t.thoughtThen)
	pid, err := t.worker(ctx, nil)
	if err != nil {
		return err
	}
	t.watch.TakenOver(pid, took)
	return nil
}

// worker returns the process that holds the session, or any when sid is nil.
func (t *attempt) worker(ctx context.Context, sid *string) (int, error) {
	report, err := t.svc.PoolStatus(ctx, sid)
	if err != nil {
		return 0, err
	}
	if len(report.Workers) == 0 {
		return 0, errors.New("no worker holds the session")
	}
	return report.Workers[0].PID, nil
}
