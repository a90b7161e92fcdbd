package luadoc_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/algocline/algocline/card"
	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
	"github.com/algocline/algocline/luadoc"
	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/pool/worker"
	"github.com/algocline/algocline/service"
)

const version = "0.0.0-test"

func api(t *testing.T) *luadoc.API {
	t.Helper()
	a, err := luadoc.Load()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// home is a worker's sessions over a real journal.
type home struct {
	*worker.Sessions
	store journal.Store
}

// sessions makes a home with the given packages installed.
func sessions(t *testing.T, packages map[string]string) home {
	t.Helper()
	dir := t.TempDir()
	installed := filepath.Join(dir, "packages")
	for name, src := range packages {
		if err := os.MkdirAll(filepath.Join(installed, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(installed, name, "init.lua"), []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "journal"), sqlite.Options{Durability: "process"})
	if err != nil {
		t.Fatal(err)
	}
	w := journal.Worker{LockPath: filepath.Join(dir, "lock"), PID: os.Getpid(), Version: version, StartedAt: time.Now()}
	if w.ID, err = store.Register(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	cards, err := card.Open(filepath.Join(dir, "cards"), card.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := worker.NewSessions(worker.SessionsConfig{
		Store: store, Worker: w, Version: version, Home: dir, Cards: cards, Durability: "process",
		PackagePaths: []string{installed}, Limits: engine.DefaultLimits(), Prewarm: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return home{s, store}
}

// run plays a script to its end with answers, one a query in turn, and returns its result. All
// answers must be asked for.
func run(t *testing.T, s home, code, ctx string, answers ...string) json.RawMessage {
	t.Helper()
	out, _ := record(t, s, code, ctx, answers...)
	return out
}

// record is run, and returns the session's id as well.
func record(t *testing.T, s home, code, ctx string, answers ...string) (json.RawMessage, string) {
	t.Helper()
	env, err := service.Environment(json.RawMessage(ctx), "")
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Run(t.Context(), pool.RunRequest{Code: &code, Ctx: json.RawMessage(ctx), Env: env})
	for err == nil && f.Type == pool.FeedPaused {
		if len(answers) < len(f.Queries) {
			t.Fatalf("%d queries for %d answers: %s …", len(f.Queries), len(answers), f.Queries[0].Prompt)
		}
		r := pool.ContinueRequest{SID: f.SessionID}
		for i := range f.Queries {
			r.Responses = append(r.Responses, pool.Answer{QueryID: &f.Queries[i].ID, Response: &answers[i]})
		}
		answers = answers[len(f.Queries):]
		f, err = s.Continue(t.Context(), r)
	}
	if err != nil {
		t.Fatal(err)
	}
	if f.Status != "completed" {
		t.Fatalf("the session ended as %s: %+v\n%s", f.Status, f.Error, code)
	}
	if len(answers) > 0 {
		t.Errorf("answers that nobody asked for: %q", answers)
	}
	return f.Output, f.SessionID
}
