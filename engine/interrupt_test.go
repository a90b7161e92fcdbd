package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/algocline/algocline/journal"
)

// signal is a host that tells when a script has asked for the module "go".
type signal struct {
	*memHost
	reached chan struct{}
}

func (h *signal) Module(ctx context.Context, name string, paths []string) (ModuleSource, error) {
	if name == "go" {
		h.reached <- struct{}{}
	}
	return h.memHost.Module(ctx, name, paths)
}

// A cancellation cuts a step, whatever the script catches, and the record of that is followed.
func TestInterrupt(t *testing.T) {
	const now = ` pcall(require, "go") `
	tests := []struct{ name, code string }{
		{"a loop", now + `while true do end`},
		{"a loop that catches", now + `while true do pcall(function() while true do end end) end`},
		{"requests", now + `while true do pcall(alc.time) end`},
		{"effects", now + `while true do pcall(alc.state.incr, "n") end`},
		{"a child", `alc.fork({"m", "m"}, {})`},
		{"a child beside one that asks", `alc.fork({"asks", "m"}, {})`},
		{"a long helper", now + `pcall(alc.math.bootstrap_ci, big, 1000000)`},
		{"after a pause", `alc.llm("go on")` + now + `while true do end`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := &signal{newMemHost(), make(chan struct{}, 2)}
			h.modules["m"] = `return {run = function() ` + now + ` while true do pcall(alc.time) end end}`
			h.modules["asks"] = `return {run = function() return alc.llm("p") end}`
			st := start("local big = {} for i = 1, 20000 do big[i] = i % 7 end " + tt.code)
			st.Limits.StepCPU = 10 * time.Second
			var began time.Time
			done := make(chan struct{})
			go func() {
				defer close(done)
				<-h.reached
				began = time.Now()
				h.cancel.Cancel("enough")
			}()
			s, err := Begin(t.Context(), h, testVMs(), st)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			o := s.Outcome()
			if o.Kind == OutcomePaused {
				if o, err = s.Answer(t.Context(), []Answer{{Response: "x"}}); err != nil {
					t.Fatal(err)
				}
			}
			<-done
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("the step was cut after %v", took)
			}
			if o.Status != journal.StateCancelled || o.Failure == nil || o.Failure.Code != "cancelled" || o.Failure.Message != "enough" {
				t.Fatalf("got %s %+v", o.Status, o.Failure)
			}
			if err := Check(t.Context(), h, testVMs(), h.events); err != nil {
				t.Error(err)
			}
			if again, err := s.Cancel(t.Context(), "later"); err != nil || again.Failure.Message != "enough" {
				t.Errorf("cancelled again: %+v, %v", again.Failure, err)
			}
		})
	}
}

// A session that is being rebuilt is cancelled where it goes on live.
func TestInterruptOfARestore(t *testing.T) {
	h := newMemHost()
	s := begin(t, h, start(`alc.llm("p") local n = 0 while n < 1e9 do n = n + 1 end return n`))
	h.events = append(h.events, journal.Event{Seq: s.Head() + 1, Kind: journal.Answered, At: h.now, Body: Answer{QueryID: "q-0", Response: "x"}.encode()})
	h.cancel.Cancel("")
	r := restore(t, h)
	if o := r.Outcome(); o.Status != journal.StateCancelled || o.Failure.Message != "cancelled" {
		t.Fatalf("got %s %+v", o.Status, o.Failure)
	}
	if err := Check(t.Context(), h, testVMs(), h.events); err != nil {
		t.Error(err)
	}
}

// What was withdrawn cuts nothing.
func TestInterruptWithdrawn(t *testing.T) {
	h := newMemHost()
	h.cancel.Cancel("no")
	h.cancel.Withdraw()
	if o := begin(t, h, start(`return 1`)).Outcome(); o.Status != journal.StateCompleted {
		t.Errorf("got %s %+v", o.Status, o.Failure)
	}
	h.cancel.Cancel("yes")
	if _, err := Begin(t.Context(), h, testVMs(), start(`return 1`)); !errors.Is(err, ErrBroken) {
		t.Errorf("a sid that is taken: %v", err)
	}
}
