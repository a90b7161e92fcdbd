package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/service"
)

// journal opens the journal for reading and says how much is in it.
func (x *examination) journal(ctx context.Context) finding {
	store, err := x.Service.Journal(ctx)
	switch {
	case errors.Is(err, service.ErrNoJournal):
		return ok("there is none yet: no session was ever run here")
	case errors.Is(err, journal.ErrSchema):
		return fail("use the alc that wrote it, or a newer one", "%v", err)
	case errors.Is(err, journal.ErrCorrupt):
		return fail("copy the directory journal away before anything else, then restore a backup", "%v", err)
	case err != nil:
		return fail("look at the message; nothing was changed", "%v", err)
	}
	x.store = store
	counts, err := store.Count(ctx)
	if err != nil {
		return fail("look at the message; nothing was changed", "counting the sessions: %v", err)
	}
	var parts []string
	for _, state := range []journal.State{
		journal.StatePaused, journal.StateRunning, journal.StateCompleted, journal.StateFailed, journal.StateCancelled,
	} {
		if n := counts[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	if len(parts) == 0 {
		return ok("readable, without sessions")
	}
	return ok("readable; sessions: %s", strings.Join(parts, ", "))
}

// histories verifies the checksums of the sessions that changed last.
func (x *examination) histories(ctx context.Context) finding {
	if x.store == nil {
		return ok("nothing to verify")
	}
	heads, err := x.store.List(ctx, journal.Filter{Limit: x.Verify})
	if err != nil {
		return fail("look at the message; nothing was changed", "listing the sessions: %v", err)
	}
	events, torn := 0, []string(nil)
	for i, h := range heads {
		_, list, err := x.store.Events(ctx, h.SID, 0)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return warn("alc doctor --verify takes a smaller number", "verified %d of %d sessions in time", i, len(heads))
		case errors.Is(err, journal.ErrCorrupt):
			torn = append(torn, err.Error())
		case err != nil:
			return fail("look at the message; nothing was changed", "reading session %s: %v", h.SID, err)
		}
		events += len(list)
	}
	if len(torn) > 0 {
		return fail("copy the directory journal away, then restore a backup; other sessions are not touched", "%s", strings.Join(torn, "; "))
	}
	return ok("the checksums of %d events in the last %d sessions are right", events, len(heads))
}
