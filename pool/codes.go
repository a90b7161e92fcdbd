package pool

// Code is the machine-readable reason of a refused request. The texts never change.
type Code string

// The codes of ok:false.
const (
	CodeHandshakeRequired Code = "handshake_required"
	CodeVersionMismatch   Code = "version_mismatch"
	CodeMalformedRequest  Code = "malformed_request"
	CodeUnknownOp         Code = "unknown_op"
	CodeLineTooLong       Code = "line_too_long"
	CodeSessionNotFound   Code = "session_not_found"
	CodeSessionFinished   Code = "session_finished"
	CodeSessionExists     Code = "session_exists"
	CodeQueryNotOpen      Code = "query_not_open"
	CodeLeaseLost         Code = "lease_lost"
	CodeNeedsProcess      Code = "needs_process"
	CodeLimitExceeded     Code = "limit_exceeded"
	CodeDiverged          Code = "diverged"
	CodeAnswerDiffers     Code = "answer_differs"
	CodeRebuildFailed     Code = "rebuild_failed"
	CodeEffectUnknown     Code = "effect_unknown"
	CodeStorageFailed     Code = "storage_failed"
	CodeShuttingDown      Code = "shutting_down"
	CodeOutOfMemory       Code = "out_of_memory"
	CodeInternal          Code = "internal"
)

// RemoteError is a request that was refused: ok:false. Details hold what a program needs: both
// versions, the open query ids, the nearest sids, the recorded answer, the limit and its value,
// for lease_lost the "sock" of the live owner when there is one, and for needs_process the
// directories that the session's process must be able to "write".
type RemoteError struct {
	Code    Code
	Message string
	Details map[string]any
}

func (e *RemoteError) Error() string { return e.Message }

// Is makes errors.Is compare codes, whatever the text.
func (e *RemoteError) Is(target error) bool {
	t, ok := target.(*RemoteError)
	return ok && t.Code == e.Code
}
