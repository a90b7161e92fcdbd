package mcp

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func parse(t *testing.T, text string) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// TestFits makes sure that a transcript can fail.
func TestFits(t *testing.T) {
	cases := []struct{ want, got, diff string }{
		{`{"a":1}`, `{"a":1,"b":2}`, ``},
		{`{"a":1}`, `{"a":1.0}`, ``},
		{`{"a":1}`, `{"a":2}`, `$.a: want 1, got 2`},
		{`{"a":1}`, `{"a":"1"}`, `$.a: want 1, got "1"`},
		{`{"a":1}`, `{"a":true}`, `$.a: want 1, got true`},
		{`{"a":1}`, `{}`, `$.a: missing`},
		{`{"a":null}`, `{}`, ``},
		{`{"a":null}`, `{"a":0}`, `$.a: want null, got 0`},
		{`{"a":{}}`, `{"a":[]}`, `$.a: want an object, got []`},
		{`[1,2]`, `[1,2,3]`, `$: want a list of 2, got [1,2,3]`},
		{`[1,[2]]`, `[1,[3]]`, `$[1][0]: want 2, got 3`},
		{`"x"`, `"y"`, `$: want "x", got "y"`},
		{`"<any>"`, `null`, ``},
		{`"<ms>"`, `5`, ``},
		{`"<ms>"`, `"<ms>"`, ``},
		{`"<ms>"`, `"5"`, `$: want a number, got "5"`},
		{`"<text>"`, `"x"`, ``},
		{`"<text>"`, `{}`, ``},
		{`"<text>"`, `""`, `$: want text, got ""`},
		{`"<time>"`, `{}`, `$: want text, got {}`},
		{`9007199254740993`, `9007199254740992`, `$: want 9007199254740993, got 9007199254740992`},
	}
	for _, c := range cases {
		got := strings.Join(fits(parse(t, c.want), parse(t, c.got), "$"), "; ")
		if got != c.diff {
			t.Errorf("%s against %s: %q, want %q", c.want, c.got, got, c.diff)
		}
	}
}

func TestAgree(t *testing.T) {
	result := map[string]any{"result": parse(t, `{"status":"completed"}`)}
	failed := map[string]any{"error": "<text>"}
	cases := []struct {
		name string
		want string
		got  map[string]any
		has  []string
		ok   bool
	}{
		{"any", `"any"`, failed, nil, true},
		{"a result", `{"result":{"status":"completed"}}`, result, nil, true},
		{"another result", `{"result":{"status":"error"}}`, result, nil, false},
		{"an error where a result was", `{"result":{"status":"completed"}}`, failed, nil, false},
		{"an error", `{"error":"<text>","has":["raw"]}`, failed, []string{"text"}, true},
		{"an error that lacks a word", `{"error":"<text>","has":["rare"]}`, failed, nil, false},
		{"an answer that lacks a word", `{"error":"<text>"}`, failed, []string{"rare"}, false},
		{"one of two", `[{"rpc_error":-32602},{"error":"<text>"}]`, failed, nil, true},
		{"none of two", `[{"rpc_error":-32602},{"result":{}}]`, failed, nil, false},
		{"another code", `{"rpc_error":-32602}`, map[string]any{"rpc_error": json.Number("-32601")}, nil, false},
		{"nonsense", `5`, failed, nil, false},
	}
	for _, c := range cases {
		if diffs := agree(parse(t, c.want), c.got, "raw text", c.has); (len(diffs) == 0) != c.ok {
			t.Errorf("%s: %v", c.name, diffs)
		}
	}
}

func TestNames(t *testing.T) {
	n := &names{home: "/h", ids: map[string]string{}}
	n.learn(parse(t, `{"session_id":"sid-1","sessions":[{"sid":"sid-2"},{"session_id":"sid-1"}],"sid":"<x>"}`))
	n.pair(parse(t, `{"query_id":"q-0","queries":[{"id":"q-1"}]}`), parse(t, `{"query_id":"q-7","queries":[{"id":"q-8"}]}`))
	filled := n.fill(parse(t, `{"query_id":"q-0","list":[{"query_id":"q-1"},"<home>/x <sid> <sid2> q-0"]}`))
	if d := fits(parse(t, `{"query_id":"q-7","list":[{"query_id":"q-8"},"/h/x sid-1 sid-2 q-0"]}`), filled, "$"); len(d) > 0 {
		t.Errorf("filled: %v", d)
	}
	normed := n.norm(parse(t, `{"pid":1,"ts":5,"error":"x","state":"failed","message":"m","at":"noon","text":"/h sid-2","version":"1"}`), "")
	if d := fits(parse(t, `{"pid":"<any>","ts":"<any>","at":"noon","text":"<home> <sid2>"}`), normed, "$"); len(d) > 0 {
		t.Errorf("normed: %v", d)
	}
	for key, want := range map[string]string{"pid": "<pid>", "ts": "<ms>", "error": "<text>", "message": "<text>", "version": "<version>"} {
		if got := normed.(map[string]any)[key]; got != want {
			t.Errorf("%s became %v, want %s", key, got, want)
		}
	}
}

func TestUntil(t *testing.T) {
	got := map[string]any{"result": parse(t, `{"state":"done"}`)}
	for _, c := range []struct {
		until string
		want  bool
	}{{`{"state":"done"}`, true}, {`{"state":"running"}`, false}, {`{"not":{"state":"running"}}`, true}, {`{"not":{"state":"done"}}`, false}} {
		if untilHolds(parse(t, c.until).(map[string]any), got) != c.want {
			t.Errorf("%s: want %v", c.until, c.want)
		}
	}
}
