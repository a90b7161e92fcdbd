package worker

import (
	"context"
	"testing"

	"github.com/algocline/algocline/pool"
)

// A worker that has lost a session, as one has whose lock file somebody removed, tells nobody where
// that stood before: a reply that appends nothing asks who owns it now.
func TestRepliesOfAStaleOwner(t *testing.T) {
	code := `return alc.llm("one") .. alc.llm("two")`
	for name, ask := range map[string]func(context.Context, *rig) error{
		"the answer again": func(ctx context.Context, r *rig) error {
			_, err := r.answer(ctx, "s", "q-0", "1")
			return err
		},
		"another answer": func(ctx context.Context, r *rig) error {
			_, err := r.answer(ctx, "s", "q-9", "1")
			return err
		},
		"the run again": func(ctx context.Context, r *rig) error {
			_, err := r.Run(ctx, pool.RunRequest{SID: "s", Code: &code})
			return err
		},
		"status": func(ctx context.Context, r *rig) error {
			_, err := r.Status(ctx, pool.StatusRequest{SID: "s"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			old := newRig(t, rigOptions{dir: dir})
			old.start(t, "s", code)
			if _, err := old.answer(t.Context(), "s", "q-0", "1"); err != nil {
				t.Fatal(err)
			}
			next := newRig(t, rigOptions{dir: dir}) // takes the other one for dead
			if _, err := next.answer(t.Context(), "s", "q-1", "2"); err != nil {
				t.Fatal(err)
			}
			refused(t, ask(t.Context(), old), pool.CodeLeaseLost)
			// It has forgotten what it knew, and so finds the end the next time.
			if f, err := old.answer(t.Context(), "s", "q-1", "2"); err != nil || string(f.Output) != `"12"` {
				t.Errorf("asked again: %+v, %v", f, err)
			}
		})
	}
}
