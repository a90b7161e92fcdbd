package sqlite

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ticket lines up the writers of several processes before they begin a transaction: SQLite's own
// busy handler polls, and starves all but one of them.
type ticket struct {
	f        *os.File
	patience time.Duration
	log      *slog.Logger
}

func openTicket(path string, patience time.Duration, log *slog.Logger) (*ticket, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the journal's ticket: %w", err)
	}
	return &ticket{f: f, patience: patience, log: log}, nil
}

func (t *ticket) lock() (release func(), err error) {
	for {
		err = unix.Flock(int(t.f.Fd()), unix.LOCK_EX)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("waiting for the journal's ticket: %w", err)
	}
	return func() { unix.Flock(int(t.f.Fd()), unix.LOCK_UN) }, nil
}

func (t *ticket) close() error { return t.f.Close() }
