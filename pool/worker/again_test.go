package worker

import (
	"testing"

	"github.com/algocline/algocline/pool"
)

// A start that is sent again is the session that there is, whatever isolation it asks for now, also
// when that holds no VM.
func TestStartSentAgainWithAnotherIsolation(t *testing.T) {
	r := newRig(t, rigOptions{resident: 1})
	code := `return alc.llm("one")`
	r.start(t, "a", code)
	r.start(t, "b", code) // passivates a
	f, err := r.Run(t.Context(), pool.RunRequest{SID: "a", Code: &code, Isolation: pool.IsolationProcess})
	if err != nil || f.Type != pool.FeedPaused {
		t.Errorf("%+v, %v", f, err)
	}
}
