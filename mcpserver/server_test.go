package mcpserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/service"
)

func TestAnnounces(t *testing.T) {
	cs := connect(t, &fakeService{})
	init := cs.InitializeResult()
	if init.ServerInfo.Name != "algocline" || init.ServerInfo.Version != "1.2.3" || !strings.Contains(init.Instructions, "query_id") {
		t.Errorf("server info %+v, instructions %q", init.ServerInfo, init.Instructions)
	}
	if d := cmp.Diff(&mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{}}, init.Capabilities); d != "" {
		t.Errorf("capabilities (-want +got):\n%s", d)
	}
	tools, err := cs.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, tool := range tools.Tools {
		b, err := json.MarshalIndent(map[string]any{"name": tool.Name, "annotations": tool.Annotations, "input": tool.InputSchema}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s\n", b)
		if len(tool.Description) < 80 {
			t.Errorf("%s is described in %q", tool.Name, tool.Description)
		}
	}
	golden(t, "tools.txt", []byte(out.String()))
}

func TestRunTool(t *testing.T) {
	f := &fakeService{feed: pool.Feed{SessionID: "s-1", Type: pool.FeedPaused, Queries: []pool.Query{{ID: "q-0", Prompt: "<hi>", MaxTokens: 1024}}}}
	cs := connect(t, f)
	text, isErr := call(t, cs, "alc_run", map[string]any{
		"code": "return 1", "ctx": map[string]any{"a": 1}, "project_root": "/none", "host_mode": true,
		"session_id": "mine", "limits": map[string]any{"memory": "64MiB", "llm_calls": 9007199254740993}, "isolation": "process", "colour": "red",
	})
	want := `{"status":"needs_response","session_id":"s-1","query_id":"q-0","prompt":"<hi>","system":null,"max_tokens":1024}`
	if text != want || isErr {
		t.Errorf("answer %s (error %v), want %s", text, isErr, want)
	}
	wantIn := service.RunInput{
		Code: ptr("return 1"), Ctx: json.RawMessage(`{"a":1}`), ProjectRoot: "/none", SessionID: "mine",
		Limits: map[string]any{"memory": "64MiB", "llm_calls": json.Number("9007199254740993")},
		Isolation: pool.IsolationProcess,
	}
	if d := cmp.Diff(wantIn, f.ran); d != "" {
		t.Errorf("input (-want +got):\n%s", d)
	}
}

func TestContinueTool(t *testing.T) {
	f := &fakeService{feed: pool.Feed{Type: pool.FeedAccepted, Remaining: 1}}
	cs := connect(t, f)
	cases := []struct {
		name string
		args string
		want []pool.Answer
	}{
		{"one", `{"session_id":"s","response":"A"}`, []pool.Answer{{Response: ptr("A")}}},
		{"with everything", `{"session_id":"s","response":"","query_id":"q-0","usage":{"prompt_tokens":11,"completion_tokens":0},"mood":"good"}`,
			[]pool.Answer{{Response: ptr(""), QueryID: ptr("q-0"), Usage: &pool.Usage{PromptTokens: ptr(int64(11)), CompletionTokens: ptr(int64(0))}}}},
		{"nulls", `{"session_id":"s","response":"A","query_id":null,"usage":null,"responses":null}`, []pool.Answer{{Response: ptr("A")}}},
		{"many", `{"session_id":"s","responses":[{"query_id":"q-1","response":"b"},{"query_id":"q-0","response":"a","usage":{}}]}`,
			[]pool.Answer{{Response: ptr("b"), QueryID: ptr("q-1")}, {Response: ptr("a"), QueryID: ptr("q-0"), Usage: &pool.Usage{}}}},
		{"the list wins", `{"session_id":"s","response":"x","responses":[{"query_id":"q-1","response":"b"}]}`, []pool.Answer{{Response: ptr("b"), QueryID: ptr("q-1")}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text, isErr := call(t, cs, "alc_continue", json.RawMessage(c.args))
			if isErr || text != `{"status":"accepted","remaining":1}` {
				t.Fatalf("answer %s, error %v", text, isErr)
			}
			if d := cmp.Diff(c.want, f.answers); d != "" || f.sid != "s" {
				t.Errorf("session %q, answers (-want +got):\n%s", f.sid, d)
			}
		})
	}
}

