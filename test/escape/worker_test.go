// Package escape runs hostile scripts in a real worker and looks at what becomes of them: each
// ends in a clean error or a harmless value and replays, the worker lives, its other sessions hardly notice,
// and the next session finds nothing of it.
//
// [hostile] joins the tables of scripts, one file a kind; [check] is what each of them must pass.
package escape

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/algocline/algocline/card"
	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/pool/worker"
)

// secret stands in files that no script may reach. It must show in nothing that a session says.
const secret = "the-secret-nobody-granted"

// lowered are the limits of hostile sessions: small, so that reaching one is quick.
var lowered = map[string]any{"memory": "16MiB", "step_cpu": "60ms", "wall": "2m0s", "result_size": "1MiB", "prompt_size": "64KiB", "batch": 50, "llm_calls": 100}

// home is a worker's sessions over a real journal, with packages and a secret beside them.
type home struct {
	dir      string // everything below is the test's
	store    *sqlite.Store
	worker   journal.Worker
	vms      *engine.VMs // for replays
	sessions *worker.Sessions
}

func newHome(t *testing.T) *home {
	t.Helper()
	h := &home{dir: t.TempDir()}
	h.furnish(t)
	var err error
	if h.store, err = sqlite.Open(t.Context(), filepath.Join(h.dir, "journal"), sqlite.Options{Durability: "process"}); err != nil {
		t.Fatal(err)
	}
	w := journal.Worker{LockPath: filepath.Join(h.dir, "lock"), PID: os.Getpid(), Version: "test", StartedAt: time.Now()}
	if w.ID, err = h.store.Register(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	cards, err := card.Open(filepath.Join(h.dir, "cards"), card.Options{})
	if err != nil {
		t.Fatal(err)
	}
	limits := engine.DefaultLimits()
	limits.LLMCalls = 1_000_000 // a neighbour has many turns
	h.worker = w
	if h.vms, err = engine.NewVMs(1, "test"); err != nil {
		t.Fatal(err)
	}
	c := worker.SessionsConfig{
		Store: h.store, Worker: w, Version: "test", Durability: "process", Home: h.dir, Cards: cards,
		PackagePaths: []string{filepath.Join(h.dir, "packages")}, Limits: limits, Prewarm: 1,
	}
	if h.sessions, err = worker.NewSessions(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(h.sessions.Close(), h.vms.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// furnish writes the packages, granted and other files that scripts try to make something of.
func (h *home) furnish(t *testing.T) {
	t.Helper()
	for name, text := range map[string]string{
		"secret.lua":                "return '" + secret + "'",
		"secret/init.lua":           "return '" + secret + "'",
		"packages/kind/init.lua":    "return {name = 'kind'}",
		"packages/kind/part.lua":    "return {name = 'kind.part'}",
		"packages/asking/init.lua":  "return {answer = alc.llm('at load')}",
		"packages/binary/init.lua":  "\x1bLua\x54\x00\x19\x93\r\n\x1a\n\x04\x08\x08",
		"packages/endless/init.lua": "while true do end",
		"packages/itself/init.lua":  "return require('itself')",
		"packages/broken/init.lua":  "return return",
		"elsewhere/init.lua":        "return {name = 'linked'}",
		"granted/open.txt":          "open",
		"granted/chunk.luac":        "\x1bLua\x54\x00\x19\x93\r\n\x1a\n\x04\x08\x08",
	} {
		h.write(t, name, text)
	}
	for link, target := range map[string]string{
		"packages/kind/out.lua":   "../../secret.lua",
		"packages/kind/away":      "../../secret",
		"packages/leaf.lua":       "../secret.lua",
		"packages/linked":         "../elsewhere",
		"elsewhere/out.lua":       "../secret.lua",
		"granted/out.txt":         "../secret.lua",
		"granted/away":            "../secret",
		"granted/root":            "/",
		"packages/kind/whole.lua": filepath.Join(h.dir, "secret.lua"),
	} {
		if err := os.Symlink(target, filepath.Join(h.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(h.dir, "granted/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (h *home) write(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// start runs a script to its first pause or its end. %HOME% in it is the home's directory.
func (h *home) start(ctx context.Context, code string, limits, grants map[string]any) (pool.Feed, error) {
	code = strings.ReplaceAll(code, "%HOME%", h.dir)
	return h.sessions.Run(ctx, pool.RunRequest{Code: &code, Limits: limits, Grants: grants})
}

// play runs a script to its end and answers each of its queries with "ok", with its own prompt when
// that is "echo …", or with so many bytes when it is "bytes …". It returns the prompts that were shown too.
func (h *home) play(ctx context.Context, code string, limits, grants map[string]any) (f pool.Feed, prompts []string, err error) {
	f, err = h.start(ctx, code, limits, grants)
	for err == nil && f.Type == pool.FeedPaused {
		r := pool.ContinueRequest{SID: f.SessionID}
		for _, q := range f.Queries {
			prompts = append(prompts, q.Prompt)
			answer := "ok"
			if strings.HasPrefix(q.Prompt, "echo ") {
				answer = q.Prompt
			}
			if n, ok := strings.CutPrefix(q.Prompt, "bytes "); ok {
				size, err := strconv.Atoi(n)
				if err != nil {
					return f, prompts, err
				}
				answer = strings.Repeat("x", size)
			}
			r.Responses = append(r.Responses, pool.Answer{QueryID: &q.ID, Response: &answer})
		}
		f, err = h.sessions.Continue(ctx, r)
	}
	return f, prompts, err
}

// ended says how a session ended, in one line: its result, or code and message of its error.
func ended(f pool.Feed) string {
	if f.Error == nil {
		return string(f.Output)
	}
	return f.Error.Code + ": " + f.Error.Message
}

func result(t *testing.T, f pool.Feed) (v any) {
	t.Helper()
	if f.Status != "completed" {
		t.Fatalf("the session ended with %s", ended(f))
	}
	if err := json.Unmarshal(f.Output, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
