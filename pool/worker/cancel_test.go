package worker

import (
	"runtime"
	"testing"
	"time"

	"github.com/algocline/algocline/pool"
)

// A cancellation does not wait for the step: whoever waits for that learns of it, and so do those
// who come later.
func TestCancelCutsAStep(t *testing.T) {
	for _, tt := range []struct {
		name, code string
		pauses     bool
	}{
		{"of a run", `while true do pcall(alc.state.incr, "n") end`, false},
		{"of an answer", `alc.llm("go on") while true do pcall(function() while true do end end) end`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, rigOptions{})
			cut := make(chan pool.Feed, 1)
			if tt.pauses {
				r.start(t, "s-a", tt.code)
			}
			go func() {
				defer close(cut)
				var f pool.Feed
				var err error
				if tt.pauses {
					f, err = r.answer(t.Context(), "s-a", "q-0", "x")
				} else {
					f, err = r.Run(t.Context(), pool.RunRequest{SID: "s-a", Code: &tt.code, Name: "strategy.lua"})
				}
				if err != nil {
					t.Error(err)
				}
				cut <- f
			}()
			for running := false; !running; _, running = r.running("s-a") {
				select {
				case f := <-cut:
					t.Fatalf("ended by itself: %+v", f)
				default:
					runtime.Gosched()
				}
			}
			began := time.Now()
			f, err := r.Cancel(t.Context(), pool.CancelRequest{SID: "s-a", Reason: "enough"})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("cancelled within %v", time.Since(began))
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("cancelled after %v", took)
			}
			again, err := r.Cancel(t.Context(), pool.CancelRequest{SID: "s-a", Reason: "later"})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range []pool.Feed{f, <-cut, again} {
				if f.Status != "cancelled" || f.Error == nil || f.Error.Message != "enough" {
					t.Errorf("got %+v", f)
				}
			}
		})
	}
}
