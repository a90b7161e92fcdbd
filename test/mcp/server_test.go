package mcp

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// callTimeout is how long a reply may take before the test gives up.
const callTimeout = 60 * time.Second

// server is an alc process that speaks MCP, seen by a client that knows nothing but lines of
// JSON-RPC. One call at a time.
type server struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	stderr bytes.Buffer
	lines  chan []byte // closed at the end of its output
	lastID int
	once   sync.Once
}

// rpcReply is a reply to a tool call.
type rpcReply struct {
	ID     json.Number `json:"id"`
	Result *struct {
		IsError bool `json:"isError"`
		Content []struct {
			Type string `json:"type"`
			Text string `json:"text"`
		} `json:"content"`
	} `json:"result"`
	Error *struct {
		Code    int             `json:"code"`
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	} `json:"error"`
}

func startServer(t *testing.T, dir string, env []string) *server {
	t.Helper()
	s := &server{t: t, cmd: exec.Command(alc), lines: make(chan []byte, 16)}
	s.cmd.Dir, s.cmd.Env = dir, env
	s.cmd.Stderr = &s.stderr
	in, err := s.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.in = in
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go s.read(out)
	s.call("initialize", map[string]any{
		"protocolVersion": "2025-06-18", "capabilities": map[string]any{},
		"clientInfo": map[string]any{"name": "transcripts", "version": "1"},
	})
	s.send(map[string]any{"jsonrpc": "2.0", "method": "notifications/initialized"})
	return s
}

func (s *server) read(out io.Reader) {
	defer close(s.lines)
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			s.lines <- line
		}
		if err != nil {
			return
		}
	}
}

func (s *server) send(msg any) {
	s.t.Helper()
	line, err := json.Marshal(msg)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.in.Write(append(line, '\n')); err != nil {
		s.t.Fatalf("writing to the server: %v; it said: %s", err, s.errors())
	}
}

// call sends a request and returns its reply. Anything on standard output that is not a message
// fails the test.
func (s *server) call(method string, params any) rpcReply {
	s.t.Helper()
	s.start(method, params)
	return s.wait(method)
}

// start sends a request; wait returns the reply to the last one that was started.
func (s *server) start(method string, params any) {
	s.t.Helper()
	s.lastID++
	s.send(map[string]any{"jsonrpc": "2.0", "id": s.lastID, "method": method, "params": params})
}

func (s *server) wait(method string) rpcReply {
	s.t.Helper()
	limit := time.NewTimer(callTimeout)
	defer limit.Stop()
	for {
		select {
		case line, ok := <-s.lines:
			if !ok {
				s.t.Fatalf("%s: the server ended; it said: %s", method, s.errors())
			}
			var r rpcReply
			if err := json.Unmarshal(line, &r); err != nil {
				s.t.Fatalf("%s: not a message: %q", method, line)
			}
			if n, _ := r.ID.Int64(); n == int64(s.lastID) {
				return r
			}
		case <-limit.C:
			s.t.Fatalf("%s: no reply in %v", method, callTimeout)
		}
	}
}

// errors ends the process, so that its last words are there, and returns them.
func (s *server) errors() string {
	s.kill()
	return s.stderr.String()
}

// close is the ordinary end: the host closes its end, the server goes.
func (s *server) close() {
	s.once.Do(func() {
		s.in.Close()
		limit := time.AfterFunc(10*time.Second, func() {
			s.t.Error("the server does not end at the end of its input")
			s.cmd.Process.Kill()
		})
		for range s.lines {
		}
		if err := s.cmd.Wait(); err != nil {
			s.t.Errorf("the server ended with %v; it said: %s", err, s.stderr.String())
		}
		limit.Stop()
	})
}

func (s *server) kill() {
	s.once.Do(func() {
		s.cmd.Process.Kill()
		for range s.lines {
		}
		s.cmd.Wait() // killed: its error says so
	})
}
