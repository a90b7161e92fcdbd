package mcpserver

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/algocline/algocline/pool"
)

const hello = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
`

// message is a reply as far as these tests look.
type message struct {
	ID     any `json:"id"`
	Result *struct {
		Content []struct {
			Text string `json:"text"`
		} `json:"content"`
	} `json:"result"`
	Error *struct {
		Code    int64  `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func next(t *testing.T, r *bufio.Reader) message {
	t.Helper()
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("reading a reply: %v", err)
	}
	var m message
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatalf("reply %q: %v", line, err)
	}
	return m
}

func send(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
}

func runCall(id int) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"alc_run","arguments":{"code":"return 1"}}}`, id)
}

func TestLinesThatAreNoMessages(t *testing.T) {
	w, r, _, _ := serve(t, &fakeService{feed: pool.Feed{Type: pool.FeedAccepted}}, Options{})
	in := bufio.NewReader(r)
	send(t, w, hello)
	next(t, in)
	cases := []struct {
		name, line string
		code       int64
	}{
		{"not JSON", "garbage", -32700},
		{"half of JSON", `{"jsonrpc":`, -32700},
		{"two on a line", runCall(1) + runCall(2), -32700},
		{"a batch", "[" + runCall(1) + "]", -32600},
		{"not JSON-RPC", `{"id":1}`, -32600},
		{"not UTF-8", strings.Replace(runCall(1), "return", "\xff", 1), -32700},
		{"a fraction for an id", strings.Replace(runCall(1), `"id":1`, `"id":1.5`, 1), -32600},
		{"an id that no number of JavaScript is", strings.Replace(runCall(1), `"id":1`, `"id":9007199254740993`, 1), -32600},
		{"too long", strings.Repeat(" ", maxLine) + "x", -32600},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			send(t, w, c.line+"\n")
			if m := next(t, in); m.Error == nil || m.Error.Code != c.code || m.ID != nil {
				t.Errorf("reply %+v, want error %d", m, c.code)
			}
			send(t, w, " \r\n\n  "+runCall(7)+" \r\n")
			if m := next(t, in); m.Result == nil || m.ID != 7.0 {
				t.Errorf("the call after it got %+v", m)
			}
		})
	}
}

func TestLastLineWithoutNewline(t *testing.T) {
	w, r, _, _ := serve(t, &fakeService{feed: pool.Feed{Type: pool.FeedAccepted}}, Options{})
	in := bufio.NewReader(r)
	send(t, w, hello)
	next(t, in)
	send(t, w, runCall(1))
	w.Close()
	if m := next(t, in); m.Result == nil {
		t.Errorf("reply %+v", m)
	}
	if _, err := in.ReadByte(); err != io.EOF {
		t.Errorf("after the last reply: %v, want the end", err)
	}
}

// begin starts a call that waits in the service, and returns the way to let it go.
func begin(t *testing.T, o Options) (f *fakeService, w io.WriteCloser, in *bufio.Reader, stop func(), done <-chan error) {
	t.Helper()
	f = &fakeService{feed: pool.Feed{Type: pool.FeedAccepted, Remaining: 3}, hold: make(chan struct{}), running: make(chan struct{})}
	w, r, cancel, ended := serve(t, f, o)
	in = bufio.NewReader(r)
	send(t, w, hello)
	next(t, in)
	send(t, w, runCall(1)+"\n")
	<-f.running
	return f, w, in, cancel, ended
}

func TestEndOfInputAnswersWhatIsInFlight(t *testing.T) {
	f, w, in, _, _ := begin(t, Options{Grace: time.Minute})
	w.Close()
	close(f.hold)
	if m := next(t, in); m.Result == nil || m.Result.Content[0].Text != `{"status":"accepted","remaining":3}` {
		t.Errorf("reply %+v", m)
	}
}

func TestStopAnswersWhatIsInFlight(t *testing.T) {
	f, w, in, stop, _ := begin(t, Options{Grace: time.Minute})
	stop()
	close(f.hold)
	if m := next(t, in); m.Result == nil {
		t.Errorf("reply %+v", m)
	}
	if _, err := in.ReadByte(); err != io.EOF {
		t.Errorf("after the stop: %v, want the end", err)
	}
	if _, err := io.WriteString(w, "x"); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("writing to a stopped server: %v", err)
	}
}

func TestStopAbandonsWhatTakesTooLong(t *testing.T) {
	_, _, in, stop, _ := begin(t, Options{Grace: time.Millisecond})
	stop()
	if line, err := in.ReadString('\n'); err != io.EOF {
		t.Errorf("got %q, %v; want the end without a reply", line, err)
	}
}

func TestCancelledCallIsAbandoned(t *testing.T) {
	_, w, in, _, _ := begin(t, Options{})
	send(t, w, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`+"\n")
	if m := next(t, in); m.ID != 1.0 {
		t.Errorf("reply %+v, want the end of call 1", m)
	}
	send(t, w, `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"alc_status"}}`+"\n")
	if m := next(t, in); m.ID != 2.0 || m.Result == nil {
		t.Errorf("the call after it got %+v", m)
	}
}

func TestHostThatNoLongerReads(t *testing.T) {
	f := &fakeService{feed: pool.Feed{Type: pool.FeedAccepted}}
	in := io.NopCloser(strings.NewReader(hello + runCall(1) + "\n"))
	out, w := io.Pipe()
	out.Close()
	if err := newServer(f, Options{}).Serve(t.Context(), in, w); err != nil {
		t.Errorf("Serve: %v, want an ordinary end", err)
	}
}

func FuzzReadLine(f *testing.F) {
	for _, s := range []string{"", "\n", "a\nb", " x \r\n", "\n\nend"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := bufio.NewReaderSize(bytes.NewReader(text), 16)
		for _, want := range bytes.SplitAfter(text, []byte("\n")) {
			if len(want) == 0 {
				break
			}
			got, err := readLine(r)
			if err != nil || !bytes.Equal(got, bytes.TrimSpace(want)) {
				t.Fatalf("line %q, %v; want %q", got, err, want)
			}
		}
		if got, err := readLine(r); err != io.EOF {
			t.Fatalf("after the end: %q, %v", got, err)
		}
	})
}
