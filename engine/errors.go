package engine

import (
	"errors"
	"fmt"
	"strings"
)

// Sentinels; the typed errors below match theirs with errors.Is.
var (
	// ErrNoModule: no package directory has the module.
	ErrNoModule = errors.New("module not found")
	// ErrDiverged: a replay does not reproduce the recorded history.
	ErrDiverged = errors.New("replay diverged from the record")
	// ErrQueryNotOpen: an answer to a query that is not open.
	ErrQueryNotOpen = errors.New("query is not open")
	// ErrAnswerDiffers: another answer to a query that was answered.
	ErrAnswerDiffers = errors.New("query was answered differently")
	// ErrFinished: the session has ended.
	ErrFinished = errors.New("session has ended")
	// ErrRebuild: the session could not be rebuilt here and now; it may be tried again.
	ErrRebuild = errors.New("session could not be rebuilt")
	// ErrBroken: a commit failed; the session must be dropped and restored from the journal.
	ErrBroken = errors.New("session must be restored from the journal")
	// ErrBadHistory: recorded events that this version cannot read.
	ErrBadHistory = errors.New("recorded history cannot be read")
	// ErrBadLimit: a limit that is unknown, malformed or above what the operator allows.
	ErrBadLimit = errors.New("bad limit")
)

// DivergedError says where a replay left the record. Nothing is written when it happens: the
// history stays as it is for a version that can follow it.
type DivergedError struct {
	SID       string
	Seq       int64
	Want, Got string
	Recorded  string // release, Lua and class of machine that recorded the session
	Running   string // those that replay it
}

func (e *DivergedError) Error() string {
	s := fmt.Sprintf("session %s diverged at event %d: recorded %s, replayed %s", e.SID, e.Seq, e.Want, e.Got)
	if e.Recorded != e.Running {
		s += fmt.Sprintf(" (recorded by %s, replayed by %s: continue it with the version and on the kind of machine that recorded it)", e.Recorded, e.Running)
	}
	return s
}

// Is makes errors.Is(err, ErrDiverged) true.
func (e *DivergedError) Is(t error) bool { return t == ErrDiverged }

// QueryNotOpenError is an answer to a query that is unknown or, when ID is empty, an answer
// that does not say which of several open queries it is for.
type QueryNotOpenError struct {
	ID   string
	Open []string
}

func (e *QueryNotOpenError) Error() string {
	switch {
	case e.ID == "" && len(e.Open) > 1:
		return fmt.Sprintf("%d queries pending; specify query_id explicitly (open: %s)", len(e.Open), strings.Join(e.Open, ", "))
	case len(e.Open) == 0:
		return fmt.Sprintf("unknown query_id: %s (no query is open)", e.ID)
	}
	return fmt.Sprintf("unknown query_id: %s (open: %s)", e.ID, strings.Join(e.Open, ", "))
}

// Is makes errors.Is(err, ErrQueryNotOpen) true.
func (e *QueryNotOpenError) Is(t error) bool { return t == ErrQueryNotOpen }

// AnswerDiffersError is another text for a query that was answered before. Recorded is the
// answer that stands, when it is at hand.
type AnswerDiffersError struct {
	ID       string
	Recorded string
}

func (e *AnswerDiffersError) Error() string {
	return fmt.Sprintf("already responded to query_id: %s, with another text; the first answer stands", e.ID)
}

// Is makes errors.Is(err, ErrAnswerDiffers) true.
func (e *AnswerDiffersError) Is(t error) bool { return t == ErrAnswerDiffers }

// BrokenError wraps a failed commit.
type BrokenError struct{ Cause error }

func (e *BrokenError) Error() string   { return "storing the step: " + e.Cause.Error() }
func (e *BrokenError) Unwrap() error   { return e.Cause }
func (e *BrokenError) Is(t error) bool { return t == ErrBroken }
