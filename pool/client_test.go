package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The first four tests are the twins of those of the protocol's first client.

func TestRoundTrip(t *testing.T) {
	replies := []string{
		`{"ok":true,"data":{"kind":"feed","session_id":"test-sid","feed_result":{"type":"paused","session_id":"test-sid","prompt":"hi","query_id":"q1"}}}`,
		`{"ok":true,"data":{"kind":"feed","session_id":"test-sid","feed_result":{"type":"finished","output":"done"}}}`,
		`{"ok":true,"data":{"kind":"shutdown"}}`,
	}
	var got []string
	sock := fakeWorker(t, plainHello, func(c *rawConn) {
		for _, r := range replies {
			line, err := c.r.ReadString('\n')
			if err != nil {
				return
			}
			got = append(got, strings.TrimSpace(line))
			c.Write([]byte(r + "\n"))
		}
	})
	ctx, c := testContext(t), dial(t, sock)
	run, err := c.Do(ctx, OpRun, RunRequest{Code: ptr("return alc.llm('hi')"), LibPaths: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"kind":"feed","session_id":"test-sid","feed_result":{"type":"paused","session_id":"test-sid","prompt":"hi","query_id":"q1"}}`; string(run) != want {
		t.Errorf("run gave %s", run)
	}
	feed, err := c.Continue(ctx, ContinueRequest{SID: "test-sid", Answer: Answer{QueryID: ptr("q1"), Response: ptr("ok")}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Feed{SessionID: "test-sid", Type: FeedFinished, Output: json.RawMessage(`"done"`)}, feed); diff != "" {
		t.Error(diff)
	}
	if err := c.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`{"op":"run","code":"return alc.llm('hi')","lib_paths":[]}`,
		`{"op":"continue","sid":"test-sid","query_id":"q1","response":"ok"}`,
		`{"op":"shutdown"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestVersionMismatch(t *testing.T) {
	sock := fakeWorker(t, `{"ok":true,"data":{"kind":"handshake","version":"999.0.0"},"error":null}`, func(*rawConn) {})
	c, err := Dial(testContext(t), sock, Options{Version: testVersion})
	if c != nil {
		t.Error("got a client")
	}
	var v *VersionMismatchError
	if !errors.As(err, &v) || v.Client != testVersion || v.Server != "999.0.0" {
		t.Errorf("got %v", err)
	}
}

func TestSilentWorker(t *testing.T) {
	t.Parallel()
	const limit = 100 * time.Millisecond
	quit := make(chan struct{})
	sock := fakeWorker(t, "", func(*rawConn) { <-quit })
	defer close(quit)
	begin := time.Now()
	c, err := Dial(testContext(t), sock, Options{Version: testVersion, HandshakeTimeout: limit})
	if c != nil {
		t.Error("got a client")
	}
	var h *HandshakeError
	if !errors.As(err, &h) || !strings.Contains(err.Error(), "handshake recv timeout (0.1s)") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begin); took > limit+time.Second {
		t.Errorf("took %v", took)
	}
	if got := handshakeTimeout(defaultHandshakeTimeout).Reason; got != "handshake recv timeout (10s)" {
		t.Errorf("the text of the usual limit is %q", got)
	}
}

// TestTwoCallers lets two callers share a client, with a worker that answers in turn and with
// one that takes request ids.
func TestTwoCallers(t *testing.T) {
	plain := func(t *testing.T) string {
		return fakeWorker(t, plainHello, func(c *rawConn) {
			for n := 0; ; n++ {
				if _, err := c.r.ReadString('\n'); err != nil {
					return
				}
				fmt.Fprintf(c, `{"ok":true,"data":{"kind":"feed","session_id":"sid-%d","feed_result":{"type":"finished","session_id":"sid-%d"}}}`+"\n", n, n)
			}
		})
	}
	pipelined := func(t *testing.T) string { _, sock := startServer(t, ServeOptions{}); return sock }
	for name, worker := range map[string]func(*testing.T) string{"in turn": plain, "with ids": pipelined} {
		t.Run(name, func(t *testing.T) {
			ctx, c := testContext(t), dial(t, worker(t))
			var mu sync.Mutex
			seen := map[string]int{}
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() {
					for range 10 {
						f, err := c.Run(ctx, RunRequest{Code: ptr("echo")})
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						seen[f.SessionID]++
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			if len(seen) != 20 {
				t.Errorf("20 requests got %d different answers: %v", len(seen), seen)
			}
			if err := c.Shutdown(ctx); name == "with ids" && err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDialErrors(t *testing.T) {
	long := "/" + strings.Repeat("x", 200)
	tests := []struct {
		name  string
		hello string
		want  any
		text  string
	}{
		{"not JSON", "hello", new(*ParseError), "unexpected handshake response"},
		{"another kind", `{"ok":true,"data":{"kind":"status"}}`, new(*HandshakeError), "unexpected handshake response"},
		{"refusal", `{"ok":false,"data":null,"error":"version 2 wanted"}`, new(*RemoteError), "version 2 wanted"},
		{"no version", `{"ok":true,"data":{"kind":"handshake"}}`, new(*HandshakeError), "unexpected handshake response"},
		{"data null", `{"ok":true,"data":null}`, new(*HandshakeError), "unexpected handshake response"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sock := fakeWorker(t, tt.hello, func(*rawConn) {})
			_, err := Dial(testContext(t), sock, Options{Version: testVersion})
			var h *HandshakeError
			if !errors.As(err, &h) || !errors.As(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %T %v", err, err)
			}
		})
	}
	t.Run("closes", func(t *testing.T) {
		sock := fakeWorker(t, "", func(*rawConn) {})
		_, err := Dial(testContext(t), sock, Options{Version: testVersion})
		var h *HandshakeError
		if !errors.As(err, &h) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		_, err := Dial(testContext(t), shortDir(t)+"/none.sock", Options{Version: testVersion})
		var c *ConnectError
		if !errors.As(err, &c) || !strings.Contains(err.Error(), "ask again") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("path too long", func(t *testing.T) {
		_, err := Dial(testContext(t), long, Options{Version: testVersion})
		var p *PathTooLongError
		if !errors.As(err, &p) || !strings.Contains(err.Error(), "ALC_HOME") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		quit := make(chan struct{})
		sock := fakeWorker(t, "", func(*rawConn) { <-quit })
		defer close(quit)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		_, err := Dial(ctx, sock, Options{Version: testVersion})
		var h *HandshakeError
		if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &h) {
			t.Errorf("got %v", err)
		}
	})
}

// TestGivingUp cancels a call in the middle: its reply must not be taken for the next one's.
func TestGivingUp(t *testing.T) {
	for name, hello := range map[string]string{"in turn": plainHello, "with ids": idsHello} {
		t.Run(name, func(t *testing.T) {
			asked, answer := make(chan struct{}), make(chan struct{})
			sock := fakeWorker(t, hello, func(c *rawConn) {
				first, err := c.r.ReadString('\n')
				if err != nil {
					return
				}
				close(asked)
				c.Write([]byte(`{"ok":true,"data":{"kind":"fe`)) // half a line is under way
				<-answer
				c.Write([]byte(`ed","session_id":"first","feed_result":{"type":"finished"}}` + idOf(first) + "}\n"))
				second, err := c.r.ReadString('\n')
				if err != nil {
					return
				}
				c.Write([]byte(`{"ok":true,"data":{"kind":"feed","session_id":"second","feed_result":{"type":"finished"}}` + idOf(second) + "}\n"))
			})
			c := dial(t, sock)
			ctx, cancel := context.WithCancel(testContext(t))
			gaveUp := make(chan error, 1)
			go func() {
				_, err := c.Run(ctx, RunRequest{Code: ptr("1")})
				gaveUp <- err
			}()
			<-asked
			cancel()
			if err := <-gaveUp; !errors.Is(err, context.Canceled) {
				t.Errorf("the first call gave %v", err)
			}
			close(answer)
			f, err := c.Run(testContext(t), RunRequest{Code: ptr("2")})
			if err != nil || f.SessionID != "second" {
				t.Errorf("the second call got %+v, %v", f, err)
			}
		})
	}
}

// idOf is the id member of a request line, to be echoed.
func idOf(line string) string {
	_, rest, ok := strings.Cut(line, `"id":`)
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(rest, ",")
	return `,"id":` + strings.TrimRight(id, "}\n")
}

func TestGivingUpBeforeItsTurn(t *testing.T) {
	asked, quit := make(chan struct{}), make(chan struct{})
	sock := fakeWorker(t, plainHello, func(c *rawConn) {
		c.r.ReadString('\n')
		close(asked)
		<-quit
		c.Write([]byte(`{"ok":true,"data":{"kind":"shutdown"}}` + "\n"))
		if line, err := c.r.ReadString('\n'); err == nil {
			t.Errorf("a call that gave up in the queue was sent: %s", line)
		}
	})
	c := dial(t, sock)
	first := make(chan error, 1)
	go func() { first <- c.Shutdown(testContext(t)) }()
	<-asked
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := c.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the second call gave %v", err)
	}
	close(quit)
	if err := <-first; err != nil {
		t.Error(err)
	}
	c.Close()
}

// TestBrokenReplies checks what a call and the calls after it get from a worker that misbehaves.
func TestBrokenReplies(t *testing.T) {
	tests := []struct {
		name  string
		reply string
		want  any
		is    error
	}{
		{"dies in the middle of a line", `{"ok":true,"da`, new(*IOError), io.ErrUnexpectedEOF},
		{"dies before its reply", "", new(*IOError), io.EOF},
		{"not JSON", "nonsense\n", new(*ParseError), nil},
		{"empty line", "\n", new(*ParseError), nil},
		{"no ok", "{}\n", new(*ParseError), nil},
		{"ok is a string", `{"ok":"yes"}` + "\n", new(*ParseError), nil},
		{"data is a number", `{"ok":true,"data":1}` + "\n", new(*ParseError), nil},
		{"an id that was never sent", `{"ok":true,"data":{},"id":77}` + "\n", new(*ParseError), nil},
		{"an id of another kind", `{"ok":true,"data":{},"id":"x"}` + "\n", new(*ParseError), nil},
		{"not UTF-8", "{\"ok\":true,\"data\":{\"x\":\"\xff\"}}\n", new(*ParseError), nil},
		{"no id though ids were promised", `{"ok":true,"data":{}}` + "\n", new(*ParseError), nil},
		{"a refusal that belongs to nobody", `{"ok":false,"error":"no","code":"line_too_long"}` + "\n", new(*RemoteError), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sock := fakeWorker(t, idsHello, func(c *rawConn) {
				c.r.ReadString('\n')
				c.Write([]byte(tt.reply))
			})
			ctx, c := testContext(t), dial(t, sock)
			_, err := c.Do(ctx, OpStatus, nil)
			if !errors.As(err, tt.want) || tt.is != nil && !errors.Is(err, tt.is) || !broken(err) {
				t.Errorf("the call got %T %v", err, err)
			}
			<-c.Done()
			if _, err := c.Do(ctx, OpStatus, nil); !errors.Is(err, ErrClientClosed) {
				t.Errorf("the next call got %v", err)
			}
		})
	}
}

func TestHalfAReplyThenSilence(t *testing.T) {
	t.Parallel()
	quit := make(chan struct{})
	sock := fakeWorker(t, idsHello, func(c *rawConn) {
		c.r.ReadString('\n')
		c.Write([]byte(`{"ok":true,`))
		<-quit
	})
	defer close(quit)
	c := dialStalling(t, sock, 50*time.Millisecond)
	_, err := c.Do(testContext(t), OpStatus, nil)
	var i *IOError
	if !errors.As(err, &i) || !errors.Is(err, errHalfLine) {
		t.Errorf("got %v", err)
	}
}

// dialStalling is a client with another limit for silence within a line.
func dialStalling(t *testing.T, sock string, stall time.Duration) *Client {
	t.Helper()
	conn, err := connect(testContext(t), sock)
	if err != nil {
		t.Fatal(err)
	}
	lines := newLineReader(conn, 0)
	ids, err := shakeHands(conn, lines, testVersion)
	if err != nil {
		t.Fatal(err)
	}
	lines.stall = stall
	c := newClient(sock, conn, lines, ids)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestClose(t *testing.T) {
	begun := make(chan struct{})
	sock := fakeWorker(t, idsHello, func(c *rawConn) {
		c.r.ReadString('\n')
		close(begun)
		c.r.ReadString('\n')
	})
	c := dial(t, sock)
	inFlight := make(chan error, 1)
	go func() { inFlight <- c.Shutdown(testContext(t)) }()
	<-begun
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := <-inFlight; !errors.Is(err, ErrClientClosed) {
		t.Errorf("the call in flight got %v", err)
	}
	if err := c.Shutdown(testContext(t)); !errors.Is(err, ErrClientClosed) {
		t.Errorf("a later call got %v", err)
	}
}

func TestDoRefusesBadBodies(t *testing.T) {
	_, sock := startServer(t, ServeOptions{})
	ctx, c := testContext(t), dial(t, sock)
	for name, body := range map[string]any{"a number": 5, "a channel": make(chan int), "broken JSON": json.RawMessage("{")} {
		if _, err := c.Do(ctx, OpStatus, body); err == nil || broken(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	huge := strings.Repeat("x", MaxLine)
	if _, err := c.Run(ctx, RunRequest{Code: &huge}); !errors.Is(err, &RemoteError{Code: CodeLineTooLong}) {
		t.Errorf("too long: got %v", err)
	}
	if _, err := c.Do(ctx, OpStatus, json.RawMessage(" {\n } ")); err != nil {
		t.Errorf("the client is of no use any more: %v", err)
	}
}
