package engine

import (
	"context"
	"testing"
	"time"

	"github.com/algocline/algocline/journal"
)

// slowHost has a database that takes its time.
type slowHost struct{ *memHost }

func (h slowHost) View(ctx context.Context, fn func(journal.Tx) error) error {
	time.Sleep(10 * time.Millisecond)
	return h.memHost.View(ctx, fn)
}

// A step that waits for the database computes nothing meanwhile.
func TestWaitingIsNoComputing(t *testing.T) {
	st := start(`for i = 1, 64 do alc.state.get("k") end return 1`)
	st.Limits.StepCPU = 500 * time.Millisecond
	if o := begin(t, slowHost{newMemHost()}, st).Outcome(); o.Failure != nil {
		t.Error(o.Failure.Message)
	}
}

// haltingHost is on a machine that has other things to do, or is stopped now and then.
type haltingHost struct{ *memHost }

func (h haltingHost) Now() time.Time {
	time.Sleep(5 * time.Millisecond)
	return h.memHost.Now()
}

// A step that gets no CPU time computes nothing either.
func TestStandingStillIsNoComputing(t *testing.T) {
	st := start(`for i = 1, 128 do alc.time() end return 1`)
	st.Limits.StepCPU = 500 * time.Millisecond
	if o := begin(t, haltingHost{newMemHost()}, st).Outcome(); o.Failure != nil {
		t.Error(o.Failure.Message)
	}
}
