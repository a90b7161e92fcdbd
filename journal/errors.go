package journal

import (
	"errors"
	"fmt"
)

// Sentinels. Typed errors below match theirs with errors.Is.
var (
	ErrNotFound = errors.New("not in the journal")
	ErrExists   = errors.New("session exists already")
	ErrClosed   = errors.New("the journal is closed")
	// ErrConflict, ErrStaleEpoch and ErrOwned: somebody else is, or was, the writer.
	ErrConflict   = errors.New("the session has moved on")
	ErrStaleEpoch = errors.New("the session has another owner now")
	ErrOwned      = errors.New("the session belongs to a live worker")
	// ErrUncertain: whether the commit happened is not known. Drop, read again.
	ErrUncertain = errors.New("not known to be committed")
	// ErrNotCommitted: known to have left no trace, for a reason that is not the append's own.
	ErrNotCommitted = errors.New("not committed")
	// ErrReadOnly: a write to a store that was opened for reading.
	ErrReadOnly = errors.New("the journal was opened for reading only")
	// ErrCorrupt and ErrShortfall: the journal on disk is not what was written.
	ErrCorrupt   = errors.New("the journal is corrupt")
	ErrShortfall = errors.New("the journal ends before its high-water mark")
	// ErrSchema: written by a version of alc that this one cannot follow.
	ErrSchema = errors.New("the journal has another schema")
)

// ConflictError is a batch that follows another seq than the last one.
type ConflictError struct {
	SID        string
	Want, Have int64
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("session %s: append after seq %d, but it ends at %d", e.SID, e.Want, e.Have)
}
func (e *ConflictError) Is(t error) bool { return t == ErrConflict }

// StaleEpochError is a batch of a writer that has lost the session.
type StaleEpochError struct {
	SID        string
	Held, Have int64
}

func (e *StaleEpochError) Error() string {
	return fmt.Sprintf("session %s: epoch %d was taken over by epoch %d", e.SID, e.Held, e.Have)
}
func (e *StaleEpochError) Is(t error) bool { return t == ErrStaleEpoch }

// OwnedError names the live worker that a session belongs to.
type OwnedError struct {
	SID    string
	Worker Worker
}

func (e *OwnedError) Error() string {
	return fmt.Sprintf("session %s belongs to the live worker %d (pid %d, %s)", e.SID, e.Worker.ID, e.Worker.PID, e.Worker.Sock)
}
func (e *OwnedError) Is(t error) bool { return t == ErrOwned }

// UncertainError wraps why it is not known whether a commit happened: a full disk, a failed sync.
type UncertainError struct {
	Cause error
}

func (e *UncertainError) Error() string {
	return fmt.Sprintf("not known to be committed: %v", e.Cause)
}
func (e *UncertainError) Is(t error) bool { return t == ErrUncertain }
func (e *UncertainError) Unwrap() error   { return e.Cause }

// NotCommittedError is an append that is known to have left no trace, for a reason that is not
// its own: the disk was full before the commit began, the writers' turn could not be had. It may
// be tried again, once the head has been read again.
type NotCommittedError struct {
	Cause error
}

func (e *NotCommittedError) Error() string {
	return fmt.Sprintf("not committed, nothing was changed: %v", e.Cause)
}
func (e *NotCommittedError) Is(t error) bool { return t == ErrNotCommitted }
func (e *NotCommittedError) Unwrap() error   { return e.Cause }

// ShortfallError is a journal that ends before what a worker had acknowledged from it.
type ShortfallError struct {
	File       string // the database
	Mark       string // the worker's file that knows better
	Want, Have int64  // entries acknowledged, entries there
}

func (e *ShortfallError) Error() string {
	return fmt.Sprintf("%s ends at entry %d, but by %s entry %d was acknowledged: its log was damaged, or an older copy was put in its place; "+
		"nothing was overwritten; run alc doctor, put the missing file back, or remove the mark to go on without those entries",
		e.File, e.Have, e.Mark, e.Want)
}
func (e *ShortfallError) Is(t error) bool { return t == ErrShortfall }

// CorruptError says where a history stops being what was written.
type CorruptError struct {
	File string // database file, when known
	SID  string
	Seq  int64 // first event that does not fit; 0 when the file itself is damaged
	Why  string
}

func (e *CorruptError) Error() string {
	if e.SID == "" {
		return fmt.Sprintf("%s: %s; nothing was overwritten; run alc doctor", e.File, e.Why)
	}
	return fmt.Sprintf("%s: session %s, event %d: %s; nothing was overwritten; run alc doctor", e.File, e.SID, e.Seq, e.Why)
}
func (e *CorruptError) Is(t error) bool { return t == ErrCorrupt }

// DiskFullError is a disk, or a quota, that has no room for a file of the journal.
type DiskFullError struct {
	Dir   string
	Cause error
}

func (e *DiskFullError) Error() string {
	return fmt.Sprintf("the disk is full: %v; make room in %s and try again", e.Cause, e.Dir)
}
func (e *DiskFullError) Unwrap() error { return e.Cause }
