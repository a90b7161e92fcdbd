package service

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/pool"
)

func TestRender(t *testing.T) {
	stats := json.RawMessage(`{"auto":{"llm_calls":1},"custom":{}}`)
	q0 := pool.Query{ID: "q-0", Prompt: "a < b & c", MaxTokens: 1024}
	q1 := pool.Query{ID: "q-1", Prompt: "b", System: ptr("s"), MaxTokens: 7, Grounded: true, Underspecified: true, Role: ptr("grader"), CacheBreakpoint: ptr("cb")}
	cases := []struct {
		name string
		feed pool.Feed
		want string
	}{
		{"one query", pool.Feed{SessionID: "s-1", Type: pool.FeedPaused, Queries: []pool.Query{q0}},
			`{"status":"needs_response","session_id":"s-1","query_id":"q-0","prompt":"a < b & c","system":null,"max_tokens":1024}`},
		{"one query with all options", pool.Feed{SessionID: "s-1", Type: pool.FeedPaused, Queries: []pool.Query{q1}},
			`{"status":"needs_response","session_id":"s-1","query_id":"q-1","prompt":"b","system":"s","max_tokens":7,"grounded":true,"underspecified":true,"role":"grader","cache_breakpoint":"cb"}`},
		{"two queries", pool.Feed{SessionID: "s-1", Type: pool.FeedPaused, Queries: []pool.Query{q0, q1}},
			`{"status":"needs_response","session_id":"s-1","queries":[{"id":"q-0","prompt":"a < b & c","system":null,"max_tokens":1024},{"id":"q-1","prompt":"b","system":"s","max_tokens":7,"grounded":true,"underspecified":true,"role":"grader","cache_breakpoint":"cb"}]}`},
		{"accepted", pool.Feed{SessionID: "s-1", Type: pool.FeedAccepted, Remaining: 2}, `{"status":"accepted","remaining":2}`},
		{"completed", pool.Feed{SessionID: "s-1", Type: pool.FeedFinished, Status: "completed", Output: json.RawMessage(`{"x":1.0}`), Metrics: stats},
			`{"status":"completed","result":{"x":1.0},"stats":{"auto":{"llm_calls":1},"custom":{}}}`},
		{"completed with nothing", pool.Feed{SessionID: "s-1", Type: pool.FeedFinished, Status: "completed"},
			`{"status":"completed","result":null,"stats":{"auto":{},"custom":{}}}`},
		{"failed", pool.Feed{SessionID: "s-1", Type: pool.FeedFinished, Status: "failed", Error: &pool.Failure{Code: "lua_error", Message: "boom", Traceback: "stack traceback:\n\tx"}},
			`{"status":"error","error":"boom\nstack traceback:\n\tx","code":"lua_error"}`},
		{"failed without a word", pool.Feed{SessionID: "s-1", Type: pool.FeedFinished, Status: "failed"},
			`{"status":"error","error":"the session failed and left no message"}`},
		{"cancelled", pool.Feed{SessionID: "s-1", Type: pool.FeedFinished, Status: "cancelled", Metrics: stats},
			`{"status":"cancelled","stats":{"auto":{"llm_calls":1},"custom":{}}}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := Render(c.feed)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, string(got)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	for _, f := range []pool.Feed{{Type: "odd"}, {Type: pool.FeedFinished, Status: "odd"}, {Type: pool.FeedFinished, Status: "completed", Output: json.RawMessage("{")}} {
		if got, err := Render(f); err == nil {
			t.Errorf("Render(%+v) = %s, want an error", f, got)
		}
	}
}

// pausedEntry is a session with everything that status can show.
func pausedEntry() SessionEntry {
	return SessionEntry{
		SessionInfo: pool.SessionInfo{
			SessionID: "s-1", State: "paused", Strategy: "cot", QueriesOpen: 2, LLMCalls: 2, IdleMS: 5,
			StartedAt: 1_760_000_000_000, LastActivity: 1_760_000_000_500,
			Detail: &pool.SessionDetail{
				Queries:   []pool.Query{{ID: "q-0", Prompt: "first", MaxTokens: 1024}, {ID: "q-1", Prompt: "second", MaxTokens: 9}},
				ElapsedMS: 505, PromptTokens: 4, ResponseTokens: 1, Rounds: 1,
				CurrentQuery: &pool.HistoryEntry{QueryID: "q-1", PromptTokens: 2, StartedAt: 1_760_000_000_400},
				Logs:         []pool.LogEntry{{TS: 1_760_000_000_100, Level: "info", Source: "alc.log", Message: "hello"}},
				Progress:     &pool.Progress{Step: 1, Total: 3},
				Limits:       map[string]any{"step_cpu": "30s"},
				Budget:       &pool.Budget{LLMCalls: ptr(int64(4))},
			},
		},
		Worker:  pool.WorkerInfo{PID: 42, Version: "1.2.3", Sock: "/h/w.sock"},
		History: []pool.HistoryEntry{{QueryID: "q-0", Prompt: "first", PromptTokens: 2, StartedAt: 1_760_000_000_400}},
	}
}

func TestRenderSession(t *testing.T) {
	meta, err := ParsePendingFilter(json.RawMessage(`"meta"`), 0)
	if err != nil {
		t.Fatal(err)
	}
	orphan := SessionEntry{SessionInfo: pool.SessionInfo{
		SessionID: "s-2", State: "paused", QueriesOpen: 1, LLMCalls: 1, StartedAt: 1_760_000_000_000, LastActivity: 1_760_000_000_500, IdleMS: 100,
	}}
	ended := func(f *pool.WireFeed, state string) SessionEntry {
		e := pausedEntry()
		e.State, e.QueriesOpen, e.Detail = state, 0, &pool.SessionDetail{Finished: f}
		return e
	}
	cases := []struct {
		name  string
		entry SessionEntry
		view  StatusView
	}{
		{"paused", pausedEntry(), StatusView{}},
		{"paused-meta-history", pausedEntry(), StatusView{Pending: meta, History: true}},
		{"orphan", orphan, StatusView{Pending: meta, History: true, Warning: "the worker does not answer"}},
		{"silent", orphan, StatusView{Warning: "the worker does not answer"}},
		{"running", func() SessionEntry { e := pausedEntry(); e.State = "running"; return e }(), StatusView{Pending: meta}},
		{"completed", ended(&pool.WireFeed{Status: "completed", Output: json.RawMessage(`"<b>"`), Metrics: json.RawMessage(`{"auto":{"elapsed_ms":20,"rounds":2},"custom":{}}`)}, "completed"), StatusView{}},
		{"failed", ended(&pool.WireFeed{Status: "failed", Error: &pool.Failure{Code: "lua_error", Message: "boom"}}, "failed"), StatusView{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := RenderSession(c.entry, c.view)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "session-"+c.name+".json", got)
		})
	}
}

func TestRenderList(t *testing.T) {
	got, err := RenderList(Listing{}, StatusView{})
	if err != nil || string(got) != `{"active_sessions":0,"sessions":[]}` {
		t.Errorf("empty list = %s, %v", got, err)
	}
	got, err = RenderList(Listing{Active: 5, Sessions: []SessionEntry{pausedEntry()}, Warnings: []string{"a worker is silent"}}, StatusView{})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "list.json", got)
}

func TestRecentLogsAreBounded(t *testing.T) {
	e := pausedEntry()
	e.Detail.Logs = nil
	for i := range 30 {
		e.Detail.Logs = append(e.Detail.Logs, pool.LogEntry{TS: int64(i)})
	}
	logs := viewMetrics(&e).Logs
	if len(logs) != 20 || logs[0].TS != 10 {
		t.Errorf("%d logs from %d on, want the last 20", len(logs), logs[0].TS)
	}
}

func TestRenderPool(t *testing.T) {
	r := PoolReport{Version: "1.2.3", Workers: []pool.WorkerInfo{pausedEntry().Worker}, Sessions: []SessionEntry{pausedEntry()}}
	for _, c := range []struct {
		name string
		r    PoolReport
		full bool
	}{{"ensure", r, false}, {"status", r, true}, {"empty", PoolReport{Version: "1.2.3"}, true}} {
		got, err := RenderPool(c.r, c.full)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "pool-"+c.name+".json", got)
	}
	got, err := RenderPoolStopped(PoolStopped{})
	if want := `{"stopped":[],"errors":[],"workers":[]}`; err != nil || string(got) != want {
		t.Errorf("stopped nothing = %s, %v; want %s", got, err, want)
	}
}

func BenchmarkRender(b *testing.B) {
	f := pool.Feed{SessionID: "s-1", Type: pool.FeedPaused, Queries: []pool.Query{{ID: "q-0", Prompt: "What is 2+2?", MaxTokens: 1024}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Render(f); err != nil {
			b.Fatal(err)
		}
	}
}
