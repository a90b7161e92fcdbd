package escape

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/pool"
)

// past is a host for what is over: it has the journal, and nothing of the world.
type past struct {
	engine.Host
	h *home
}

func (p past) Now() time.Time { return time.Now() }

func (p past) Interrupt() *engine.Interrupt { return nil }

func (p past) Content(ctx context.Context, hash journal.ContentHash) ([]byte, error) {
	return p.h.store.Content(ctx, hash)
}

// reproduces replays a session that has ended, without the world.
func (h *home) reproduces(t *testing.T, f pool.Feed) {
	t.Helper()
	_, events, err := h.store.Events(t.Context(), f.SessionID, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Check(t.Context(), past{h: h}, h.vms, events); err != nil {
		var d *engine.DivergedError
		t.Errorf("the session does not replay (diverged: %v): %.600v", errors.As(err, &d), err)
	}
}
