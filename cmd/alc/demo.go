package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/algocline/algocline/internal/buildinfo"
	"github.com/algocline/algocline/internal/demo"
	"github.com/algocline/algocline/llm/terminal"
)

func newDemo(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "demo",
		GroupID: groupCare,
		Short:   "See it work: three strategies, one killed worker, nothing lost",
		Long: `Runs the three bundled strategies in worker processes, in a home of its own that
is removed afterwards. The answers come from recordings that were written by
hand: no model is asked. Half-way through one strategy the demo kills its own
worker with SIGKILL, and the session goes on from its journal.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			set, err := a.settings()
			if err != nil {
				return err
			}
			a.voice.note("%s", a.voice.errPaint.strong("Three strategies, answered from recordings (written by hand, no model is asked)"))
			c := demo.Config{Version: buildinfo.Version(), Durability: set.Durability, Log: a.voice.logger()}
			if a.voice.errPaint.terminal && !a.flags.json {
				c.Pace = watchablePace
			}
			sum, err := demo.Run(cmd.Context(), c, &demoTeller{voice: a.voice, quiet: a.flags.json})
			if err != nil {
				return fmt.Errorf("the demo broke off: %w", err)
			}
			return a.showDemo(sum)
		},
	}
}

func (a *app) showDemo(sum demo.Summary) error {
	if a.flags.json {
		doc, err := json.Marshal(sum)
		if err != nil {
			return err
		}
		if err := a.voice.raw(doc); err != nil {
			return err
		}
	} else if err := a.voice.print("\n%s", a.demoTable(sum)); err != nil {
		return err
	}
	if sum.Lost > 0 || sum.Repeated != 0 {
		return exitStatus(exitError)
	}
	return nil
}

// watchablePace is how long an answer takes where somebody watches.
const watchablePace = 100 * time.Millisecond

func seconds(ms int64) string { return fmt.Sprintf("%.2f s", float64(ms)/1000) }

func (a *app) demoTable(sum demo.Summary) string {
	p := a.voice.outPaint
	zero := func(n int) string {
		if n == 0 {
			return p.good("0")
		}
		return p.bad(strconv.Itoa(n))
	}
	rows := [][2]string{
		{"sessions", strconv.Itoa(sum.Sessions)},
		{"LLM calls", strconv.Itoa(sum.LLMCalls)},
		{"workers killed", strconv.Itoa(sum.Kills)},
		{"time", seconds(sum.OwnMS)},
		{"answers lost", zero(sum.Lost)},
		{"effects repeated", zero(sum.Repeated)},
	}
	if sum.ElapsedMS > sum.OwnMS {
		rows[3][1] += fmt.Sprintf(" (and %s that the recording pretended to think)", seconds(sum.ElapsedMS-sum.OwnMS))
	}
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "  %-18s%s\n", r[0], p.strong(r[1]))
	}
	return b.String()
}

// demoTeller shows the demo as it runs: a bar a strategy at a terminal, a line a strategy
// elsewhere, nothing under --json.
type demoTeller struct {
	voice *voice
	quiet bool
	bar   *progressbar.ProgressBar
}

func (t *demoTeller) Home(dir string) {
	t.voice.note("%s\n", t.voice.errPaint.faint("in "+dir+", removed at the end"))
}

func (t *demoTeller) Started(strategy, _ string, queries int) { t.newBar(strategy, queries) }

func (t *demoTeller) newBar(strategy string, queries int) {
	var w io.Writer = io.Discard
	if !t.quiet && t.voice.errPaint.terminal {
		w = t.voice.err
	}
	t.bar = progressbar.NewOptions(queries,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(fmt.Sprintf("  %-22s", strategy)),
		progressbar.OptionSetWidth(24),
		progressbar.OptionShowCount(),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionThrottle(0),
		progressbar.OptionClearOnFinish(),
	)
}

func (t *demoTeller) Answered(_ string, n, _ int) {
	if err := t.bar.Set(n); err != nil {
		t.voice.note("%v", err) // a bar that cannot be drawn is no reason to stop
	}
}

func (t *demoTeller) Killed(pid int, _ string) {
	t.clear()
	t.voice.note("    %s worker %d, which held the session", t.voice.errPaint.bad("kill -9"), pid)
}

func (t *demoTeller) TakenOver(pid int, took time.Duration) {
	t.clear()
	t.voice.note("    worker %d rebuilt it from the journal; answered again after %d ms", pid, took.Milliseconds())
}

func (t *demoTeller) clear() {
	if err := t.bar.Clear(); err != nil {
		t.voice.note("%v", err)
	}
}

func (t *demoTeller) Finished(r demo.Result) {
	t.clear()
	p := t.voice.errPaint
	t.voice.note("  %s %-22s %2d calls  %s", p.good("✓"), r.Strategy, r.LLMCalls, p.faint(headline(r.Output)))
}

// headline is the part of a result that a person looks for, on one line.
func headline(result json.RawMessage) string {
	const most = 60 // code points
	var fields struct{ Answer, Text string }
	if err := json.Unmarshal(result, &fields); err != nil {
		return ""
	}
	line := []rune(strings.Join(strings.Fields(terminal.Printable(fields.Answer+fields.Text)), " "))
	if len(line) > most {
		return string(line[:most]) + "…"
	}
	return string(line)
}
