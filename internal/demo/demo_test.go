package demo

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/llm/recording"
	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/pool/worker"
)

const testVersion = "0.0.0-demo-test"

// TestMain lets the test binary be the worker that the demo starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "pool-worker" {
		err := worker.Main(context.Background(), worker.Config{Home: os.Getenv("ALC_HOME"), Version: testVersion})
		if err != nil {
			slog.Error("worker", "error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// diary is a Watcher that writes down what it is told.
type diary struct {
	home    string
	lines   []string
	killed  []int
	taken   []int
	onStart func()
}

func (d *diary) Home(dir string) { d.home = dir }
func (d *diary) Started(strategy, _ string, _ int) {
	d.lines = append(d.lines, "started "+strategy)
	if d.onStart != nil {
		d.onStart()
	}
}
func (d *diary) Answered(string, int, int) { d.lines = append(d.lines, "answered") }
func (d *diary) Killed(pid int, _ string) {
	d.lines = append(d.lines, "killed")
	d.killed = append(d.killed, pid)
}
func (d *diary) TakenOver(pid int, _ time.Duration) {
	d.lines = append(d.lines, "taken over")
	d.taken = append(d.taken, pid)
}
func (d *diary) Finished(r Result) { d.lines = append(d.lines, "finished "+r.Strategy) }

func TestRun(t *testing.T) {
	t.Parallel()
	var d diary
	sum, err := Run(t.Context(), Config{Version: testVersion}, &d)
	if err != nil {
		t.Fatal(err)
	}
	a := "answered"
	want := []string{
		"started cot", a, a, "finished cot",
		"started draft_critique_revise", a, a, a, "killed", "taken over", a, a, a, "finished draft_critique_revise",
		"started self_consistency", a, a, a, a, a, "finished self_consistency",
	}
	if diff := cmp.Diff(want, d.lines); diff != "" {
		t.Errorf("what happened (-want +got):\n%s", diff)
	}
	if len(d.killed) != 1 || len(d.taken) != 1 || d.killed[0] == d.taken[0] {
		t.Errorf("killed %v, taken over by %v", d.killed, d.taken)
	}
	got := sum
	got.ElapsedMS, got.OwnMS, got.Results = 0, 0, nil
	if diff := cmp.Diff(Summary{Sessions: 3, LLMCalls: 13, Kills: 1, Acknowledged: 13}, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(d.home); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the home is still there: %v", err)
	}
}

func TestBreakingOffLeavesNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := diary{onStart: cancel}
	_, err := Run(ctx, Config{Version: testVersion, Pace: time.Minute}, &d)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	if _, err := os.Stat(d.home); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the home is still there: %v", err)
	}
}

// The number of lost answers is counted, not assumed.
func TestLost(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	given := []pool.Answer{
		{QueryID: text("q-0"), Response: text("a")},
		{QueryID: text("q-1"), Response: text("b")},
		{QueryID: text("q-2"), Response: text("c")},
	}
	history := []pool.HistoryEntry{
		{QueryID: "q-0", Response: text("a")},
		{QueryID: "q-1", Response: text("another")},
		{QueryID: "q-2"},
	}
	if n := lost(given, history); n != 2 {
		t.Errorf("lost %d, want 2", n)
	}
	if n := lost(given[:1], history); n != 0 {
		t.Errorf("lost %d, want 0", n)
	}
}

func TestResultOf(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"task":"t","result":{"a":1}}`: `{"a":1}`,
		`{"task":"t"}`:                  `{"task":"t"}`,
		`[1]`:                           `[1]`,
	} {
		if got := resultOf(json.RawMessage(in)); string(got) != want {
			t.Errorf("resultOf(%s) = %s, want %s", in, got, want)
		}
	}
}

func TestPaceIsCounted(t *testing.T) {
	t.Parallel()
	rec, err := recording.Parse(strings.NewReader(`{"recording":1}` + "\n" + `{"prompt":"p","response":"r"}`))
	if err != nil {
		t.Fatal(err)
	}
	d := &show{pace: time.Millisecond}
	for a, err := range d.thinking(recording.NewPlayer(rec)).Answer(t.Context(), pool.Query{ID: "q-0", Prompt: "p"}) {
		if err != nil || *a.Response != "r" {
			t.Errorf("answer %v, error %v", a, err)
		}
	}
	if d.thought < d.pace {
		t.Errorf("thought %v, the pace is %v", d.thought, d.pace)
	}
}
