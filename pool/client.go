package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// Options are how a client is made.
type Options struct {
	// Version is sent in the handshake and must equal the worker's.
	Version string
	// HandshakeTimeout limits how long the worker may take to shake hands; 0 is 10 s.
	HandshakeTimeout time.Duration
}

const defaultHandshakeTimeout = 10 * time.Second

// Client is one connection to a worker, after a good handshake. It is safe for concurrent use:
// a worker that understands request ids gets the requests of all callers at once and answers in
// any order, any other gets them one after the other. A caller that gives up leaves nothing
// half-read behind: its reply is read and dropped when it comes.
//
// A client does not reconnect. Once the stream has failed, every call fails with
// [ErrClientClosed].
type Client struct {
	sock string
	conn net.Conn
	w    *lineWriter
	ids  bool
	turn chan struct{} // holds the token while no request is in flight; nil with ids

	mu      sync.Mutex
	pending map[uint64]chan reply
	lastID  uint64
	err     error         // why no new call is taken
	done    chan struct{} // closed when no reply will come any more
	over    sync.Once
	wg      sync.WaitGroup
}

// Dial opens the worker's socket and shakes hands. It returns a client that is ready, or an
// error and nothing else: [*ConnectError], [*HandshakeError], [*VersionMismatchError], or that
// of the context.
func Dial(ctx context.Context, sock string, o Options) (*Client, error) {
	if o.HandshakeTimeout == 0 {
		o.HandshakeTimeout = defaultHandshakeTimeout
	}
	if err := checkPath(sock); err != nil {
		return nil, &ConnectError{sock, err}
	}
	hctx, cancel := context.WithTimeout(ctx, o.HandshakeTimeout)
	defer cancel()
	conn, err := connect(hctx, sock)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("connecting to the worker at %s: %w", sock, context.Cause(ctx))
		}
		return nil, &ConnectError{sock, err}
	}
	stop := context.AfterFunc(hctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	lines := newLineReader(conn, 0)
	ids, err := shakeHands(conn, lines, o.Version)
	if !stop() && err == nil {
		err = hctx.Err() // the deadline was, or is being, set under a good handshake
	}
	if err != nil {
		conn.Close()
		return nil, handshakeFailure(ctx, hctx, sock, o.HandshakeTimeout, err)
	}
	lines.stall = halfLineTimeout
	return newClient(sock, conn, lines, ids), nil
}

// connect tries again when the worker's queue of connections is full for the moment.
func connect(ctx context.Context, sock string) (net.Conn, error) {
	var d net.Dialer
	for wait := time.Millisecond; ; wait *= 2 {
		conn, err := d.DialContext(ctx, "unix", sock)
		if err == nil || !errors.Is(err, syscall.EAGAIN) {
			return conn, err
		}
		if !pause(ctx, wait) {
			return nil, err
		}
	}
}

// pause waits; it tells whether the context is still good.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func shakeHands(conn net.Conn, lines *lineReader, version string) (ids bool, err error) {
	e := getEncoder()
	defer e.release()
	if err := e.request(OpHandshake, 0, map[string]string{"version": version}); err != nil {
		return false, err
	}
	if _, err := conn.Write(e.buf.Bytes()); err != nil {
		return false, err
	}
	line, err := lines.next()
	if err != nil {
		return false, err
	}
	r, err := parseReply(line)
	if err != nil {
		return false, &HandshakeError{fmt.Sprintf("unexpected handshake response: %v", err), parseError(line, err)}
	}
	if r.err != nil {
		return false, &HandshakeError{"unexpected handshake response: " + r.err.Message, r.err}
	}
	var d struct {
		Kind    string  `json:"kind"`
		Version *string `json:"version"`
		IDs     bool    `json:"ids"`
	}
	if err := json.Unmarshal(r.data, &d); err != nil || d.Kind != "handshake" || d.Version == nil {
		return false, &HandshakeError{"unexpected handshake response", parseError(line, errors.New("no handshake"))}
	}
	if *d.Version != version {
		return false, &VersionMismatchError{Client: version, Server: *d.Version}
	}
	return d.IDs, nil
}

func handshakeFailure(ctx, hctx context.Context, sock string, limit time.Duration, err error) error {
	var (
		h *HandshakeError
		v *VersionMismatchError
	)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("shaking hands with the worker at %s: %w", sock, context.Cause(ctx))
	case hctx.Err() != nil:
		return handshakeTimeout(limit)
	case errors.As(err, &v), errors.As(err, &h):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
		return &HandshakeError{"the worker closed the connection; it serves its own user alone", err}
	}
	return &HandshakeError{err.Error(), err}
}

func newClient(sock string, conn net.Conn, lines *lineReader, ids bool) *Client {
	c := &Client{
		sock: sock, conn: conn, ids: ids,
		pending: map[uint64]chan reply{},
		done:    make(chan struct{}),
	}
	if !ids {
		c.turn = make(chan struct{}, 1)
		c.turn <- struct{}{}
	}
	c.w = newLineWriter(conn, 0, nil)
	c.wg.Go(func() { c.read(lines) })
	return c
}

