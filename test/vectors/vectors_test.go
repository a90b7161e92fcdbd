package vectors

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/algocline/algocline/card"
	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/pool/worker"
	"github.com/algocline/algocline/service"
	"github.com/algocline/algocline/test/replay"
)

// openAreas are files of vectors that wait for functions of the library, each with its reason.
var openAreas = map[string]string{}

// openVectors wait for functions of the library, each with its reason.
var openVectors = map[string]string{}

func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(files) != 5 {
		t.Fatalf("found %d files of vectors, want 5 (%v)", len(files), err)
	}
	used := map[string]bool{}
	histories := &replay.Recorder{}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".jsonl")
		t.Run(name, func(area *testing.T) {
			t := area
			if why, open := openAreas[name]; open {
				t.Skip(why)
			}
			homes := map[string]*home{}
			for _, v := range read(t, f) {
				t.Run(strings.TrimPrefix(v.ID, name+"/"), func(t *testing.T) {
					if why, open := openVectors[v.ID]; open {
						used[v.ID] = true
						t.Skip(why)
					}
					check(t, area, v, homes, histories)
				})
			}
			for _, h := range homes {
				h.close(t)
			}
		})
	}
	t.Run("replay", func(t *testing.T) { histories.Replay(t, "TestReplayHere") })
	for id := range openVectors {
		if !used[id] {
			t.Errorf("%s is listed as open, but there is no such vector", id)
		}
	}
}

// check runs one vector; a home that it shares with others is owner's.
// What TestVectors runs in processes of their own.
func TestReplayHere(t *testing.T) { replay.Here(t) }

func check(t, owner *testing.T, v Vector, homes map[string]*home, histories *replay.Recorder) {
	h := homes[v.Home]
	switch {
	case v.Home == "":
		h = newHome(t, v.Packages)
		defer h.close(t)
	case h == nil:
		h = newHome(owner, v.Packages)
		homes[v.Home] = h
	}
	got := h.run(t, v)
	histories.Keep(t, h.store, v.ID, got.SID)
	wantRaw := v.Want
	if v.Ours != nil {
		if string(v.Ours) == `"any"` {
			return
		}
		wantRaw = v.Ours
	}
	var want Want
	decode(t, wantRaw, &want)
	if !agree(want, got, v.Tol) {
		t.Errorf("code: %s\nwant %s\ngot  %s %v %s", v.Code, wantRaw, got.Status, got.Result, got.Error)
	}
	if v.Ours == nil && v.Pauses != nil && !close(list(v.Pauses), list(got.Pauses), nil) {
		a, _ := json.Marshal(v.Pauses)
		b, _ := json.Marshal(got.Pauses)
		t.Errorf("pauses differ\nwant %s\ngot  %s", a, b)
	}
}

func list(p [][]any) []any {
	out := []any{}
	for _, x := range p {
		out = append(out, x)
	}
	return out
}

func read(t *testing.T, file string) []Vector {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var vs []Vector
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 16<<20)
	for sc.Scan() {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		var v Vector
		decode(t, sc.Bytes(), &v)
		vs = append(vs, v)
	}
	if err := sc.Err(); err != nil || len(vs) == 0 {
		t.Fatalf("%s: %d vectors, %v", file, len(vs), err)
	}
	return vs
}

func decode(t *testing.T, data []byte, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
}

// version is what cards say made them: vectors want a number.
const version = "0.0.0-test"

// home is a worker's sessions over a real journal.
type home struct {
	store    journal.Store
	sessions *worker.Sessions
}

func newHome(t *testing.T, packages map[string]string) *home {
	t.Helper()
	dir := t.TempDir()
	pkgs := filepath.Join(dir, "packages")
	for name, src := range packages {
		if err := os.MkdirAll(filepath.Join(pkgs, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(pkgs, name, "init.lua"), []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	store, err := sqlite.Open(ctx, filepath.Join(dir, "journal"), sqlite.Options{Durability: "process"})
	if err != nil {
		t.Fatal(err)
	}
	w := journal.Worker{LockPath: filepath.Join(dir, "lock"), PID: os.Getpid(), Version: version, StartedAt: time.Now()}
	if w.ID, err = store.Register(ctx, w); err != nil {
		t.Fatal(err)
	}
	cards, err := card.Open(filepath.Join(dir, "cards"), card.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := worker.NewSessions(worker.SessionsConfig{
		Store: store, Worker: w, Version: version, Home: dir, Cards: cards, Durability: "process",
		PackagePaths: []string{pkgs}, Limits: engine.DefaultLimits(), Prewarm: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &home{store, s}
}

func (h *home) close(t *testing.T) {
	if err := h.sessions.Close(); err != nil {
		t.Error(err)
	}
	if err := h.store.Close(); err != nil {
		t.Error(err)
	}
}

func (h *home) run(t *testing.T, v Vector) (g Got) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	env, err := service.Environment(v.Ctx, "")
	if err != nil {
		return Got{Status: "error", Error: err.Error()}
	}
	f, err := h.sessions.Run(ctx, pool.RunRequest{Code: &v.Code, Ctx: v.Ctx, Env: env})
	g.SID = f.SessionID
	for n := 0; err == nil && f.Type == pool.FeedPaused; n++ {
		g.Pauses = append(g.Pauses, views(t, f.Queries))
		if n == len(v.Answers) {
			g.Status = "needs_response"
			return g
		}
		f, err = h.sessions.Continue(ctx, reply(f, v.Answers[n]))
	}
	if err != nil {
		t.Fatalf("%s: %v", v.ID, err)
	}
	g.Status = f.Status
	if f.Status == "completed" {
		decode(t, f.Output, &g.Result)
	} else {
		g.Status, g.Error = "error", f.Error.Message+"\n"+f.Error.Traceback
	}
	return g
}

func reply(f pool.Feed, answer any) pool.ContinueRequest {
	texts, ok := answer.([]any)
	if !ok {
		texts = []any{answer}
	}
	r := pool.ContinueRequest{SID: f.SessionID}
	for i, x := range texts {
		s := x.(string)
		r.Responses = append(r.Responses, pool.Answer{QueryID: &f.Queries[i].ID, Response: &s})
	}
	return r
}

// views are a pause's queries as a host sees them, ids left out.
func views(t *testing.T, qs []pool.Query) []any {
	var out []any
	for _, q := range qs {
		b, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]any{}
		decode(t, b, &m)
		delete(m, "id")
		out = append(out, m)
	}
	return out
}
