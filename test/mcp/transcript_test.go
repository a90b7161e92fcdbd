package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// transcript is one case: calls to MCP servers over a fresh home, with what was recorded.
//
// Placeholders in arguments and replies: <sid>, <sid2> … (session ids in order of appearance),
// <home>, <pid>, <sock>, <version>, <ms> (any number), <time> and <text> (any text), <any>.
// Query ids are opaque: they are compared as text only, and later arguments get the program's.
type transcript struct {
	ID    string            `json:"id"` // area/name
	Files map[string]string `json:"files"`
	Env   map[string]string `json:"env"`
	Calls []step            `json:"calls"`
}

// step is a tool call, or something that is done between calls.
type step struct {
	Tool      string         `json:"tool"`
	Arguments map[string]any `json:"arguments"`
	Server    int            `json:"server"` // over the same home
	// Until repeats the call for up to 5 s until its result has the value, or, under "not", has
	// it no more.
	Until map[string]any `json:"until"`
	Has   []string       `json:"has"` // texts that the answer must contain
	Reply any            `json:"reply"`
	Ours  any            `json:"ours"` // stands where this program chose to differ

	Do string `json:"do"` // restart, kill_server, kill_workers, stop_workers, sleep
}

func transcripts(t *testing.T) []transcript {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "transcripts.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var all []transcript
	for i, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.UseNumber()
		var c transcript
		if err := dec.Decode(&c); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		all = append(all, c)
	}
	return all
}

func TestTranscripts(t *testing.T) {
	ran := 0
	seen := map[string]bool{}
	for _, c := range transcripts(t) {
		area, _, _ := strings.Cut(c.ID, "/")
		seen[area], seen[c.ID] = true, true
		if _, open := openAreas[area]; open {
			continue
		}
		ran++
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			diffs := replay(t, c)
			reason, open := openCases[c.ID]
			switch {
			case !open && len(diffs) > 0:
				t.Error(strings.Join(diffs, "\n"))
			case open && len(diffs) == 0:
				t.Errorf("it passes: take it from the list of open cases (%s)", reason)
			}
		})
	}
	if ran == 0 {
		t.Error("no case was run")
	}
	for name := range openAreas {
		if !seen[name] {
			t.Errorf("the open area %s has no case", name)
		}
	}
	for name := range openCases {
		if !seen[name] {
			t.Errorf("the open case %s does not exist", name)
		}
	}
}

// replay carries a case out and lists where it differs.
func replay(t *testing.T, c transcript) []string {
	h := newHome(t, nil)
	n := &names{home: h.dir, ids: map[string]string{}}
	h.env = map[string]string{}
	for k, v := range c.Env {
		h.env[k] = n.fill(v).(string)
	}
	writeFiles(t, h.dir, c.Files)
	var diffs []string
	rejected := false
	for i, s := range c.Calls {
		if s.Do != "" {
			h.do(s)
			continue
		}
		got, raw := callUntil(h, n, s)
		if _, isErr := got["error"]; isErr && s.Tool == "alc_continue" {
			rejected = true
		}
		if w, ok := s.Reply.(map[string]any); ok {
			if r, ok := w["result"].(map[string]any); ok && r["status"] == "needs_response" {
				n.pair(r, got["result"])
			}
		}
		want, has := s.Reply, s.Has
		if s.Ours != nil {
			want, has = s.Ours, nil
		}
		if rejected {
			want = loosen(want)
		}
		for _, d := range agree(want, got, raw, has) {
			diffs = append(diffs, fmt.Sprintf("call %d %s: %s", i, s.Tool, d))
		}
	}
	return diffs
}

func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (h *home) do(s step) {
	h.t.Helper()
	switch s.Do {
	case "restart":
		h.stopServer(s.Server, false)
	case "kill_server":
		h.stopServer(s.Server, true)
	case "kill_workers":
		if h.endWorkers(syscall.SIGKILL) == 0 {
			h.t.Error("there was no worker to kill")
		}
	case "stop_workers":
		h.endWorkers(syscall.SIGTERM)
	case "sleep":
		// Was recorded where the other program needs time; this one's replies come when it is done.
	default:
		h.t.Fatalf("unknown step %q", s.Do)
	}
}

func callUntil(h *home, n *names, s step) (map[string]any, string) {
	h.t.Helper()
	got, raw := callOnce(h, n, s)
	if s.Until == nil {
		return got, raw
	}
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	limit := time.NewTimer(5 * time.Second)
	defer limit.Stop()
	for !untilHolds(s.Until, got) {
		select {
		case <-again.C:
			got, raw = callOnce(h, n, s)
		case <-limit.C:
			return got, raw
		}
	}
	return got, raw
}

func untilHolds(until, got map[string]any) bool {
	r, _ := got["result"].(map[string]any)
	if not, ok := until["not"].(map[string]any); ok {
		for k, x := range not {
			if r[k] == x {
				return false
			}
		}
		return true
	}
	for k, x := range until {
		if r[k] != x {
			return false
		}
	}
	return true
}

// callOnce makes one call and sorts its outcome under the kind of reply that it is.
func callOnce(h *home, n *names, s step) (got map[string]any, raw string) {
	h.t.Helper()
	args := n.fill(s.Arguments)
	if s.Arguments == nil {
		args = map[string]any{}
	}
	a := h.server(s.Server).call(s.Tool, args)
	if a.err != nil {
		return map[string]any{"rpc_error": json.Number(fmt.Sprint(a.err.Code))}, n.out(a.err.Message + " " + string(a.err.Data))
	}
	if raw = a.text; a.isError {
		return map[string]any{"error": "<text>"}, n.out(raw)
	}
	dec := json.NewDecoder(strings.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return map[string]any{"result_text": "<text>"}, n.out(raw)
	}
	n.learn(v)
	return map[string]any{"result": n.norm(v, "")}, n.out(raw)
}