// Do sends one request and waits for its reply, of which it returns the data object. body holds
// the members beside op, as a struct, a map or raw JSON; nil is none. Errors:
// [*RemoteError] when the worker refused; [*IOError], [*ParseError] and [ErrClientClosed] when
// the connection failed, then the request may have been carried out; the context's.
func (c *Client) Do(ctx context.Context, op Op, body any) (json.RawMessage, error) {
	if err := ctx.Err(); err != nil {
		return nil, c.gaveUp(ctx, op)
	}
	e := getEncoder()
	defer e.release()
	if err := c.takeTurn(ctx, op); err != nil {
		return nil, err
	}
	id, answer, err := c.expect()
	if err != nil {
		return nil, err
	}
	err = e.request(op, c.wireID(id), body)
	if err == nil && e.buf.Len() > MaxLine {
		err = &RemoteError{Code: CodeLineTooLong, Message: fmt.Sprintf(
			"%s: the request has %d bytes, a line takes %d; send less in one request", op, e.buf.Len(), MaxLine)}
	}
	if err != nil {
		c.withdraw(id)
		return nil, fmt.Errorf("encoding %s: %w", op, err)
	}
	if !c.w.room(ctx.Done()) {
		c.withdraw(id)
		return nil, c.gaveUp(ctx, op)
	}
	if err := c.w.write(e.buf.Bytes()); err != nil {
		c.withdraw(id)
		return nil, c.refuse(&IOError{"write", err})
	}
	return c.await(ctx, op, id, answer)
}

func (c *Client) gaveUp(ctx context.Context, op Op) error {
	return fmt.Errorf("%s: gave up waiting: %w", op, context.Cause(ctx))
}

// takeTurn waits until no request is in flight, where the worker needs that.
func (c *Client) takeTurn(ctx context.Context, op Op) error {
	if c.ids {
		return nil
	}
	select {
	case <-c.turn:
		return nil
	case <-ctx.Done():
		return c.gaveUp(ctx, op)
	case <-c.done:
		return c.closedError()
	}
}

// expect makes the place where the reply is awaited.
func (c *Client) expect() (uint64, chan reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, nil, c.closedErrorLocked()
	}
	c.lastID++
	id := c.lastID
	answer := make(chan reply, 1)
	c.pending[id] = answer
	return id, answer, nil
}

func (c *Client) wireID(id uint64) uint64 {
	if c.ids {
		return id
	}
	return 0
}

// withdraw forgets a request that was not sent.
func (c *Client) withdraw(id uint64) {
	c.mu.Lock()
	delete(c.pending, id)
	c.mu.Unlock()
	c.passTurn()
}

func (c *Client) passTurn() {
	if c.ids {
		return
	}
	select {
	case c.turn <- struct{}{}:
	default: // a reply came to a request that could not be sent
	}
}

func (c *Client) await(ctx context.Context, op Op, id uint64, answer chan reply) (json.RawMessage, error) {
	select {
	case r := <-answer:
		return r.result()
	case <-ctx.Done():
		c.abandon(id)
		return nil, c.gaveUp(ctx, op)
	case <-c.done:
	}
	select {
	case r := <-answer: // it came before the end
		return r.result()
	default:
		return nil, c.cause()
	}
}

// abandon drops the reply when it comes. The turn stays taken until then.
func (c *Client) abandon(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, waiting := c.pending[id]; waiting && !c.ids {
		c.pending[id] = nil
		return
	}
	delete(c.pending, id)
}

func (r reply) result() (json.RawMessage, error) {
	if r.err != nil {
		return nil, r.err
	}
	return r.data, nil
}

// read delivers replies until the stream ends.
func (c *Client) read(lines *lineReader) {
	for {
		line, err := lines.next()
		if err != nil {
			c.fail(&IOError{"read", err})
			return
		}
		r, err := parseReply(line)
		if err != nil {
			c.fail(parseError(line, err))
			return
		}
		if !c.deliver(r) {
			err := error(r.err)
			if r.err == nil {
				err = errors.New("nothing was asked")
			}
			c.fail(parseError(line, err))
			return
		}
	}
}

// deliver hands a reply to its caller; it tells whether the reply can belong to one.
func (c *Client) deliver(r reply) bool {
	c.mu.Lock()
	if !c.ids {
		for id := range c.pending { // the one in flight
			r.id = id
		}
	}
	answer, expected := c.pending[r.id]
	delete(c.pending, r.id)
	fits := expected || c.ids && r.id > 0 && r.id <= c.lastID
	c.mu.Unlock()
	if expected && answer != nil {
		answer <- r
	}
	if expected {
		c.passTurn()
	}
	return fits
}

// refuse takes no new calls. Replies may still come: a worker that leaves stops reading first.
func (c *Client) refuse(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
	return err
}

// fail ends the client: calls in flight get the first error.
func (c *Client) fail(err error) {
	c.refuse(err)
	c.conn.Close()
	c.over.Do(func() { close(c.done) })
}

// cause is the error of a call that was waiting when the client broke.
func (c *Client) cause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *Client) closedError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closedErrorLocked()
}

func (c *Client) closedErrorLocked() error {
	if errors.Is(c.err, ErrClientClosed) {
		return c.err
	}
	return fmt.Errorf("%w (%w)", ErrClientClosed, c.err)
}

// Done is closed when the client is over: closed, or its stream broken.
func (c *Client) Done() <-chan struct{} { return c.done }

// Close ends the connection; calls in flight fail with [ErrClientClosed]. The worker and its
// sessions are not touched. It returns when the client's goroutines are done, and may be called
// twice.
func (c *Client) Close() error {
	c.fail(ErrClientClosed)
	c.wg.Wait()
	c.w.wait()
	return nil
}
