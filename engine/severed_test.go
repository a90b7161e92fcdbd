package engine

import (
	"strings"
	"testing"
	"time"
)

// A record at the edge of its length is rebuilt, and ends at the same place.
func TestEdgeOfTheHistory(t *testing.T) {
	defer func(n int64) { maxEvents = n }(maxEvents)
	code := `local out = "" for i = 1, 3 do out = out .. alc.llm("q" .. i) end return out`
	_, h := play(t, nil, start(code), "a", "b", "c")
	for maxEvents = 1; maxEvents <= int64(len(h.events)); maxEvents++ {
		o, _ := play(t, nil, start(code), "a", "b", "c")
		cut := o.Failure != nil && strings.HasPrefix(o.Failure.Message, "limit history (")
		if done := o.Status == "completed"; cut == done {
			t.Errorf("with %d events: %+v", maxEvents, o)
		}
	}
}

// What ends in the midst of a step is followed to where its record ends, and no further.
func TestCheckFollowsCutSteps(t *testing.T) {
	defer func(n int64) { maxEvents = n }(maxEvents)
	maxEvents = 200
	tests := []struct {
		limit, code string
		set         func(*Limits)
	}{
		{"history", `while true do alc.time() end`, func(*Limits) {}},
		{"history", `while true do alc.state.set("k", 1) end`, func(*Limits) {}},
		{"history", `alc.fork({"m"}, {})`, func(*Limits) {}},
		{"wall", `alc.time() while true do end`, func(l *Limits) { l.Wall = 50 * time.Millisecond }},
		{"wall", `alc.time() for i = 1, 1e9 do pcall(os.date, "%c", 0) end`, func(l *Limits) { l.Wall = 50 * time.Millisecond }},
		{"step_cpu", `alc.time() while true do end`, func(l *Limits) { l.StepCPU = 50 * time.Millisecond }},
	}
	for _, tt := range tests {
		h := newMemHost()
		h.modules["m"] = `return {run = function() while true do alc.time() end end}`
		st := start(tt.code)
		tt.set(&st.Limits)
		o := begin(t, h, st).Outcome()
		if o.Failure == nil || !strings.HasPrefix(o.Failure.Message, "limit "+tt.limit+" (") {
			t.Errorf("%s: got %s %+v", tt.code, o.Status, o.Failure)
			continue
		}
		if err := Check(t.Context(), h, testVMs(), h.events); err != nil {
			t.Errorf("%s: %v", tt.code, err)
		}
	}
}
