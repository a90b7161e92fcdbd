package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/algocline/algocline/value"
)

// long answers a pure request that may take its time. The watchdog sees only what the VM does
// itself, so such helpers share the step's CPU limit among them.
func (s *Session) long(ctx context.Context, name string, do func(context.Context) (value.List, error)) (value.List, error) {
	limit, began := s.start.Limits.StepCPU, time.Now()
	bounded := ctx
	if limit > 0 {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, limit-s.helped)
		defer cancel()
	}
	out, err := do(bounded)
	s.helped += time.Since(began)
	switch {
	case err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded):
		return out, err
	case len(s.replay) > 0:
		return nil, fmt.Errorf("%w: session %s reached the limit step_cpu in %s while it was replayed", ErrRebuild, s.start.SID, name)
	}
	return nil, s.exceed(ctx, "step_cpu", limit.String())
}
