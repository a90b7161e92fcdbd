package engine

import (
	"strings"
	"testing"
	"time"
)

// Whatever limit is hit, and however that is wrapped, the session fails; the error names the
// limit, its value, and how to raise it.
func TestLimits(t *testing.T) {
	tests := []struct {
		name, value string
		code        string
		limits      map[string]any
	}{
		{"memory", "8MiB", `local t = {} while true do t[#t + 1] = ("x"):rep(1000) .. #t end`, map[string]any{"memory": "8MiB"}},
		{"step_cpu", "100ms", `while true do end`, map[string]any{"step_cpu": "100ms"}},
		{"step_cpu", "100ms", `while true do pcall(function() while true do end end) end`, map[string]any{"step_cpu": "100ms"}},
		{"step_cpu", "100ms", `while true do pcall(os.date, "%c", 0) end`, map[string]any{"step_cpu": "100ms"}},
		{"step_cpu", "100ms", `while true do pcall(alc.llm_batch, {}) pcall(function() return alc.nothing end) end`, map[string]any{"step_cpu": "100ms"}},
		{"wall", "50ms", `while true do end`, map[string]any{"wall": "50ms"}},
		{"wall", "50ms", `while true do pcall(os.date, "%c", 0) end`, map[string]any{"wall": "50ms"}},
		{"wall", "50ms", `package.preload.endless = function() return {run = function() while true do end end} end
			alc.fork({"endless"}, {})`, map[string]any{"wall": "50ms"}},
		{"llm_calls", "1", `alc.llm_batch{{prompt="a"},{prompt="b"}}`, map[string]any{"llm_calls": 1}},
		{"batch", "1", `pcall(alc.llm_batch, {{prompt="a"},{prompt="b"}})`, map[string]any{"batch": 1}},
		{"prompt_size", "1024 bytes", `pcall(alc.llm, ("x"):rep(2000))`, map[string]any{"prompt_size": "1KiB"}},
		{"prompt_size", "1024 bytes", `pcall(alc.llm, "x", {system = ("x"):rep(2000)})`, map[string]any{"prompt_size": "1KiB"}},
		{"prompt_size", "1024 bytes", `pcall(alc.llm, "x", {role = ("x"):rep(2000)})`, map[string]any{"prompt_size": "1KiB"}},
		{"prompt_size", "1024 bytes", `pcall(alc.llm, "x", {cache_breakpoint = ("x"):rep(2000)})`, map[string]any{"prompt_size": "1KiB"}},
		{"result_size", "1024 bytes", `return ("x"):rep(2000)`, map[string]any{"result_size": "1KiB"}},
		{"result_size", "1024 bytes", `pcall(alc.state.set, "k", ("x"):rep(2000))`, map[string]any{"result_size": "1KiB"}},
		{"result_size", "1024 bytes", `pcall(alc.state.set, ("k"):rep(2000), 1)`, map[string]any{"result_size": "1KiB"}},
		{"result_size", "1024 bytes", `pcall(alc.state.set_nx, "k", ("x"):rep(2000))`, map[string]any{"result_size": "1KiB"}},
		{"result_size", "1024 bytes", `pcall(alc.state.incr, ("k"):rep(2000))`, map[string]any{"result_size": "1KiB"}},
		{"result_size", "1024 bytes", `pcall(alc.state.update, "k", function() return ("x"):rep(2000) end)`, map[string]any{"result_size": "1KiB"}},
		{"result_size", "1024 bytes", `pcall(alc.state.set_dispatched, "p", "k", ("x"):rep(2000))`, map[string]any{"result_size": "1KiB"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st := start(tt.code)
			var err error
			if st.Limits, err = DefaultLimits().Lower(tt.limits); err != nil {
				t.Fatal(err)
			}
			h := newMemHost()
			h.modules["endless"] = `return {run = function() while true do end end}`
			o := begin(t, h, st).Outcome()
			want := "limit " + tt.name + " (" + tt.value + ") reached; the caller may have lowered it, the operator raises it with ALC_LIMIT_" + strings.ToUpper(tt.name) + " or in config.toml"
			if o.Failure == nil || o.Failure.Code != "limit_exceeded" || o.Failure.Message != want {
				t.Errorf("%s\n got %+v\nwant %s", tt.code, o.Failure, want)
			}
			if got := kinds(h.events); got != "started finished " && !strings.HasPrefix(got, "started module") && !strings.Contains(tt.code, "update") || len(h.state) > 0 {
				t.Errorf("%s: recorded %s and stored %d values", tt.code, got, len(h.state))
			}
		})
	}
}

