package mcpserver

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/pool"
)

// bySDK is a member of _meta that direct knows nothing of.
const bySDK = `,"_meta":{"example.com/x":1}`

// TestDirectRepliesAsTheSDKDoes: a call gets the same reply on either way.
func TestDirectRepliesAsTheSDKDoes(t *testing.T) {
	done := pool.Feed{Type: pool.FeedFinished, SessionID: "s", Status: "completed", Output: json.RawMessage(`"<é \u2028 \"q\" & \u0000>"`)}
	cases := []struct {
		name, params string
		f            *fakeService
	}{
		{"a result", `"name":"alc_run","arguments":{"code":"x"}`, &fakeService{feed: done}},
		{"an error of the tool", `"name":"alc_run","arguments":{"code":"x"}`, &fakeService{err: errors.New("no <disk>")}},
		{"no arguments", `"name":"alc_status"`, &fakeService{}},
		{"arguments that are null", `"name":"alc_status","arguments":null`, &fakeService{}},
		{"an unknown tool", `"name":"alc_nothing","arguments":{}`, &fakeService{}},
		{"no name", `"arguments":{}`, &fakeService{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w, r, _, _ := serve(t, c.f, Options{})
			in := bufio.NewReader(r)
			send(t, w, hello)
			next(t, in)
			for _, id := range []string{"7", `"a\"b"`} {
				send(t, w, fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{%s}}`+"\n", id, c.params))
				direct := anyMessage(t, in)
				send(t, w, fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{%s%s}}`+"\n", id, c.params, bySDK))
				if diff := cmp.Diff(anyMessage(t, in), direct); diff != "" {
					t.Errorf("(-the SDK +direct):\n%s", diff)
				}
			}
		})
	}
}

func anyMessage(t *testing.T, r *bufio.Reader) map[string]any {
	t.Helper()
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("reading a reply: %v", err)
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatalf("reply %q: %v", line, err)
	}
	return m
}

func TestArgumentsThatAreNoObject(t *testing.T) {
	w, r, _, _ := serve(t, &fakeService{}, Options{})
	in := bufio.NewReader(r)
	send(t, w, hello)
	next(t, in)
	send(t, w, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"alc_status","arguments":[1]}}`+"\n")
	if m := next(t, in); m.Error == nil || m.Error.Code != -32601 || !strings.Contains(m.Error.Message, "wants an object") {
		t.Errorf("reply %+v", m)
	}
}

func TestCallBeforeInitializationIsRefused(t *testing.T) {
	w, r, _, _ := serve(t, &fakeService{}, Options{})
	in := bufio.NewReader(r)
	send(t, w, runCall(1)+"\n")
	if m := next(t, in); m.Error == nil {
		t.Errorf("reply %+v, want an error", m)
	}
}

// TestIDInUse: a second call under the id of one in flight is refused, and the first is answered.
func TestIDInUse(t *testing.T) {
	f, w, in, _, _ := begin(t, Options{})
	send(t, w, runCall(1)+"\n")
	if m := next(t, in); m.ID != 1.0 || m.Error == nil || !strings.Contains(m.Error.Message, "in use") {
		t.Errorf("reply %+v, want a refusal", m)
	}
	close(f.hold)
	if m := next(t, in); m.ID != 1.0 || m.Result == nil {
		t.Errorf("reply %+v, want the answer of the first call", m)
	}
}

// TestPlain: only what needs nothing of the SDK is answered directly.
func TestPlain(t *testing.T) {
	run := &tool{}
	d := &direct{tools: map[string]*tool{"alc_run": run}}
	for params, want := range map[string]*tool{
		`{"name":"alc_run"}`:                                   run,
		`{"name":"alc_run","arguments":{"a":1}}`:               run,
		`{"name":"alc_run","_meta":{"progressToken":1}}`:       run,
		`{"name":"alc_run","_meta":{"progressToken":1,"x":2}}`: nil,
		`{"name":"alc_run","_meta":7}`:                         nil,
		`{"name":"alc_run","task":{"ttl":1}}`:                  nil,
		`{"Name":"alc_run"}`:                                   nil,
		`{"name":"other"}`:                                     nil,
		`{"name":1}`:                                           nil,
		`[]`:                                                   nil,
		``:                                                     nil,
	} {
		if got, _ := d.plain(json.RawMessage(params)); got != want {
			t.Errorf("%s: taken %t, want %t", params, got != nil, want != nil)
		}
	}
}
