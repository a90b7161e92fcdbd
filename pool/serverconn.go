package pool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// inFlightLimit bounds the requests with an id that one connection has at work at once; more
// are not read until there is room.
const inFlightLimit = 4096

// serverConn is one caller's connection. One goroutine reads it; requests with an id are served
// by a goroutine each, the others in turn by the reader.
type serverConn struct {
	s     *server
	conn  net.Conn
	lines *lineReader
	w     *lineWriter
	slots chan struct{}
	hello bool // a handshake of our version was seen

	mu      sync.Mutex
	closing bool // no more work is begun
	work    sync.WaitGroup
}

func newServerConn(s *server, conn net.Conn) *serverConn {
	return &serverConn{
		s: s, conn: conn,
		lines: newLineReader(conn, s.o.HalfLineTimeout),
		w:     newLineWriter(conn, s.o.HalfLineTimeout, func(error) { conn.Close() }),
		slots: make(chan struct{}, inFlightLimit),
	}
}

// serve reads until the caller closes, framing is lost or the server ends. What was complete is
// carried out even if nobody waits for the answer any more.
func (c *serverConn) serve() {
	for c.w.room(nil) {
		line, err := c.lines.next()
		if err != nil {
			c.last(line, err)
			break
		}
		if !c.line(line) {
			break
		}
	}
	c.close()
}

// close closes the connection after what is at work was answered. Until then requests are still
// read, and refused.
func (c *serverConn) close() {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	c.work.Wait()
	c.w.wait()
	c.conn.Close()
}

// begin counts a request in, unless the end has begun.
func (c *serverConn) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || c.s.ending() {
		return false
	}
	c.work.Add(1)
	return true
}

// last deals with the end of the stream.
func (c *serverConn) last(line []byte, err error) {
	switch {
	case errors.Is(err, errLineTooLong):
		c.refuse(nil, &RemoteError{Code: CodeLineTooLong, Message: fmt.Sprintf(
			"a line takes at most %d bytes; the connection is closed, since the rest of this one cannot be told from the next", MaxLine)})
	case errors.Is(err, io.ErrUnexpectedEOF):
		if _, _, whole := parseObject(line, nil); whole {
			c.line(line) // only the newline was missing
		}
	case errors.Is(err, errHalfLine):
		c.s.o.Log.Warn("closing a connection", "error", err)
	}
}

// line serves one line; it tells whether to go on reading.
func (c *serverConn) line(line []byte) bool {
	var room [usualFields]field
	r, bad := parseRequest(line, room[:0])
	switch {
	case bad != nil:
		c.refuse(r.id, bad)
		return true
	case r.op == OpHandshake:
		return c.handshake(r)
	case r.op == OpHandover: // has no version, needs no handshake
		c.refuse(r.id, c.unknown(r.op))
		return true
	case !c.hello:
		c.refuse(r.id, &RemoteError{Code: CodeHandshakeRequired, Message: fmt.Sprintf(
			`the first message must be {"op":"handshake","version":…}, not %q; connect again and send it`, r.op)})
		return false
	}
	call, bad := c.call(r)
	if bad != nil {
		c.refuse(r.id, bad)
		return true
	}
	c.start(r, call)
	return true
}

func (c *serverConn) handshake(r request) bool {
	version, bad := decodeHandshake(r.fields)
	if bad != nil {
		c.refuse(r.id, bad)
		return true
	}
	e := getEncoder()
	defer e.release()
	e.handshakeReply(r.id, c.s.o.Version)
	c.send(r.id, e)
	c.hello = version == c.s.o.Version
	return c.hello
}

// call is a decoded request: it does the work and writes the reply, apart from the newline.
type call func(ctx context.Context, e *encoder, id []byte) error

