package pool

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestLines sends one line each, after the handshake, and compares the reply; then it checks
// that the connection lives on.
func TestLines(t *testing.T) {
	h, sock := startServer(t, ServeOptions{})
	if _, err := h.Run(testContext(t), RunRequest{SID: "s1", Code: ptr("2")}); err != nil {
		t.Fatal(err)
	}
	const paused = `{"ok":true,"data":{"kind":"feed","session_id":"s1","feed_result":{"type":"paused","session_id":"s1","queries":[{"id":"q-0","prompt":"question 0","system":null,"max_tokens":1024}],"query_id":"q-0","prompt":"question 0","system":null,"max_tokens":1024}},"error":null}`
	bad := func(text string) string {
		return `{"ok":false,"error":` + string(jsonString(text)) + `,"code":"malformed_request"}`
	}
	tests := []struct{ name, line, want string }{
		{"run", `{"op":"run","sid":"s1","code":"2","ctx":null,"lib_paths":[]}`, paused},
		{"white space and carriage return", "  \t{ \"op\" : \"run\" ,\"sid\":\"s1\", \"code\":\"2\" } \r", paused},
		{"unknown fields", `{"op":"run","sid":"s1","code":"2","zz":{"a":[1,{"b":"]}"}]},"Code":5}`, paused},
		{"nulls are missing", `{"op":"run","sid":"s1","code":"2","lib_paths":null,"limits":null,"name":null,"id":null}`, paused},
		{"escaped names", `{"o\u0070":"run","sid":"s1","code":"\u0032"}`, paused},
		{"integer id", `{"op":"run","sid":"s1","code":"2","id":-7}`, strings.TrimSuffix(paused, "}") + `,"id":-7}`},
		{"string id", `{"id":"a\"b","op":"run","sid":"s1","code":"2"}`, strings.TrimSuffix(paused, "}") + `,"id":"a\"b"}`},
		{"session exists", `{"op":"run","sid":"s1","code":"3"}`, `{"ok":false,"error":"session s1 exists already","code":"session_exists"}`},
		{"query not open", `{"op":"continue","sid":"s1","response":"x","query_id":"q-9"}`, `{"ok":false,"error":"q-9 is not open","code":"query_not_open","details":{"open":["q-0"]}}`},
		{"session not found", `{"op":"continue","sid":"zz","response":"x","id":1}`, `{"ok":false,"error":"no session zz","code":"session_not_found","id":1}`},
		{"finished", `{"op":"run","code":"echo","ctx":{"a":["<&>",1.50]},"sid":"s2"}`, `{"ok":true,"data":{"kind":"feed","session_id":"s2","feed_result":{"type":"finished","session_id":"s2","status":"completed","output":{"a":["<&>",1.50]},"metrics":{"auto":{},"custom":{}}}},"error":null}`},
		{"finished with nothing", `{"op":"run","code":"echo","sid":"s3"}`, `{"ok":true,"data":{"kind":"feed","session_id":"s3","feed_result":{"type":"finished","session_id":"s3","status":"completed","output":null,"metrics":{"auto":{},"custom":{}}}},"error":null}`},
		{"failed", `{"op":"run","code":"fail","sid":"s4"}`, `{"ok":true,"data":{"kind":"feed","session_id":"s4","feed_result":{"type":"finished","session_id":"s4","status":"failed","error":{"code":"lua_error","message":"boom","traceback":"stack"},"metrics":{"auto":{},"custom":{}}}},"error":null}`},
		{"cancel", `{"op":"cancel","sid":"s2","reason":"why not"}`, `{"ok":true,"data":{"kind":"feed","session_id":"s2","feed_result":{"type":"finished","session_id":"s2","status":"completed","output":{"a":["<&>",1.50]},"metrics":{"auto":{},"custom":{}}}},"error":null}`},
		{"handshake again", `{"op":"handshake","version":"` + testVersion + `","id":3}`, strings.TrimSuffix(idsHello, "}") + `,"id":3}`},

		{"empty", "", bad(`the line is empty; send one request a line as {"op":…}`)},
		{"array", `["status",true]`, bad(`the line is not a JSON object; send one request a line as {"op":…}`)},
		{"not JSON", `{nope`, bad(`the line is not one JSON object: invalid character 'n' looking for beginning of object key string; send one request a line as {"op":…}`)},
		{"two objects", `{"op":"status"} {"op":"status"}`, bad(`the line is not one JSON object: invalid character '{' after top-level value; send one request a line as {"op":…}`)},
		{"not UTF-8", "{\"op\":\"status\",\"x\":\"\xff\"}", bad(`the line is not UTF-8; send one request a line as {"op":…}`)},
		{"no op", `{"sid":"x","id":9}`, `{"ok":false,"error":"field \"op\" is missing","code":"malformed_request","id":9}`},
		{"op null", `{"op":null}`, bad(`field "op" is missing`)},
		{"op is a number", `{"op":5}`, bad(`field "op" must be a string, not the number 5`)},
		{"id is an object", `{"op":"status","id":{}}`, bad(`field "id" must be a string or an integer, not an object`)},
		{"id is a fraction", `{"op":"status","id":1.5}`, bad(`field "id" must be a string or an integer, not the number 1.5`)},
		{"no code", `{"op":"run"}`, bad(`run: field "code" is missing`)},
		{"code null", `{"op":"run","code":null}`, bad(`run: field "code" is missing`)},
		{"code is a number", `{"op":"run","code":5}`, bad(`run: field "code" must be a string, not the number 5`)},
		{"bad sid", `{"op":"run","code":"","sid":"a/b"}`, bad(`run: field "sid" must be 1 to 64 of A-Z a-z 0-9 . _ -`)},
		{"lib_paths is a string", `{"op":"run","code":"","lib_paths":"x"}`, bad(`run: field "lib_paths" must be an array of strings, not a string`)},
		{"a lib path is null", `{"op":"run","code":"","lib_paths":["x",null]}`, bad(`run: field "lib_paths[1]" must be a string, not null`)},
		{"limits is an array", `{"op":"run","code":"","limits":[]}`, bad(`run: field "limits" must be an object, not an array`)},
		{"env of numbers", `{"op":"run","code":"","env":{"A":1}}`, bad(`run: field "env.A" must be a string, not the number 1`)},
		{"no response", `{"op":"continue","sid":"s1"}`, bad(`continue: field "response" is missing`)},
		{"response is a number", `{"op":"continue","sid":"s1","response":5}`, bad(`continue: field "response" must be a string, not the number 5`)},
		{"no sid", `{"op":"continue","response":""}`, bad(`continue: field "sid" is missing`)},
		{"both forms", `{"op":"continue","sid":"s1","response":"x","responses":[{"response":"y"}]}`, bad(`continue: send "response" or "responses", not both`)},
		{"responses is an object", `{"op":"continue","sid":"s1","responses":{}}`, bad(`continue: field "responses" must be an array, not an object`)},
		{"an entry is a string", `{"op":"continue","sid":"s1","responses":["x"]}`, bad(`continue: field "responses[0]" must be an object, not a string`)},
		{"an entry without response", `{"op":"continue","sid":"s1","responses":[{"response":"a"},{"query_id":"q-1"}]}`, bad(`continue.responses[1]: field "response" is missing`)},
		{"negative tokens", `{"op":"continue","sid":"s1","response":"x","usage":{"prompt_tokens":-1}}`, bad(`continue: field "usage.prompt_tokens" must be an integer of at least 0, not the number -1`)},
		{"tokens as text", `{"op":"continue","sid":"s1","response":"x","usage":{"completion_tokens":"1"}}`, bad(`continue: field "usage.completion_tokens" must be an integer of at least 0, not a string`)},
		{"usage is a list", `{"op":"continue","sid":"s1","response":"x","usage":[]}`, bad(`continue: field "usage" must be an object, not an array`)},
		{"history is a string", `{"op":"status","include_history":"yes"}`, bad(`status: field "include_history" must be a boolean, not a string`)},
		{"cancel without sid", `{"op":"cancel"}`, bad(`cancel: field "sid" is missing`)},
		{"handshake without version", `{"op":"handshake"}`, bad(`handshake: field "version" is missing`)},
		{"unknown op", `{"op":"dance","id":"x"}`, `{"ok":false,"error":"unknown op \"dance\"; this worker (1.2.3-test) serves handshake, run, continue, status, cancel and shutdown","code":"unknown_op","id":"x"}`},
		{"op in capitals", `{"op":"STATUS"}`, `{"ok":false,"error":"unknown op \"STATUS\"; this worker (1.2.3-test) serves handshake, run, continue, status, cancel and shutdown","code":"unknown_op"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := greeted(t, sock)
			c.send(tt.line + "\n")
			if diff := cmp.Diff(tt.want, c.line()); diff != "" {
				t.Error(diff)
			}
			c.send(`{"op":"status"}` + "\n")
			if got := c.line(); !strings.HasPrefix(got, `{"ok":true,"data":{"kind":"status"`) {
				t.Errorf("then status got %s", got)
			}
		})
	}
}

func TestHandshakeRules(t *testing.T) {
	_, sock := startServer(t, ServeOptions{})
	tests := []struct {
		name, send, want string
		closes           bool
	}{
		{"right", `{"op":"handshake","version":"` + testVersion + `"}`, idsHello, false},
		{"another version", `{"op":"handshake","version":"999.0.0"}`, idsHello, true},
		{"another op", `{"op":"status"}`, `{"ok":false,"error":"the first message must be {\"op\":\"handshake\",\"version\":…}, not \"status\"; connect again and send it","code":"handshake_required"}`, true},
		{"an unknown op", `{"op":"x","id":1}`, `{"ok":false,"error":"the first message must be {\"op\":\"handshake\",\"version\":…}, not \"x\"; connect again and send it","code":"handshake_required","id":1}`, true},
		{"no JSON", `hello`, `{"ok":false,"error":"the line is not a JSON object; send one request a line as {\"op\":…}","code":"malformed_request"}`, false},
		{"handover needs none", `{"op":"handover","sid":"x"}`, `{"ok":false,"error":"unknown op \"handover\"; this worker (1.2.3-test) serves handshake, run, continue, status, cancel and shutdown","code":"unknown_op"}`, false},
		{"right, then another version", `{"op":"handshake","version":"` + testVersion + `"}` + "\n" + `{"op":"handshake","version":"2"}`, idsHello + "\n" + idsHello, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dialRaw(t, sock)
			c.send(tt.send + "\n")
			for _, want := range strings.Split(tt.want, "\n") {
				if diff := cmp.Diff(want, c.line()); diff != "" {
					t.Error(diff)
				}
			}
			if tt.closes {
				c.wantClosed()
				return
			}
			c.send(`{"op":"handshake","version":"` + testVersion + `"}` + "\n")
			if got := c.line(); got != idsHello {
				t.Errorf("the connection is not well: %s", got)
			}
		})
	}
}

// TestSplitWrites sends lines in pieces, also within a character, and several in one write.
func TestSplitWrites(t *testing.T) {
	_, sock := startServer(t, ServeOptions{})
	hello := `{"op":"handshake","version":"` + testVersion + `"}` + "\n"
	echo := `{"op":"run","code":"echo","sid":"e","ctx":"é€𝄞"}` + "\n"
	text := hello + echo + echo + `{"op":"status"}` + "\n"
	for _, size := range []int{1, 2, 3, 7, len(text)} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			c := dialRaw(t, sock)
			for i := 0; i < len(text); i += size {
				c.send(text[i:min(i+size, len(text))])
			}
			for i, want := range []string{`"handshake"`, `"é€𝄞"`, `"é€𝄞"`, `"status"`} {
				if got := c.line(); !strings.Contains(got, want) {
					t.Errorf("reply %d is %s", i, got)
				}
			}
		})
	}
}

// TestOrder checks that replies without ids come in order, and with ids as they are ready.
func TestOrder(t *testing.T) {
	h, sock := startServer(t, ServeOptions{})
	c := greeted(t, sock)
	c.send(`{"op":"run","code":"slow 30","sid":"a"}` + "\n" + `{"op":"run","code":"1","sid":"b"}` + "\n")
	for _, sid := range []string{"a", "b"} {
		if got := c.line(); !strings.Contains(got, `"session_id":"`+sid+`"`) {
			t.Errorf("instead of %s came %s", sid, got)
		}
	}
	c.send(`{"op":"run","code":"gated","sid":"c","id":1}` + "\n" + `{"op":"run","code":"1","sid":"d","id":"two"}` + "\n")
	if got := c.line(); !strings.HasSuffix(got, `,"id":"two"}`) {
		t.Errorf("first came %s", got)
	}
	close(h.gate)
	if got := c.line(); !strings.HasSuffix(got, `,"id":1}`) {
		t.Errorf("then came %s", got)
	}
}

func TestLastLineWithoutNewline(t *testing.T) {
	h, sock := startServer(t, ServeOptions{})
	c := greeted(t, sock)
	c.send(`{"op":"run","code":"1","sid":"last"}`)
	c.Conn.(*net.UnixConn).CloseWrite()
	if got := c.line(); !strings.Contains(got, `"session_id":"last"`) {
		t.Errorf("got %s", got)
	}
	c.wantClosed()
	c = greeted(t, sock)
	c.send(`{"op":"run","code":"1","sid":"cut`)
	c.Conn.(*net.UnixConn).CloseWrite()
	c.wantClosed()
	if _, err := h.load("cut"); err == nil {
		t.Error("half a request was carried out")
	}
}

// TestSingleForm checks the members that the original's hosts read, and that the server ends
// with its session.
func TestSingleForm(t *testing.T) {
	h, err := newStub("", Place{})
	if err != nil {
		t.Fatal(err)
	}
	sock, served := serveHandler(t, h, ServeOptions{Single: true})
	probe := greeted(t, sock)
	probe.Close()
	c := greeted(t, sock)
	steps := []struct{ send, want string }{
		{`{"op":"run","code":"1","ctx":null,"lib_paths":[],"sid":"x"}`, `{"Paused":{"queries":[{"id":"q-0","prompt":"question 0","system":null,"max_tokens":1024}]}}`},
		{`{"op":"continue","sid":"x","response":"yes","query_id":"q-0","usage":null}`, `{"Finished":{"state":{"Completed":{"result":"yes"}},"metrics":{"auto":{},"custom":{}}}}`},
		{`{"op":"run","code":"fail","sid":"y"}`, `{"Finished":{"state":{"Failed":{"error":"boom\nstack"}},"metrics":{"auto":{},"custom":{}}}}`},
	}
	for _, s := range steps {
		c.send(s.send + "\n")
		var got struct {
			Data struct {
				Result map[string]json.RawMessage `json:"feed_result"`
			} `json:"data"`
		}
		if err := json.Unmarshal([]byte(c.line()), &got); err != nil {
			t.Fatal(err)
		}
		if _, ok := got.Data.Result["type"]; !ok {
			t.Error("our own form is gone")
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal([]byte(s.want), &want); err != nil {
			t.Fatal(err)
		}
		for name, value := range want {
			if string(got.Data.Result[name]) != string(value) {
				t.Errorf("%s is %s, want %s", name, got.Data.Result[name], value)
			}
		}
	}
	for f, want := range map[*Feed]string{
		{Type: FeedAccepted, Remaining: 1}:                            `{"type":"accepted","remaining":1,"Accepted":{"remaining":1}}`,
		{Type: FeedFinished, Status: StatusCancelled, SessionID: "z"}: `{"type":"finished","session_id":"z","status":"cancelled","Finished":{"state":"Cancelled","metrics":null}}`,
	} {
		got, err := json.Marshal(f.single())
		if err != nil || string(got) != want {
			t.Errorf("%v: got %s, %v", f, got, err)
		}
	}
	c.Close()
	select {
	case err := <-served:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(testPatience):
		t.Error("the server outlives its session")
	}
}
