package engine

import (
	"context"
	"fmt"

	"github.com/algocline/algocline/journal"
)

// Abandon cancels a session that cannot be rebuilt, by its record alone: nothing is run, and the
// metrics count what was asked and answered. Of a session that has ended the end is returned. It
// blocks on the commit. Errors match [ErrBadHistory] when the record cannot be read, and
// [ErrBroken] when the end could not be committed.
func Abandon(ctx context.Context, host Host, vms *VMs, events []journal.Event, reason string) (Outcome, error) {
	h, err := ReadHistory(events)
	if err != nil {
		return Outcome{}, err
	}
	if h.End != nil {
		return *h.End, nil
	}
	h.Start.Zone = Zone{} // no date is asked for any more
	s, err := newSession(host, vms, h.Start)
	if err != nil {
		return Outcome{}, fmt.Errorf("abandoning session %s: %w", h.Start.SID, err)
	}
	s.committed = int64(len(events))
	for _, x := range h.Exchanges {
		s.metrics.asked([]Query{x.Query})
		if x.Answer != nil {
			s.metrics.answered(*x.Answer)
		}
	}
	return s.Cancel(ctx, reason)
}
