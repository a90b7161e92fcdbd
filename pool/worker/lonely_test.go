package worker

import (
	"testing"

	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/pool"
)

// A start that is refused is the end of a worker for one session, too.
func TestRefusedStartIsGiven(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.c.Lone = true
	r.c.Limits = engine.DefaultLimits()
	code := "return 1"
	_, err := r.Run(t.Context(), pool.RunRequest{SID: "s", Code: &code, Limits: map[string]any{"memory": "2PiB"}})
	refused(t, err, pool.CodeMalformedRequest)
	if given, held := r.Holds(); !given || held {
		t.Errorf("given %t, held %t", given, held)
	}
}
