package mcpserver

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// maxLine is the longest message taken, its newline included, as in the pool's protocol.
const maxLine = 64 << 20

// errPeerGone is a host that has closed the end we write to.
var errPeerGone = errors.New("the host no longer reads")

// lineTransport carries JSON-RPC as one message a line. It differs from the SDK's own in four
// ways: a line that is no message is answered with an error and skipped, not the end of the
// connection; at the end of input the calls in flight still get their answers; a stop from
// outside is such an end; and plain calls go to direct, past the SDK.
type lineTransport struct {
	in     io.ReadCloser
	out    io.Writer
	direct *direct
	stop   <-chan struct{} // closed to end as if the input had ended
	grace  time.Duration   // for calls in flight after the end
}

// Connect implements [mcp.Transport].
func (t *lineTransport) Connect(context.Context) (mcp.Connection, error) {
	c := &lineConn{
		t:      t,
		lines:  make(chan inputLine),
		closed: make(chan struct{}),
		idle:   make(chan struct{}, 1),
	}
	go c.readLines()
	return c, nil
}

type inputLine struct {
	text []byte
	err  error // errTooLong; the line is dropped then
}

var errTooLong = fmt.Errorf("a message is at most %d MiB", maxLine>>20)

// lineConn is the one connection of a lineTransport.
type lineConn struct {
	t      *lineTransport
	lines  chan inputLine // closed at the end of input
	closed chan struct{}
	once   sync.Once

	mu       sync.Mutex // held while a line is written
	inFlight int        // calls that were read and not answered
	idle     chan struct{}
}

// SessionID implements [mcp.Connection]; a stdio connection has none.
func (c *lineConn) SessionID() string { return "" }

// readLines hands lines to Read until the input ends or the connection is closed.
func (c *lineConn) readLines() {
	defer close(c.lines)
	r := bufio.NewReaderSize(c.t.in, 64<<10)
	for {
		text, err := readLine(r)
		if err != nil && !errors.Is(err, errTooLong) {
			return
		}
		if err == nil && len(text) == 0 {
			continue
		}
		select {
		case c.lines <- inputLine{text, err}:
		case <-c.closed:
			return
		}
	}
}

// readLine returns the next line without surrounding white space; a last line without newline
// counts. Of a line that is too long nothing is kept.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	size := 0
	for {
		part, err := r.ReadSlice('\n')
		size += len(part)
		if size <= maxLine {
			line = append(line, part...)
		} else {
			line = nil
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && size == 0 {
			return nil, err
		}
		if size > maxLine {
			return nil, errTooLong
		}
		return bytes.TrimSpace(line), nil
	}
}

// Read implements [mcp.Connection].
func (c *lineConn) Read(ctx context.Context) (jsonrpc.Message, error) {
	for {
		select {
		case l, ok := <-c.lines:
			if !ok {
				c.drain()
				return nil, io.EOF
			}
			msg, err := c.decode(l)
			if err != nil {
				return nil, err
			}
			if msg != nil {
				return msg, nil
			}
		case <-c.t.stop:
			c.drain()
			return nil, io.EOF
		case <-c.closed:
			return nil, io.EOF
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// decode returns the message of a line, or nil after having said what is wrong with it.
func (c *lineConn) decode(l inputLine) (jsonrpc.Message, error) {
	if l.err != nil {
		return nil, c.refuse(jsonrpc.CodeInvalidRequest, l.err.Error())
	}
	msg, err := decodeMessage(l.text)
	var bad *messageError
	if errors.As(err, &bad) {
		return nil, c.refuse(bad.code, bad.text)
	}
	if err != nil {
		return nil, c.refuse(jsonrpc.CodeInvalidRequest, err.Error())
	}
	r, ok := msg.(*jsonrpc.Request)
	if !ok {
		return msg, nil
	}
	if r.IsCall() {
		c.mu.Lock()
		c.inFlight++
		c.mu.Unlock()
	}
	if c.t.direct.take(r, c.reply) {
		return nil, nil
	}
	return msg, nil
}

// refuse answers a line that has no usable id.
func (c *lineConn) refuse(code int64, text string) error {
	line, err := json.Marshal(map[string]any{
		"jsonrpc": "2.0", "id": nil, "error": map[string]any{"code": code, "message": text},
	})
	if err != nil {
		return fmt.Errorf("encoding a refusal: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writeLocked(line)
}

// drain waits until every call that was read is answered, within the grace.
func (c *lineConn) drain() {
	limit := time.NewTimer(c.t.grace)
	defer limit.Stop()
	for {
		c.mu.Lock()
		busy := c.inFlight > 0
		c.mu.Unlock()
		if !busy {
			return
		}
		select {
		case <-c.idle:
		case <-limit.C:
			return
		case <-c.closed:
			return
		}
	}
}

// Write implements [mcp.Connection].
func (c *lineConn) Write(ctx context.Context, msg jsonrpc.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	line, err := jsonrpc.EncodeMessage(msg)
	if err != nil {
		return fmt.Errorf("encoding a message: %w", err)
	}
	r, reply := msg.(*jsonrpc.Response)
	if reply {
		c.t.direct.said(r)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	err = c.writeLocked(line)
	if reply {
		c.answeredLocked()
	}
	return err
}

// reply writes the answer of a call that the SDK has not seen, unless the connection is closed. When
// the host does not read, the connection is over.
func (c *lineConn) reply(line []byte) {
	select {
	case <-c.closed:
		return
	default:
	}
	c.mu.Lock()
	err := c.writeLocked(line)
	c.answeredLocked()
	c.mu.Unlock()
	if err != nil {
		c.Close()
	}
}

func (c *lineConn) answeredLocked() {
	c.inFlight--
	if c.inFlight > 0 {
		return
	}
	select {
	case c.idle <- struct{}{}:
	default:
	}
}

// writeLocked writes a line in one piece.
func (c *lineConn) writeLocked(line []byte) error {
	if _, err := c.t.out.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("%w: %w", errPeerGone, err)
	}
	return nil
}

// Close implements [mcp.Connection]. It may be called many times.
func (c *lineConn) Close() error {
	var err error
	c.once.Do(func() {
		close(c.closed)
		err = c.t.in.Close()
	})
	return err
}