func TestStatusTool(t *testing.T) {
	f := &fakeService{status: pool.Status{
		Worker: pool.WorkerInfo{PID: 7},
		Sessions: []pool.SessionInfo{{SessionID: "s-1", State: "paused", QueriesOpen: 1, Detail: &pool.SessionDetail{
			Queries: []pool.Query{{ID: "q-0", Prompt: strings.Repeat("ü", 300)}}}}},
	}}
	cs := connect(t, f)
	if text, _ := call(t, cs, "alc_status", nil); text != `{"active_sessions":0,"sessions":[]}` {
		t.Errorf("empty status %s", text)
	}
	if want := (service.ListOptions{Detail: true, Limit: 200}); f.options != want {
		t.Errorf("asked for %+v, want %+v", f.options, want)
	}
	call(t, cs, "alc_status", map[string]any{"pending_filter": "full"})
	if f.options.Revive == 0 {
		t.Error("the questions of sessions without a worker were not asked for")
	}
	text, isErr := call(t, cs, "alc_status", map[string]any{"session_id": "s-1", "pending_filter": "preview", "include_history": true})
	var got struct {
		PID     int `json:"pid"`
		Pending []struct {
			Preview string `json:"prompt_preview"`
		} `json:"pending"`
		History []any `json:"conversation_history"`
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || isErr {
		t.Fatalf("status %s: %v", text, err)
	}
	if f.sid != "s-1" || !f.options.History || got.PID != 7 || got.Pending[0].Preview != strings.Repeat("ü", 200) || got.History == nil {
		t.Errorf("status of %q: %s", f.sid, text)
	}
	f.err = errors.New("the worker is silent")
	if text, isErr := call(t, cs, "alc_status", map[string]any{"session_id": "s-1"}); isErr || !strings.Contains(text, `"status_warning": "the worker is silent"`) {
		t.Errorf("a summary without its worker: %s", text)
	}
}

func TestPreviewCharsFromEnvironment(t *testing.T) {
	for _, c := range []struct {
		env  string
		want int
	}{{"50", 50}, {"", 200}, {"many", 200}, {"-1", 200}} {
		t.Setenv("ALC_PROMPT_PREVIEW_CHARS", c.env)
		if got := newServer(&fakeService{}, Options{}).preview; got != c.want {
			t.Errorf("%q gives %d, want %d", c.env, got, c.want)
		}
	}
}

func TestPoolTools(t *testing.T) {
	f := &fakeService{
		report: service.PoolReport{Version: "1.2.3", Sessions: []service.SessionEntry{{
			SessionInfo: pool.SessionInfo{SessionID: "s-1", State: "paused"}, Worker: pool.WorkerInfo{PID: 7, Sock: "/w", Version: "1.2.3"}}}},
		stopped: service.PoolStopped{Sessions: []string{"s-1"}},
	}
	cs := connect(t, f)
	cases := []struct {
		tool, want string
		args       any
	}{
		{"alc_pool_ensure", `{"sessions":[{"sid":"s-1","pid":7,"sock":"/w","version":"1.2.3"}],"pool_version":"1.2.3","workers":[]}`, map[string]any{"extra": 1}},
		{"alc_pool_status", `{"sessions":[{"sid":"s-1","pid":7,"sock":"/w","version":"1.2.3","created_at":"1970-01-01T00:00:00Z","status":"running"}],"pool_version":"1.2.3","workers":[]}`, map[string]any{"sid": "s-1"}},
		{"alc_pool_stop", `{"stopped":["s-1"],"errors":[],"workers":[]}`, map[string]any{"sid": "s-1"}},
	}
	for _, c := range cases {
		f.poolSID = nil
		if text, isErr := call(t, cs, c.tool, c.args); text != c.want || isErr {
			t.Errorf("%s = %s, want %s", c.tool, text, c.want)
		}
		if c.tool != "alc_pool_ensure" && (f.poolSID == nil || *f.poolSID != "s-1") {
			t.Errorf("%s asked for %v", c.tool, f.poolSID)
		}
	}
	f.err = errors.New("no room")
	for _, c := range cases {
		if text, isErr := call(t, cs, c.tool, nil); text != "Pool failed: no room" || !isErr {
			t.Errorf("%s = %s, error %v", c.tool, text, isErr)
		}
	}
}

func TestBadArguments(t *testing.T) {
	cs := connect(t, &fakeService{})
	cases := []struct{ tool, args, want string }{
		{"alc_run", `{"code":5}`, "invalid type for `code`: expected a string, got the number 5"},
		{"alc_run", `{"code":"x","host_mode":"yes"}`, "invalid type for `host_mode`: expected a boolean, got a string"},
		{"alc_run", `{"code":"x","limits":[1]}`, "invalid type for `limits`: expected an object, got an array"},
		{"alc_run", `{"code":"x","isolation":"thread"}`, `invalid `+"`isolation`"+`: isolation "thread" is not known, take "shared" or "process"`},
		{"alc_run", `{"code":"x","isolation":true}`, "invalid type for `isolation`: expected a string, got a boolean"},
		{"alc_run", `{"code_file":{}}`, "invalid type for `code_file`: expected a string, got an object"},
		{"alc_run", `{"code":"x","session_id":1}`, "invalid type for `session_id`: expected a string, got the number 1"},
		{"alc_run", `{"code":"x","project_root":false}`, "invalid type for `project_root`: expected a string, got a boolean"},
		{"alc_continue", `{"response":"A"}`, "missing field `session_id`"},
		{"alc_continue", `{"session_id":null}`, "missing field `session_id`"},
		{"alc_continue", `{"session_id":"s"}`, "Either 'response' or 'responses' must be provided"},
		{"alc_continue", `{"session_id":"s","responses":[]}`, "Empty responses array"},
		{"alc_continue", `{"session_id":"s","response":{"text":"A"}}`, "invalid type for `response`: expected a string, got an object"},
		{"alc_continue", `{"session_id":"s","response":"A","usage":{"prompt_tokens":-1}}`, "invalid type for `prompt_tokens`: expected a whole number that is not negative, got the number -1"},
		{"alc_continue", `{"session_id":"s","response":"A","usage":7}`, "invalid type for `usage`: expected an object, got the number 7"},
		{"alc_continue", `{"session_id":"s","responses":"A"}`, "invalid type for `responses`: expected an array, got a string"},
		{"alc_continue", `{"session_id":"s","responses":[null]}`, "invalid `responses[0]`: invalid type: expected an object, got null"},
		{"alc_continue", `{"session_id":"s","responses":[{"response":"A"}]}`, "invalid `responses[0]`: missing field `query_id`"},
		{"alc_continue", `{"session_id":"s","responses":[{"query_id":"q-0","response":"A"},{"query_id":"q-1"}]}`, "invalid `responses[1]`: missing field `response`"},
		{"alc_status", `{"session_id":5}`, "invalid type for `session_id`: expected a string, got the number 5"},
		{"alc_status", `{"include_history":"yes"}`, "invalid type for `include_history`: expected a boolean, got a string"},
		{"alc_status", `{"pending_filter":"everything"}`, `unknown pending_filter preset 'everything' (valid: "meta" | "preview" | "full")`},
		{"alc_pool_status", `{"sid":5}`, "invalid type for `sid`: expected a string, got the number 5"},
		{"alc_pool_stop", `{"sid":["x"]}`, "invalid type for `sid`: expected a string, got an array"},
	}
	for _, c := range cases {
		if text, isErr := call(t, cs, c.tool, json.RawMessage(c.args)); text != c.want || !isErr {
			t.Errorf("%s %s: %q (error %v), want %q", c.tool, c.args, text, isErr, c.want)
		}
	}
}

func TestFailures(t *testing.T) {
	remote := func(code pool.Code, text string, details map[string]any) error {
		return fmt.Errorf("continue: %w", &pool.RemoteError{Code: code, Message: text, Details: details})
	}
	cases := []struct {
		tool string
		err  error
		want string
	}{
		{"alc_run", service.ErrNoCode, "Either `code` or `code_file` must be provided."},
		{"alc_run", &service.ReadError{Path: "/x", Err: errors.New("no such file")}, "Failed to read /x: no such file"},
		{"alc_run", &service.InputError{What: "ctx", Why: "is not JSON"}, "Execution failed: ctx is not JSON"},
		{"alc_run", remote(pool.CodeSessionExists, "session s-1 has other code", nil), "Execution failed: session s-1 has other code (session_exists)"},
		{"alc_run", errors.New("no worker"), "Execution failed: no worker. The session's id is s-1: alc_status tells whether it was started, and alc_run with this session_id and the same code is safe to send again"},
		{"alc_continue", remote(pool.CodeSessionNotFound, "x", map[string]any{"nearest": []any{"s-2", "s-3"}}), "Continue failed: session 's-1' not found; did you mean s-2, s-3?"},
		{"alc_continue", remote(pool.CodeQueryNotOpen, "2 queries pending; specify query_id explicitly", map[string]any{"open": []any{"q-0", "q-1"}}),
			"Continue failed: invalid transition: 2 queries pending; specify query_id explicitly (query_not_open)"},
		{"alc_continue", remote(pool.CodeQueryNotOpen, "unknown query_id: q-9", map[string]any{"query_id": "q-9"}), "Continue failed: unknown query_id: q-9 (query_not_open)"},
		{"alc_continue", remote(pool.CodeAnswerDiffers, "already responded to query_id: q-0", map[string]any{"recorded": "one"}),
			"Continue failed: already responded to query_id: q-0 (answer_differs); the answer on record is: one"},
		{"alc_continue", remote(pool.CodeAnswerDiffers, "already responded", map[string]any{"recorded": strings.Repeat("ü", 9000)}),
			"Continue failed: already responded (answer_differs); the answer on record is: " + strings.Repeat("ü", 2048) + " … (18000 bytes in all)"},
		{"alc_continue", remote(pool.CodeStorageFailed, "disk full", map[string]any{"a": 1}), `Continue failed: session 's-1': disk full (storage_failed) {"a":1}`},
		{"alc_continue", remote(pool.CodeSessionFinished, "session s-1 has ended", map[string]any{"feed_result": map[string]any{"type": "finished", "status": "completed", "output": 4, "metrics": map[string]any{}}}),
			`Continue failed: session 's-1' has finished (session_finished) and takes no more answers; it ended with {"status":"completed","result":4,"stats":{}}`},
		{"alc_continue", remote(pool.CodeSessionFinished, "session s-1 has ended", nil), "Continue failed: session s-1 has ended (session_finished)"},
		{"alc_continue", errors.New("no worker"), "Continue failed: session 's-1': no worker"},
		{"alc_status", remote(pool.CodeSessionNotFound, "x", map[string]any{"nearest": []string{"s-2"}}), "session 's-1' not found (may have completed); did you mean s-2?"},
		{"alc_status", remote(pool.CodeStorageFailed, "disk full", nil), "session 's-1': disk full (storage_failed)"},
		{"alc_status", nil, "session 's-1' not found (may have completed)"},
	}
	for _, c := range cases {
		cs := connect(t, &fakeService{err: c.err, feed: pool.Feed{SessionID: "s-1"}})
		text, isErr := call(t, cs, c.tool, map[string]any{"code": "x", "session_id": "s-1", "response": "A"})
		if text != c.want || !isErr {
			t.Errorf("%s, %v:\n got %q\nwant %q", c.tool, c.err, text, c.want)
		}
	}
	cs := connect(t, &fakeService{err: errors.New("lost")})
	if text, isErr := call(t, cs, "alc_status", nil); text != "Status failed: lost" || !isErr {
		t.Errorf("list: %q, error %v", text, isErr)
	}
}

func TestProtocolErrors(t *testing.T) {
	cs := connect(t, &fakeService{feed: pool.Feed{Type: pool.FeedAccepted}})
	cases := []struct {
		name string
		p    *mcp.CallToolParams
		code int64
	}{
		{"unknown tool", &mcp.CallToolParams{Name: "alc_nope"}, jsonrpc.CodeInvalidParams},
		{"no name", &mcp.CallToolParams{}, jsonrpc.CodeMethodNotFound},
		{"arguments of a wrong type", &mcp.CallToolParams{Name: "alc_run", Arguments: json.RawMessage(`[1]`)}, jsonrpc.CodeMethodNotFound},
	}
	for _, c := range cases {
		_, err := cs.CallTool(t.Context(), c.p)
		var e *jsonrpc.Error
		if !errors.As(err, &e) || e.Code != c.code {
			t.Errorf("%s: %v, want code %d", c.name, err, c.code)
		}
	}
	if text, isErr := call(t, cs, "alc_run", json.RawMessage(`null`)); isErr {
		t.Errorf("arguments null: %s", text)
	}
}

func FuzzArguments(f *testing.F) {
	for _, s := range []string{``, `null`, `{}`, `[]`, `{"code":"x","ctx":"{}"}`, `{"session_id":"s","responses":[{"query_id":"q","response":"r","usage":{"prompt_tokens":1}}]}`, `{"limits":{"a":1e400}}`, `{"code":"\ud800"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := parseArguments(raw)
		if err != nil {
			return
		}
		if in, err := runInput(a); err == nil && in.Code == nil && a["code"] != nil && string(a["code"]) != "null" {
			t.Errorf("code %s was lost", a["code"])
		}
		if answers, err := answersOf(a); err == nil {
			for _, ans := range answers {
				if ans.Response == nil {
					t.Errorf("an answer without a response from %s", raw)
				}
			}
		}
	})
}

func BenchmarkCall(b *testing.B) {
	s := newServer(&fakeService{feed: pool.Feed{SessionID: "s-1", Type: pool.FeedPaused, Queries: []pool.Query{{ID: "q-0", Prompt: "What is 2+2?", MaxTokens: 1024}}}}, Options{})
	tool := s.continueTool()
	req := &mcp.CallToolRequest{Params: &mcp.CallToolParamsRaw{Arguments: json.RawMessage(`{"session_id":"s-1","query_id":"q-0","response":"4"}`)}}
	b.ReportAllocs()
	for b.Loop() {
		if r, err := tool.handle(b.Context(), req); err != nil || r.IsError {
			b.Fatal(r, err)
		}
	}
}
