package pool

import (
	"bytes"
	"errors"
	"io"
	"os"
	"time"
)

// MaxLine is the longest line that either side sends or takes, in bytes, the newline included.
const MaxLine = 64 << 20

// MaxFeed is the longest encoding of a pause or a result, in bytes. A handler refuses what is
// longer before it commits it ([Feed.WireSize] tells), so that a reply always fits in a line.
const MaxFeed = 48 << 20

// halfLineTimeout is how long a peer may stay silent in the middle of a line.
const halfLineTimeout = 30 * time.Second

const (
	firstBuffer = 4 << 10 // what a connection costs while only short lines cross it
	keepBuffer  = 1 << 20 // a larger buffer is given back once its line is done with
)

var (
	errLineTooLong = errors.New("line longer than 64 MiB")
	errHalfLine    = errors.New("half a line, then silence")
)

// deadlineReader is the part of a net.Conn that a lineReader needs.
type deadlineReader interface {
	io.Reader
	SetReadDeadline(time.Time) error
}

// lineReader cuts a stream into lines. A line may come in many reads and many lines in one. It
// is used by one goroutine.
type lineReader struct {
	src     deadlineReader
	stall   time.Duration // longest silence within a line; 0 leaves the read deadline alone
	buf     []byte
	r, w    int  // buf[r:w] was read and not yet returned
	scanned int  // buf[r:scanned] has no newline
	armed   bool // a read deadline is set
}

func newLineReader(src deadlineReader, stall time.Duration) *lineReader {
	return &lineReader{src: src, stall: stall, buf: make([]byte, firstBuffer)}
}

// next returns the next line without its newline and without white space around it. The slice is
// good until the next call. At the end of the stream it returns what is left of a last, unended
// line together with io.ErrUnexpectedEOF, or io.EOF when there is nothing.
func (l *lineReader) next() ([]byte, error) {
	l.release()
	for {
		if i := bytes.IndexByte(l.buf[l.scanned:l.w], '\n'); i >= 0 {
			end := l.scanned + i
			line := l.buf[l.r:end]
			l.r, l.scanned = end+1, end+1
			if len(line) >= MaxLine {
				return nil, errLineTooLong
			}
			return bytes.TrimSpace(line), nil
		}
		l.scanned = l.w
		if l.w-l.r >= MaxLine {
			return nil, errLineTooLong
		}
		if err := l.fill(); err != nil {
			return l.end(err)
		}
	}
}

// release gives back the room of lines that were returned.
func (l *lineReader) release() {
	if l.r < l.w {
		return
	}
	l.r, l.w, l.scanned = 0, 0, 0
	if len(l.buf) > keepBuffer {
		l.buf = make([]byte, firstBuffer)
	}
}

func (l *lineReader) fill() error {
	if l.w == len(l.buf) {
		l.makeRoom()
	}
	if err := l.arm(); err != nil {
		return err
	}
	n, err := l.src.Read(l.buf[l.w:])
	l.w += n
	if n > 0 {
		return nil
	}
	return err
}

func (l *lineReader) makeRoom() {
	to := l.buf
	if l.r < len(l.buf)/2 {
		to = make([]byte, 2*len(l.buf))
	}
	n := copy(to, l.buf[l.r:l.w])
	l.buf, l.r, l.w, l.scanned = to, 0, n, n
}

// arm sets a deadline only while half a line is pending: a connection may idle for ever.
func (l *lineReader) arm() error {
	pending := l.w > l.r
	if l.stall == 0 || !pending && !l.armed {
		return nil
	}
	var at time.Time
	if pending {
		at = time.Now().Add(l.stall)
	}
	l.armed = pending
	return l.src.SetReadDeadline(at)
}

func (l *lineReader) end(err error) ([]byte, error) {
	rest := bytes.TrimSpace(l.buf[l.r:l.w])
	switch {
	case l.armed && errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errHalfLine
	case errors.Is(err, io.EOF) && len(rest) > 0:
		l.r, l.scanned = l.w, l.w
		return rest, io.ErrUnexpectedEOF
	}
	return nil, err
}
