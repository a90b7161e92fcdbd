package pool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"time"
)

// ErrClientClosed is a call on a client that was closed, or whose stream an earlier call found
// broken; then the error wraps what broke it. Dial again.
var ErrClientClosed = errors.New("the connection to the worker is closed; dial again")

// ConnectError is a worker's socket that could not be opened.
type ConnectError struct {
	Sock string
	Err  error
}

func (e *ConnectError) Error() string {
	return fmt.Sprintf("connecting to the worker at %s: %v; %s", e.Sock, e.Err, e.advice())
}

func (e *ConnectError) advice() string {
	switch {
	case errors.Is(e.Err, fs.ErrPermission):
		return "it belongs to another user: use a home of your own (ALC_HOME)"
	case errors.Is(e.Err, syscall.ENOENT), errors.Is(e.Err, syscall.ECONNREFUSED):
		return "no worker listens there any more: ask again, another is started"
	}
	return "see alc pool status"
}

// Unwrap returns the system's error.
func (e *ConnectError) Unwrap() error { return e.Err }

// IOError is a stream that failed after the handshake. What was asked may or may not have
// happened: ask again with the same session id and query ids, that is safe.
type IOError struct {
	Op  string // "read" or "write"
	Err error
}

func (e *IOError) Error() string {
	what := e.Err.Error()
	switch {
	case errors.Is(e.Err, io.ErrUnexpectedEOF):
		what = "the worker went away in the middle of a reply"
	case errors.Is(e.Err, io.EOF):
		what = "the worker went away"
	}
	return fmt.Sprintf("%s: %s; its sessions are in the journal: ask again", e.Op, what)
}

// Unwrap returns the system's error, or io.EOF when the worker went away.
func (e *IOError) Unwrap() error { return e.Err }

// ParseError is a reply that is not JSON or not of the expected shape. The stream is given up,
// since replies might no longer fit their requests.
type ParseError struct {
	Line []byte // its first 200 bytes
	Err  error
}

const shownBytes = 200

func parseError(line []byte, err error) *ParseError {
	return &ParseError{Line: append([]byte(nil), line[:min(len(line), shownBytes)]...), Err: err}
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("the worker's reply makes no sense (%v): %q; is something else listening on its socket?", e.Err, e.Line)
}

// Unwrap returns what was wrong with it.
func (e *ParseError) Unwrap() error { return e.Err }

// HandshakeError is a worker that gave no handshake, or another answer.
type HandshakeError struct {
	Reason string
	Err    error // may be nil
}

func (e *HandshakeError) Error() string {
	return fmt.Sprintf("handshake: %s; if this stays so, end the worker with: alc pool stop", e.Reason)
}

// Unwrap returns the cause, which may be nil.
func (e *HandshakeError) Unwrap() error { return e.Err }

func handshakeTimeout(limit time.Duration) *HandshakeError {
	return &HandshakeError{fmt.Sprintf("handshake recv timeout (%gs)", limit.Seconds()), context.DeadlineExceeded}
}

// VersionMismatchError is a worker of another version than its caller.
type VersionMismatchError struct {
	Client, Server string
}

func (e *VersionMismatchError) Error() string {
	return fmt.Sprintf("version mismatch: this is alc %s, the worker is %s; use that alc for its sessions, or end the worker with: alc pool stop",
		e.Client, e.Server)
}

// PathTooLongError is a socket path that the system cannot bind.
type PathTooLongError struct {
	Path string
	Max  int // bytes that a path may have
}

func (e *PathTooLongError) Error() string {
	return fmt.Sprintf("the socket path %s has %d bytes, this system takes %d; set ALC_HOME to a shorter directory",
		e.Path, len(e.Path), e.Max)
}

// StartError is a worker process that did not become ready.
type StartError struct {
	Reason string
	Log    string // its log file
	Err    error  // may be nil
}

func (e *StartError) Error() string {
	return fmt.Sprintf("starting a worker: %s; its log is %s", e.Reason, e.Log)
}

// Unwrap returns the cause, which may be nil.
func (e *StartError) Unwrap() error { return e.Err }

// broken tells whether err says that the connection, not the request, failed.
func broken(err error) bool {
	var (
		c *ConnectError
		i *IOError
		p *ParseError
		h *HandshakeError
	)
	return errors.Is(err, ErrClientClosed) || errors.As(err, &c) || errors.As(err, &i) ||
		errors.As(err, &p) || errors.As(err, &h)
}