// call decodes a request into what serves it, so that nothing refers to the line any more.
func (c *serverConn) call(r request) (call, *RemoteError) {
	h := c.s.h
	switch r.op {
	case OpRun:
		q, bad := decodeRun(r.fields)
		return c.feed(func(ctx context.Context) (Feed, error) { return h.Run(ctx, q) }), bad
	case OpContinue:
		q, bad := decodeContinue(r.fields)
		return c.feed(func(ctx context.Context) (Feed, error) { return h.Continue(ctx, q) }), bad
	case OpCancel:
		q, bad := decodeCancel(r.fields)
		return c.feed(func(ctx context.Context) (Feed, error) { return h.Cancel(ctx, q) }), bad
	case OpStatus:
		q, bad := decodeStatus(r.fields)
		return c.status(q), bad
	case OpShutdown:
		return c.shutdown, nil
	}
	return nil, c.unknown(r.op)
}

func (c *serverConn) unknown(op Op) *RemoteError {
	return &RemoteError{Code: CodeUnknownOp, Message: fmt.Sprintf(
		"unknown op %.60q; this worker (%s) serves handshake, run, continue, status, cancel and shutdown", op, c.s.o.Version)}
}

func (c *serverConn) feed(ask func(context.Context) (Feed, error)) call {
	return func(ctx context.Context, e *encoder, id []byte) error {
		f, err := ask(ctx)
		if err != nil {
			return err
		}
		if f.Type == FeedFinished && c.s.o.Single {
			c.s.ended.Store(true)
		}
		return e.feedReply(id, f, c.s.o.Single)
	}
}

func (c *serverConn) status(q StatusRequest) call {
	return func(ctx context.Context, e *encoder, id []byte) error {
		st, err := c.s.h.Status(ctx, q)
		if err != nil {
			return err
		}
		return e.statusReply(id, st)
	}
}

func (c *serverConn) shutdown(_ context.Context, e *encoder, id []byte) error {
	c.s.end()
	if err := c.s.shutdown(); err != nil {
		return err
	}
	e.shutdownReply(id)
	return nil
}

// start serves a request: in a goroutine of its own when its caller can tell replies apart, else
// here and now, so that replies come in order.
func (c *serverConn) start(r request, do call) {
	if !c.begin() {
		c.refuse(r.id, &RemoteError{Code: CodeShuttingDown,
			Message: "this worker is ending; its sessions are in the journal: ask again, another worker takes them"})
		return
	}
	if r.id == nil {
		c.finish(nil, do)
		return
	}
	id := bytes.Clone(r.id)
	c.slots <- struct{}{}
	go func() {
		c.finish(id, do)
		<-c.slots
	}()
}

// finish does what begin has counted in.
func (c *serverConn) finish(id []byte, do call) {
	defer c.work.Done()
	c.s.inFlight.Add(1)
	c.s.touch()
	e := getEncoder()
	defer e.release()
	if err := do(c.s.ctx, e, id); err != nil {
		e.buf.Reset()
		e.refusal(id, c.remote(err))
	}
	c.send(id, e)
	c.s.answered()
}

// remote gives an error the form in which a caller gets it.
func (c *serverConn) remote(err error) *RemoteError {
	var r *RemoteError
	if errors.As(err, &r) {
		return r
	}
	c.s.o.Log.Error("serving a request", "error", err)
	return &RemoteError{Code: CodeInternal, Message: err.Error()}
}

func (c *serverConn) refuse(id []byte, r *RemoteError) {
	e := getEncoder()
	defer e.release()
	e.refusal(id, r)
	c.send(id, e)
}

// send queues a reply. That the caller is gone is no error: its request was carried out.
func (c *serverConn) send(id []byte, e *encoder) {
	if e.buf.Len() > MaxLine {
		n := e.buf.Len()
		e.buf.Reset()
		e.refusal(id, &RemoteError{Code: CodeLimitExceeded,
			Message: fmt.Sprintf("the reply has %d bytes, a line takes %d; ask for less", n, MaxLine)})
	}
	if err := c.w.write(e.buf.Bytes()); err != nil {
		c.s.o.Log.Debug("dropping a reply", "error", err)
	}
}
