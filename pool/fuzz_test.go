package pool

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var fuzzSeeds = []string{
	`{"op":"run","code":"1","sid":"s","ctx":{"a":[1,"\u00e9\ud834\udd1e\ud800x"]}}`,
	`{"op":"continue","sid":"s","response":"x","query_id":"q-0","usage":{"prompt_tokens":1},"id":5}`,
	`{"op":"continue","sid":"s","responses":[{"query_id":"q-0","response":"\"\\\/\b\f\n\r\t"}]}`,
	`{"op":"status","include_history":true,"id":"\u0041"}`,
	`{"ok":true,"data":{"kind":"feed","session_id":"s","feed_result":{"type":"paused","queries":[{"id":"q","prompt":"p","system":null,"max_tokens":1}]}},"error":null,"id":1}`,
	`{"ok":true,"data":{"kind":"feed","session_id":"s","feed_result":{"type":"finished","status":"failed","error":{"code":"x"},"output":null}},"id":1}`,
	`{"ok":true,"data":{"kind":"feed","feed_result":{"type":"accepted","remaining":2}},"id":1}`,
	`{"ok":false,"data":null,"error":"no","code":"internal","details":{"a":1},"id":1}`,
	" {}\n[]\n\n{\"a\":\"\xff\"}\r\n{nope",
}

// FuzzObject compares the walk over an object with what encoding/json makes of it.
func FuzzObject(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		line = bytes.TrimSpace(line)
		fields, why, ok := parseObject(line, nil)
		var want map[string]json.RawMessage
		err := json.Unmarshal(line, &want)
		if !ok {
			if why == "" {
				t.Fatal("no reason")
			}
			return // stricter than encoding/json
		}
		if err != nil {
			t.Fatalf("%q was accepted: %v", line, err)
		}
		got := map[string]json.RawMessage{}
		for _, m := range fields {
			got[string(m.name)] = m.value
			compareString(t, m.value)
			if m.value[0] == '[' {
				compareElements(t, m.value)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func compareString(t *testing.T, v []byte) {
	t.Helper()
	var want string
	isString := json.Unmarshal(v, &want) == nil && v[0] == '"'
	if got, ok := stringValue(v); ok != isString || got != want {
		t.Errorf("%q is %q, %v, want %q, %v", v, got, ok, want, isString)
	}
}

func compareElements(t *testing.T, v []byte) {
	t.Helper()
	var want []json.RawMessage
	if err := json.Unmarshal(v, &want); err != nil {
		t.Fatal(err)
	}
	got := elements(v)
	if len(got) != len(want) {
		t.Fatalf("%q has %d elements, want %d", v, len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("element %d of %q is %q, want %q", i, v, got[i], want[i])
		}
	}
}

// FuzzServer sends bytes to a worker, before and after a handshake. Each line it answers with
// must be a reply, and it must serve the next caller.
func FuzzServer(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Add([]byte(`{"op":"handshake","version":"x"}`), false)
	_, sock := startServer(f, ServeOptions{})
	f.Fuzz(func(t *testing.T, text []byte, shaken bool) {
		if bytes.Contains(text, []byte("shutdown")) || bytes.Contains(text, []byte(`\u`)) || bytes.Contains(text, []byte("gated")) ||
			bytes.Contains(text, []byte("slow")) || bytes.Contains(text, []byte("big")) {
			return // these do what they say
		}
		conn, err := net.Dial("unix", sock)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(testPatience))
		if shaken {
			conn.Write([]byte(`{"op":"handshake","version":"` + testVersion + `"}` + "\n"))
		}
		go func() {
			conn.Write(text)
			conn.(*net.UnixConn).CloseWrite()
		}()
		replies := bufio.NewReader(conn)
		for {
			line, err := replies.ReadBytes('\n')
			if err != nil {
				if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
					t.Fatal("the worker neither answers nor closes")
				}
				break
			}
			var r struct {
				OK *bool `json:"ok"`
			}
			if err := json.Unmarshal(line, &r); err != nil || r.OK == nil {
				t.Fatalf("reply %q: %v", line, err)
			}
		}
		if err := ping(t, dial(t, sock)); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzClient answers a call with bytes. It must end, with a reply or an error.
func FuzzClient(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add([]byte(s + "\n"))
	}
	sock := filepath.Join(shortDir(f), "fuzz.sock")
	ln, err := net.Listen("unix", sock)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { ln.Close() })
	f.Fuzz(func(t *testing.T, text []byte) {
		go func() {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			lines := bufio.NewReader(conn)
			lines.ReadBytes('\n')
			io.WriteString(conn, idsHello+"\n")
			lines.ReadBytes('\n')
			conn.Write(text)
		}()
		c, err := Dial(testContext(t), sock, Options{Version: testVersion})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		feed, err := c.Run(testContext(t), RunRequest{Code: ptr("")})
		if errors.Is(err, context.DeadlineExceeded) {
			t.Fatal("the call hangs")
		}
		if err == nil {
			if _, err := feed.WireSize(); err != nil {
				t.Errorf("a feed that was read cannot be written: %v", err)
			}
		}
	})
}

// FuzzFeed writes a feed and reads it back.
func FuzzFeed(f *testing.F) {
	f.Add("s", "q-0", "prompt <&>\u2028", "system", int64(5), "out", uint8(0))
	f.Add("s", "q-0", "\x00\xff\"\\", "", int64(-1), "", uint8(1))
	f.Fuzz(func(t *testing.T, sid, id, prompt, system string, tokens int64, out string, kind uint8) {
		clean := func(s string) string {
			v, _ := stringValue(jsonString(s)) // bytes that are not UTF-8 are replaced
			return v
		}
		want := Feed{SessionID: clean(sid)}
		switch kind % 4 {
		case 0, 1:
			want.Type = FeedPaused
			q := Query{ID: clean(id), Prompt: clean(prompt), MaxTokens: tokens, Role: ptr(clean(out))}
			if system != "" {
				q.System = ptr(clean(system))
			}
			want.Queries = []Query{q}
			if kind%4 == 1 {
				want.Queries = append(want.Queries, q)
			}
		case 2:
			want.Type, want.Remaining = FeedAccepted, int(tokens)
		case 3:
			want.Type, want.Status, want.Output, want.Metrics = FeedFinished, StatusCompleted, jsonString(out), json.RawMessage(`{"a":1}`)
		}
		e := getEncoder()
		defer e.release()
		if err := e.feedReply([]byte("1"), want, false); err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(e.buf.Bytes(), []byte("\n")); n != 1 {
			t.Fatalf("%d newlines in %q", n, e.buf.Bytes())
		}
		r, err := parseReply(bytes.TrimSpace(e.buf.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeFeed(r.data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
