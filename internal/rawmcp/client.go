// Package rawmcp is a bare MCP client over the standard streams of a process, for tests and
// benchmarks: it writes and reads the lines itself, so that what it finds is what is on the wire.
package rawmcp

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"sync/atomic"
)

// ErrGone: the server's output has ended.
var ErrGone = errors.New("the server is gone")

// ErrNoise: the server wrote something to its output that is no message.
var ErrNoise = errors.New("not a message on standard output")

// RPCError is a request that was answered with a JSON-RPC error.
type RPCError struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

func (e *RPCError) Error() string { return fmt.Sprintf("%s (%d) %s", e.Message, e.Code, e.Data) }

// Client talks to one server process. It is safe for concurrent use.
type Client struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	done chan struct{}
	next atomic.Int64

	mu      sync.Mutex
	waiting map[int64]chan reply
	gone    bool
	noise   error // the first line that was no message
	wmu     sync.Mutex
}

type reply struct {
	ID     *int64          `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *RPCError       `json:"error"`
}

// Start runs a command and shakes hands. The process is killed when ctx ends.
func Start(ctx context.Context, cmd *exec.Cmd) (*Client, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	c := &Client{cmd: cmd, in: in, done: make(chan struct{}), waiting: map[int64]chan reply{}}
	go c.read(out)
	_, err = c.Call(ctx, "initialize", map[string]any{
		"protocolVersion": "2025-06-18", "capabilities": map[string]any{},
		"clientInfo": map[string]any{"name": "rawmcp", "version": "1"},
	})
	if err == nil {
		err = c.send(map[string]any{"jsonrpc": "2.0", "method": "notifications/initialized", "params": map[string]any{}})
	}
	if err != nil {
		return nil, errors.Join(err, c.Kill())
	}
	return c, nil
}

func (c *Client) read(out io.Reader) {
	defer close(c.done)
	r := bufio.NewReaderSize(out, 1<<16)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			break
		}
		var m reply
		if json.Unmarshal(line, &m) != nil {
			c.mu.Lock()
			c.noise = cmp.Or(c.noise, fmt.Errorf("%w: %.200q", ErrNoise, line))
			c.mu.Unlock()
			continue
		}
		if m.ID == nil {
			continue
		}
		c.mu.Lock()
		ch := c.waiting[*m.ID]
		delete(c.waiting, *m.ID)
		c.mu.Unlock()
		if ch != nil {
			ch <- m
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = true
	for id, ch := range c.waiting {
		close(ch)
		delete(c.waiting, id)
	}
}

func (c *Client) send(m any) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if _, err = c.in.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	return nil
}

// Call sends one request and waits for its result.
func (c *Client) Call(ctx context.Context, method string, params any) (json.RawMessage, error) {
	id, ch := c.next.Add(1), make(chan reply, 1)
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		return nil, ErrGone
	}
	c.waiting[id] = ch
	c.mu.Unlock()
	if err := c.send(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params}); err != nil {
		return nil, err
	}
	select {
	case m, ok := <-ch:
		if !ok {
			return nil, ErrGone
		}
		if m.Error != nil {
			return nil, fmt.Errorf("%s: %w", method, m.Error)
		}
		return m.Result, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// ToolError is a tool result with isError.
type ToolError struct{ Text string }

func (e *ToolError) Error() string { return e.Text }

// Tool calls a tool and decodes the JSON text of its result into v, which may be nil.
func (c *Client) Tool(ctx context.Context, name string, args, v any) error {
	raw, err := c.Call(ctx, "tools/call", map[string]any{"name": name, "arguments": args})
	if err != nil {
		return err
	}
	var r struct {
		IsError bool
		Content []struct{ Text string }
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(r.Content) != 1 {
		return fmt.Errorf("%s: %d content items, want 1", name, len(r.Content))
	}
	if r.IsError {
		return &ToolError{r.Content[0].Text}
	}
	if v == nil {
		return nil
	}
	return json.Unmarshal([]byte(r.Content[0].Text), v)
}

// PID is the server's process id.
func (c *Client) PID() int { return c.cmd.Process.Pid }

// Close ends the server by closing its input and waits for it. A server that has written anything
// but messages is an [ErrNoise].
func (c *Client) Close() error {
	err := c.in.Close()
	<-c.done
	return errors.Join(err, c.cmd.Wait(), c.noise)
}

// Kill ends the server with SIGKILL and waits for it.
func (c *Client) Kill() error {
	if err := c.cmd.Process.Kill(); err != nil {
		return err
	}
	<-c.done
	var exit *exec.ExitError
	if err := c.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}
