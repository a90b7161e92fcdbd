package engine

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/value"
)

// looksEvery is how many requests pass between two looks at the clock.
const looksEvery = 64

// replayPatience is how many times as long as the limit step_cpu a step may take in a replay, on a slower
// machine or a busier one than it was within the limit on.
const replayPatience = 4

// stepCPU is how long the present step may compute; 0 is without end.
func (s *Session) stepCPU() time.Duration {
	cpu := s.start.Limits.StepCPU
	if len(s.replay) > 0 && s.replay[0].Kind != journal.Finished {
		cpu *= replayPatience
	}
	return cpu
}

// limit gives a strand's VM its limits.
func (s *Session) limit(t *strand, memory int64) {
	t.memory, t.cpu = memory, s.stepCPU()
	t.vm.SetLimits(t.memory, t.cpu)
}

// overtime ends a step that spends its time in requests: the VM's own clock starts anew with each
// resume, so a loop of short requests would never meet it. Waiting for commits and reads does not count,
// nor does a time in which the process as a whole computed less: it was stopped, or others had the machine.
func (s *Session) overtime(ctx context.Context) error {
	s.requests++
	if s.requests == 2 { // the usual step has one request, and pays nothing
		s.cpuBegan = processCPU()
	}
	limit := s.stepCPU()
	if s.requests%looksEvery != 0 || limit <= 0 || time.Since(s.stepBegan)-s.waited <= limit || processCPU()-s.cpuBegan <= limit {
		return nil
	}
	if len(s.replay) > 0 && s.replay[0].Kind != journal.Finished {
		return s.kill(fmt.Errorf("%w: session %s reached the limit step_cpu while it was replayed", ErrRebuild, s.start.SID))
	}
	return s.exceed(ctx, "step_cpu", limit.String())
}

var processBegan = time.Now()

// processCPU is the CPU time that the process has used; where the system does not tell, all its time.
func processCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return time.Since(processBegan)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// allowance is how much longer a helper may take, and the limit that says so, with its value.
func (s *Session) allowance() (left time.Duration, name, limit string) {
	if cpu := s.stepCPU(); cpu > 0 {
		left, name, limit = cpu-s.helped, "step_cpu", cpu.String()
	}
	if wall, ok := s.timeLeft(); ok && (name == "" || wall < left) {
		left, name, limit = wall, "wall", s.start.Limits.Wall.String()
	}
	return left, name, limit
}

// long answers a pure request that may take its time. The watchdog sees only what the VM does
// itself, so such helpers share the step's CPU limit among them.
func (s *Session) long(ctx context.Context, name string, do func(context.Context) (value.List, error)) (value.List, error) {
	left, limit, most := s.allowance()
	began := time.Now()
	bounded, cancel := context.WithCancel(ctx)
	defer cancel()
	if limit != "" {
		var expire context.CancelFunc
		bounded, expire = context.WithTimeout(bounded, left)
		defer expire()
	}
	interrupt := s.host.Interrupt()
	if len(s.replay) == 0 {
		interrupt.aim(nil, cancel)
		defer interrupt.aim(nil, nil)
	}
	out, err := do(bounded)
	s.helped += time.Since(began)
	if _, pending := interrupt.why(); pending && errors.Is(err, context.Canceled) && ctx.Err() == nil {
		return nil, s.cut(ctx)
	}
	switch {
	case err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded):
		return out, err
	case len(s.replay) > 0:
		return nil, fmt.Errorf("%w: session %s reached the limit step_cpu in %s while it was replayed", ErrRebuild, s.start.SID, name)
	}
	return nil, s.exceed(ctx, limit, most)
}
