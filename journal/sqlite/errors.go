package sqlite

import (
	"errors"
	"fmt"

	"github.com/algocline/algocline/journal"
)

// ErrReadOnly is a write to a store that was opened with [Options.ReadOnly].
var ErrReadOnly = errors.New("the journal was opened for reading only")

func notFound(what, name string) error {
	return fmt.Errorf("%s %s: %w", what, name, journal.ErrNotFound)
}

func exists(sid string) error {
	return fmt.Errorf("session %s: %w", sid, journal.ErrExists)
}

// NotCommittedError is an append that is known to have left no trace, for a reason that is not
// its own: the disk was full before the commit began, the ticket could not be had. It may be
// tried again.
type NotCommittedError struct {
	Cause error
}

func (e *NotCommittedError) Error() string {
	return fmt.Sprintf("not committed, nothing was changed: %v", e.Cause)
}

// Unwrap returns the cause.
func (e *NotCommittedError) Unwrap() error { return e.Cause }
