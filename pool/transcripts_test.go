package pool

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// transcript is one exchange of testdata/pool-transcripts.jsonl: what the original's worker
// answers, and what ours does where that differs. <sid>, <text> and the like stand for what varies.
type transcript struct {
	ID        string `json:"id"`
	Request   string `json:"request"`
	Reference string `json:"reference_reply"`
	Ours      string `json:"our_reply"`
}

func (tr transcript) want() string {
	if tr.Ours != "" {
		return tr.Ours
	}
	return tr.Reference
}

func readTranscripts(t *testing.T) []transcript {
	t.Helper()
	f, err := os.Open("testdata/pool-transcripts.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []transcript
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var tr transcript
		if err := json.Unmarshal(lines.Bytes(), &tr); err != nil {
			t.Fatal(err)
		}
		all = append(all, tr)
	}
	if len(all) < 25 {
		t.Fatalf("only %d transcripts", len(all))
	}
	return all
}

// TestTranscriptRequests sends every recorded request to a worker: each is understood or refused
// as the recorded reply says. What the sessions answer is the business of the real worker's tests.
func TestTranscriptRequests(t *testing.T) {
	for _, tr := range readTranscripts(t) {
		t.Run(tr.ID, func(t *testing.T) {
			h, sock := startServer(t, ServeOptions{})
			before := stubSession{Code: "2"}
			if tr.ID == "continue/two-rounds#3" {
				before.Answers = []string{"1"}
			}
			if err := h.store("<sid>", before); err != nil {
				t.Fatal(err)
			}
			var c *rawConn
			if strings.HasPrefix(tr.ID, "handshake/") {
				c = dialRaw(t, sock)
			} else {
				c = greeted(t, sock)
			}
			c.send(strings.ReplaceAll(tr.Request, "<version>", testVersion) + "\n")
			compareShape(t, tr.want(), c.line())
		})
	}
}

// compareShape compares what every reply to a kind of request has in common: ok, the code, the
// kind, and the members of the envelope.
func compareShape(t *testing.T, want, got string) {
	t.Helper()
	if !strings.HasPrefix(want, "{") {
		want = `{"ok":true,"data":{"kind":"feed"}}` // "a feed, as for any run"
	}
	type shape struct {
		OK    bool           `json:"ok"`
		Data  map[string]any `json:"data"`
		Error any            `json:"error"`
		Code  string         `json:"code"`
	}
	var w, g shape
	unmarshal(t, want, &w)
	unmarshal(t, got, &g)
	for _, into := range []*shape{&w, &g} {
		if into.Error != nil {
			into.Error = "<text>"
		}
		if kind := into.Data["kind"]; kind != nil {
			into.Data = map[string]any{"kind": kind}
		}
	}
	if w.Code == "" && !w.OK {
		w.Code = g.Code // the original sends none
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("%s\ngot %s", diff, got)
	}
}

func unmarshal(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// TestTranscriptFeeds reads every recorded feed of ours as a client does and writes it again:
// it must come out the same.
func TestTranscriptFeeds(t *testing.T) {
	feeds := 0
	for _, tr := range readTranscripts(t) {
		if !strings.Contains(tr.Ours, `"feed_result"`) {
			continue
		}
		feeds++
		t.Run(tr.ID, func(t *testing.T) {
			r, err := parseReply([]byte(tr.Ours))
			if err != nil {
				t.Fatal(err)
			}
			feed, err := decodeFeed(r.data)
			if err != nil {
				t.Fatal(err)
			}
			e := getEncoder()
			defer e.release()
			if err := e.feedReply(nil, feed, false); err != nil {
				t.Fatal(err)
			}
			var want, got any
			unmarshal(t, tr.Ours, &want)
			unmarshal(t, e.buf.String(), &got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if feeds < 10 {
		t.Errorf("only %d feeds", feeds)
	}
}

// TestTranscriptSingle writes recorded feeds in the single-session form and compares the
// original's member with what the original itself answered.
func TestTranscriptSingle(t *testing.T) {
	for _, tr := range readTranscripts(t) {
		if !strings.Contains(tr.Ours, `"feed_result"`) || strings.Contains(tr.Ours, `"q-1","prompt"`) {
			continue
		}
		t.Run(tr.ID, func(t *testing.T) {
			r, err := parseReply([]byte(tr.Ours))
			if err != nil {
				t.Fatal(err)
			}
			feed, err := decodeFeed(r.data)
			if err != nil {
				t.Fatal(err)
			}
			e := getEncoder()
			defer e.release()
			if err := e.feedReply(nil, feed, true); err != nil {
				t.Fatal(err)
			}
			type line struct {
				Data struct {
					Result map[string]any `json:"feed_result"`
				} `json:"data"`
			}
			var want, got line
			unmarshal(t, tr.Reference, &want)
			unmarshal(t, e.buf.String(), &got)
			for name, value := range want.Data.Result {
				if strings.Contains(tr.Ours, `"failed"`) {
					value.(map[string]any)["state"] = map[string]any{"Failed": map[string]any{"error": "<text>\n<text>"}}
				}
				if tr.ID == "continue/two-rounds#2" { // there the ids start again in every round
					value.(map[string]any)["queries"].([]any)[0].(map[string]any)["id"] = "q-1"
				}
				if diff := cmp.Diff(value, got.Data.Result[name]); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
	}
}
