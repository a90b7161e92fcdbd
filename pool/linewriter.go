package pool

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	// writeChunk bounds one write, so that a slow reader that does read is told from a dead one.
	writeChunk = 1 << 20
	// highWater is how much may wait for a slow reader before a writer is asked to wait.
	highWater = 4 << 20
)

// lineWriter sends whole lines from many goroutines. Whoever finds it idle writes, without
// blocking, its own line and those that were added meanwhile, so that a lone line leaves at once and
// a crowd shares system calls. What the kernel does not take at once is sent by a goroutine of
// the lineWriter's own: no caller ever waits within a line.
type lineWriter struct {
	conn  net.Conn
	raw   syscall.RawConn
	stall time.Duration // longest time for one chunk; 0 is for ever
	onErr func(error)   // told once, from any goroutine

	mu      sync.Mutex
	pending []byte
	spare   []byte
	busy    bool          // somebody is writing
	moved   chan struct{} // closed when pending gets shorter or busy ends; nil while nobody waits
	err     error
}

func newLineWriter(conn net.Conn, stall time.Duration, onErr func(error)) *lineWriter {
	w := &lineWriter{conn: conn, stall: stall, onErr: onErr}
	if sc, ok := conn.(syscall.Conn); ok {
		w.raw, _ = sc.SyscallConn() // without it every write goes through the goroutine
	}
	return w
}

// write queues a line, newline included, and returns; it copies the line.
func (w *lineWriter) write(line []byte) error {
	w.mu.Lock()
	if w.err != nil {
		defer w.mu.Unlock()
		return w.err
	}
	w.pending = append(w.pending, line...)
	if w.busy {
		w.mu.Unlock()
		return nil
	}
	w.busy = true
	w.flush()
	return nil
}

// flush is entered with the lock and busy set; it leaves with neither, or with busy handed to
// the goroutine.
func (w *lineWriter) flush() {
	for range 4 { // then the goroutine takes over: no caller writes for the others for ever
		out := w.take()
		w.mu.Unlock()
		n, err := w.try(out)
		w.mu.Lock()
		if err != nil {
			w.fail(err)
			return
		}
		if n < len(out) {
			w.background(out, n)
			return
		}
		w.give(out)
		if w.rest() {
			w.mu.Unlock()
			return
		}
	}
	w.background(w.take(), 0)
}

// try writes what the kernel takes at once.
func (w *lineWriter) try(b []byte) (n int, err error) {
	if w.raw == nil {
		return 0, nil
	}
	rerr := w.raw.Write(func(fd uintptr) bool {
		n, err = syscall.Write(int(fd), b)
		return true
	})
	if rerr != nil {
		return 0, rerr
	}
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		return 0, nil
	}
	return max(n, 0), err
}

// background sends out[n:] and what follows it. It is entered with the lock and unlocks.
func (w *lineWriter) background(out []byte, n int) {
	go func() { // wait waits for it
		for {
			if err := w.send(out[n:]); err != nil {
				w.mu.Lock()
				w.fail(err)
				return
			}
			n = 0
			w.mu.Lock()
			w.give(out)
			if w.rest() {
				w.mu.Unlock()
				return
			}
			out = w.take()
			w.mu.Unlock()
		}
	}()
	w.mu.Unlock()
}

func (w *lineWriter) send(b []byte) error {
	for len(b) > 0 {
		if w.stall > 0 {
			if err := w.conn.SetWriteDeadline(time.Now().Add(w.stall)); err != nil {
				return err
			}
		}
		n, err := w.conn.Write(b[:min(len(b), writeChunk)])
		b = b[n:]
		if err != nil {
			return err
		}
	}
	if w.stall > 0 {
		return w.conn.SetWriteDeadline(time.Time{})
	}
	return nil
}

func (w *lineWriter) take() []byte {
	out := w.pending
	w.pending, w.spare = w.spare[:0], nil
	w.wake()
	return out
}

// rest ends busy if nothing is left to send, and tells whether it did.
func (w *lineWriter) rest() bool {
	if len(w.pending) > 0 {
		return false
	}
	w.busy = false
	w.wake()
	return true
}

func (w *lineWriter) wake() {
	if w.moved != nil {
		close(w.moved)
		w.moved = nil
	}
}

func (w *lineWriter) give(b []byte) {
	if cap(b) <= keepBuffer {
		w.spare = b[:0]
	}
}

// fail is entered with the lock and unlocks.
func (w *lineWriter) fail(err error) {
	w.busy, w.pending, w.spare = false, nil, nil
	first := w.err == nil
	if first {
		w.err = err
	}
	w.wake()
	w.mu.Unlock()
	if first && w.onErr != nil {
		w.onErr(err)
	}
}

// room waits until not much is queued, the writer has failed or done is closed; it tells
// whether there is room.
func (w *lineWriter) room(done <-chan struct{}) bool {
	return w.until(done, func() bool { return w.err != nil || len(w.pending) <= highWater })
}

// wait returns when all that was queued is sent or the writer has failed, as it does soon once
// the connection is closed.
func (w *lineWriter) wait() {
	w.until(nil, func() bool { return !w.busy })
}

func (w *lineWriter) until(done <-chan struct{}, good func() bool) bool {
	for {
		w.mu.Lock()
		if good() {
			w.mu.Unlock()
			return true
		}
		if w.moved == nil {
			w.moved = make(chan struct{})
		}
		moved := w.moved
		w.mu.Unlock()
		select {
		case <-moved:
		case <-done:
			return false
		}
	}
}
