package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/algocline/algocline/internal/rawmcp"
)

// callTimeout is how long a reply may take before the test gives up.
const callTimeout = 60 * time.Second

// server is an alc process that speaks MCP.
type server struct {
	t      *testing.T
	c      *rawmcp.Client
	stderr *bytes.Buffer
}

// answer is the outcome of a tool call: an error of JSON-RPC, or the text of a result.
type answer struct {
	err     *rawmcp.RPCError
	text    string
	isError bool
}

func startServer(t *testing.T, dir string, env []string) *server {
	t.Helper()
	s := &server{t: t, stderr: new(bytes.Buffer)}
	cmd := exec.Command(alc)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, env, s.stderr
	c, err := rawmcp.Start(t.Context(), cmd)
	if err != nil {
		t.Fatalf("%v; the server said: %s", err, s.stderr)
	}
	s.c = c
	return s
}

// call calls a tool and waits for its answer.
func (s *server) call(tool string, args any) answer {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), callTimeout)
	defer cancel()
	a, err := s.do(ctx, tool, args)
	if err != nil {
		s.kill() // so that its last words are there
		s.t.Fatalf("%s: %v; the server said: %s", tool, err, s.stderr)
	}
	return a
}

func (s *server) do(ctx context.Context, tool string, args any) (answer, error) {
	raw, err := s.c.Call(ctx, "tools/call", map[string]any{"name": tool, "arguments": args})
	var rpc *rawmcp.RPCError
	if errors.As(err, &rpc) {
		return answer{err: rpc}, nil
	}
	if err != nil {
		return answer{}, err
	}
	var r struct {
		IsError bool `json:"isError"`
		Content []struct {
			Type string `json:"type"`
			Text string `json:"text"`
		} `json:"content"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return answer{}, err
	}
	if len(r.Content) != 1 || r.Content[0].Type != "text" {
		return answer{}, errors.New("not one text item: " + string(raw))
	}
	return answer{text: r.Content[0].Text, isError: r.IsError}, nil
}

// start calls a tool without waiting. The channel gets the answer, or is closed without one when
// the server goes before.
func (s *server) start(tool string, args any) <-chan answer {
	got := make(chan answer, 1)
	go func() {
		defer close(got)
		if a, err := s.do(s.t.Context(), tool, args); err == nil {
			got <- a
		}
	}()
	return got
}

// close is the ordinary end: the host closes its end, the server goes, having written nothing
// but messages.
func (s *server) close() {
	limit := time.AfterFunc(10*time.Second, func() {
		s.t.Error("the server does not end at the end of its input")
		s.signal(syscall.SIGKILL)
	})
	defer limit.Stop()
	if err := s.c.Close(); err != nil {
		s.t.Errorf("closing the server: %v; it said: %s", err, s.stderr)
	}
}

func (s *server) kill() {
	if err := s.c.Kill(); err != nil {
		s.t.Errorf("killing the server: %v", err)
	}
}

func (s *server) signal(sig syscall.Signal) {
	if err := syscall.Kill(s.c.PID(), sig); err != nil {
		s.t.Errorf("sending %v to the server: %v", sig, err)
	}
}
