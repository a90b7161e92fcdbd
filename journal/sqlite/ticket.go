package sqlite

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/algocline/algocline/journal/mapped"
	"github.com/algocline/algocline/journal/procid"
	"golang.org/x/sys/unix"
)

// ticket lines up the writers of several processes before they begin a transaction: SQLite's own
// busy handler polls, and starves all but one of them. The lock is flock(2) on a file; its
// holder writes who it is into the mapped file, so that one that was stopped in the middle of a
// commit can be found and ended. Used by one goroutine at a time.
type ticket struct {
	f        *os.File
	mem      []byte
	self     procid.ID
	patience time.Duration
	log      *slog.Logger
	// meanwhile is called now and then while the ticket is waited for; nil is nothing.
	meanwhile func()
	// pending is the outcome of a wait in the kernel, which cannot be called off.
	pending chan error
}

// Words of the mapped file: how often the ticket was taken, and by whom last.
const (
	ticketCount = 0
	ticketPID   = 8
	ticketStart = 16
	ticketSize  = 24
)

// stuckFactor times the patience is how long a holder that is not stopped, but does not finish
// either, is waited for.
const stuckFactor = 10

// StuckError is a writer that holds the journal's ticket, does not go on and cannot be ended.
type StuckError struct {
	Holder procid.ID
	For    time.Duration
	Cause  error
}

func (e *StuckError) Error() string {
	return fmt.Sprintf("%v has held the journal for %v and cannot be ended (%v): end it and try again", e.Holder, e.For, e.Cause)
}

// Unwrap returns why the holder could not be ended.
func (e *StuckError) Unwrap() error { return e.Cause }

func openTicket(path string, patience time.Duration, log *slog.Logger) (t *ticket, err error) {
	self, err := procid.Self()
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the journal's ticket: %w", err)
	}
	t = &ticket{f: f, self: self, patience: patience, log: log}
	if t.mem, err = mapped.Map(f, ticketSize); err != nil {
		return nil, fmt.Errorf("mapping the journal's ticket: %w", errors.Join(err, f.Close()))
	}
	return t, nil
}

func (t *ticket) word(off int) *atomic.Uint64 { return (*atomic.Uint64)(unsafe.Pointer(&t.mem[off])) }

// lock waits for the ticket and returns what gives it back.
func (t *ticket) lock() (release func(), err error) {
	err = unix.EWOULDBLOCK
	if t.pending == nil {
		err = flock(t.f, unix.LOCK_EX|unix.LOCK_NB)
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = t.wait()
	}
	if err != nil {
		return nil, fmt.Errorf("waiting for the journal's ticket: %w", err)
	}
	t.word(ticketPID).Store(uint64(t.self.PID))
	t.word(ticketStart).Store(t.self.Start)
	t.word(ticketCount).Add(1)
	return t.unlock, nil
}

func (t *ticket) unlock() {
	t.word(ticketPID).Store(0) // the next holder may be stopped before it has said who it is
	if err := flock(t.f, unix.LOCK_UN); err != nil {
		t.log.Error("giving the journal's ticket back", "error", err) // cannot happen to an open file
	}
}

// wait waits in the kernel, and looks after a holder that does not move.
func (t *ticket) wait() error {
	if t.pending == nil {
		pending := make(chan error, 1)
		t.pending = pending
		go func() { pending <- flock(t.f, unix.LOCK_EX) }()
	}
	look, turn := time.NewTicker(t.patience), time.NewTicker(max(t.patience/40, time.Millisecond))
	defer look.Stop()
	defer turn.Stop()
	seen, since, gone := t.word(ticketCount).Load(), time.Now(), false
	for {
		select {
		case err := <-t.pending:
			t.pending = nil
			return err
		case <-turn.C:
			if t.meanwhile != nil {
				t.meanwhile()
			}
			continue
		case <-look.C:
		}
		if n := t.word(ticketCount).Load(); n != seen {
			seen, since, gone = n, time.Now(), false
			continue
		}
		err := t.endHolder(time.Since(since))
		if errors.Is(err, procid.ErrGone) && !gone {
			// Its locks go after it, when the kernel has ended its last thread.
			gone, since, err = true, time.Now(), nil
		}
		if err != nil {
			return err
		}
	}
}

// endHolder ends the process that holds the ticket if it is stopped, or has been at it for far
// too long without waiting for a disk.
func (t *ticket) endHolder(held time.Duration) error {
	holder := procid.ID{PID: int(t.word(ticketPID).Load()), Start: t.word(ticketStart).Load()}
	state, err := holder.State()
	tooLong := held >= stuckFactor*t.patience
	switch {
	case err == nil && holder == t.self:
		if !tooLong {
			return nil
		}
		err = errors.New("it is this process")
	case err == nil && (state == procid.Stopped || tooLong && state != procid.Waiting):
		if err = holder.Kill(); err == nil || errors.Is(err, procid.ErrGone) {
			t.log.Warn("ended a process that held the journal and did not go on", "pid", holder.PID, "held", held)
			return nil
		}
	}
	// A holder that is gone by now gives the lock up by itself.
	if err == nil || !tooLong {
		return nil
	}
	return &StuckError{Holder: holder, For: held, Cause: err}
}

// close gives up the file. A wait in the kernel that is still going on keeps the descriptor until
// the holder has gone.
func (t *ticket) close() error {
	err := unix.Munmap(t.mem)
	if t.pending == nil {
		return errors.Join(err, t.f.Close())
	}
	go func(pending chan error) {
		<-pending
		_ = t.f.Close() // nobody is left to be told
	}(t.pending)
	return err
}

func flock(f *os.File, how int) error {
	for {
		if err := unix.Flock(int(f.Fd()), how); err != unix.EINTR {
			return err
		}
	}
}