// What is too high is told with its unit.
func TestLowerNamesUnits(t *testing.T) {
	for name, tt := range map[string]struct {
		value any
		want  string
	}{
		"memory":      {"1GiB", "memory: 1GiB is above the operator's 256MiB;"},
		"prompt_size": {10737418240, "prompt_size: 10GiB is above the operator's 4MiB;"},
		"batch":       {2000, "batch: 2000 is above the operator's 1000;"},
	} {
		if _, err := DefaultLimits().Lower(map[string]any{name: tt.value}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The memory of a fork's children is the session's: their limit is shown as that.
func TestLimitOfAChild(t *testing.T) {
	st := start(`return alc.fork({"bomb", "bomb"}, {})`)
	st.Limits.Memory, st.Limits.StepCPU = 8<<20, time.Minute
	h := newMemHost()
	h.modules["bomb"] = `return {run = function() local t = {} while true do t[#t + 1] = {} end end}`
	o := begin(t, h, st).Outcome()
	if o.Failure == nil || !strings.HasPrefix(o.Failure.Message, "limit memory (8388608 bytes, shared with the children of alc.fork) reached") {
		t.Errorf("got %+v", o.Failure)
	}
}

// What nobody can raise says so.
func TestFixedLimits(t *testing.T) {
	st := start(`for i = 1, 1e9 do alc.time() end`)
	st.Limits.StepCPU = time.Hour
	o := begin(t, newMemHost(), st).Outcome()
	if o.Failure == nil || o.Failure.Message != "limit history (100000 events a step, 1000000 a session) reached; it is fixed: let the script call alc.state, the clock and other requests less often" {
		t.Errorf("got %+v", o.Failure)
	}
}

// What a step reads is recorded, and what it stores is kept: neither grows without end.
func TestRecordOfAStep(t *testing.T) {
	for _, call := range []string{`alc.state.get("k")`, `alc.state.set("k" .. i % 10, big)`} {
		st := start(`local big = ("x"):rep(200000) alc.state.set("k", big) for i = 1, 1e9 do ` + call + ` end`)
		st.Limits.Memory, st.Limits.StepCPU = 4<<20, time.Hour
		o := begin(t, newMemHost(), st).Outcome()
		if o.Failure == nil || o.Failure.Message != "limit history (16777216 bytes a step, 4 times the limit memory) reached; it goes with that: let the script read and store less between two questions" {
			t.Errorf("%s: %+v", call, o.Failure)
		}
	}
}

func TestWallLimitWhilePaused(t *testing.T) {
	st := start(`alc.llm("a") return 1`)
	st.Limits.Wall = time.Hour
	h := newMemHost()
	s := begin(t, h, st)
	h.now = h.now.Add(2 * time.Hour)
	o, err := s.Answer(t.Context(), []Answer{{Response: "x"}})
	if err != nil || o.Failure == nil || o.Failure.Code != "limit_exceeded" || !strings.HasPrefix(o.Failure.Message, "limit wall (1h0m0s) reached") {
		t.Fatalf("%+v %v", o.Failure, err)
	}
}

// A session is rebuilt in its own time: what it reproduces did happen before its limit.
func TestReplayOutlastsTheWall(t *testing.T) {
	st := start(`alc.llm("a") for i = 1, 1e6 do end alc.llm("b") return 1`)
	st.Limits.Wall = time.Hour
	h := newMemHost()
	s := begin(t, h, st)
	if _, err := s.Answer(t.Context(), []Answer{{Response: "x"}}); err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(2 * time.Hour)
	s = restore(t, h)
	if o := s.Outcome(); o.Kind != OutcomePaused || o.Queries[0].Prompt != "b" {
		t.Fatalf("restored as %+v", o)
	}
	o, err := s.Answer(t.Context(), []Answer{{Response: "y"}})
	if err != nil || o.Failure == nil || !strings.HasPrefix(o.Failure.Message, "limit wall ") {
		t.Fatalf("%+v %v", o, err)
	}
}

// A flood of log lines costs the oldest ones.
func TestLogSize(t *testing.T) {
	st := start(`for i = 1, 100 do print(i, ("x"):rep(100)) end print(("y"):rep(5000)) print("last\n\n") return 1`)
	st.Limits.LogSize = 1 << 10
	s := begin(t, newMemHost(), st)
	if o := s.Outcome(); o.Status != "completed" {
		t.Fatalf("got %+v", o.Failure)
	}
	size := 0
	for _, e := range s.log.entries {
		size += len(e.Message)
	}
	if last := s.log.entries[len(s.log.entries)-1].Message; size > 1<<10 || last != "last" {
		t.Errorf("%d bytes of log, ending with %q", size, last)
	}
}

// A pause whose line would be too long for the protocol is a limit, before it is committed.
func TestPauseTooLarge(t *testing.T) {
	h := newMemHost()
	st := start(`local items, p = {}, ("\1"):rep(1 << 20) for i = 1, 10 do items[i] = {prompt = p} end alc.llm_batch(items)`)
	s := begin(t, h, st)
	o := s.Outcome()
	if o.Failure == nil || o.Failure.Code != "limit_exceeded" || !strings.Contains(o.Failure.Message, "prompt_size") {
		t.Fatalf("got %s %+v", o.Kind, o.Failure)
	}
	if got := kinds(h.events); got != "started finished " {
		t.Errorf("recorded %s", got)
	}
}
