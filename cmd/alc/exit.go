package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/service"
)

// Exit codes. Scripts rely on them: they never change their meaning.
const (
	exitOK        = 0 // done; a session completed
	exitError     = 1 // a session failed, or anything else went wrong
	exitUsage     = 2 // the command line or the configuration makes no sense
	exitPaused    = 3 // the session waits for an answer
	exitNotFound  = 4 // there is no such session
	exitRefused   = 5 // the session is there but does not take this: an answer, an end, an id
	exitCancelled = 6 // the session was cancelled
)

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long: `Exit codes of alc:

  0  done; a session ran to its end
  1  a session failed (its script raised an error or reached a limit), a check
     of alc doctor failed, or something else went wrong
  2  the command line or the configuration makes no sense
  3  the session is paused and waits for an answer
  4  there is no such session
  5  the session does not take this: the query is not open, it was answered
     otherwise, the session has ended, or its id is taken by other code
  6  the session was cancelled`,
	}
}

// exitStatus is an outcome that has been shown already and only needs its code.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// usageError is a command line that makes no sense.
type usageError struct {
	Err  error
	Cmd  string // the command's path, for the hint
	Hint string // a better hint than the command's help
}

func (e *usageError) Error() string { return e.Err.Error() }
func (e *usageError) Unwrap() error { return e.Err }

// hinted is an error with advice of its own.
type hinted struct {
	error
	hints []string
}

func (e *hinted) Unwrap() error { return e.error }

// stoppedError is a session that was left because answering it failed.
type stoppedError struct {
	error
	sid  string
	goOn string // the command that goes on with it
}

func (e *stoppedError) Unwrap() error { return e.error }

// verdict is an error as it is told: the exit code, the message, what to do, and what a program
// may want to know.
type verdict struct {
	exit    int
	message string
	code    string
	hints   []string
	details map[string]any
}

// judge turns an error into what is told of it.
func judge(err error) verdict {
	v := verdict{exit: exitError, message: err.Error()}
	var (
		usage    *usageError
		advised  *hinted
		remote   *pool.RemoteError
		input    *service.InputError
		read     *service.ReadError
		settings *settingsError
		stopped  *stoppedError
		noState  *service.NoStateError
		state    *service.StateError
	)
	switch {
	case errors.As(err, &usage):
		v.exit, v.code = exitUsage, "usage"
		if !errors.As(err, &advised) {
			v.hints = []string{cmp.Or(usage.Hint, "see "+usage.Cmd+" --help")}
		}
	case errors.As(err, &remote):
		v.exit, v.code, v.details = exitOfCode(remote.Code), string(remote.Code), remote.Details
		v.hints = hintsOf(remote)
		if remote.Code == pool.CodeSessionNotFound {
			v.message, _, _ = strings.Cut(v.message, "; did you mean") // the hint says it
		}
		if remote.Code == pool.CodeSessionFinished {
			v.message = strings.TrimSuffix(v.message, "; its result is in the details") // people see none
		}
	case errors.As(err, &settings):
		v.exit, v.code = exitUsage, "configuration"
	case errors.As(err, &input), errors.As(err, &read):
		v.exit, v.code = exitUsage, "usage"
	case errors.As(err, &noState):
		v.code, v.hints = "not_found", []string{"alc state list shows what there is"}
		v.details = map[string]any{"namespace": noState.Namespace, "key": noState.Key}
	case errors.As(err, &state):
		v.code = "refused"
	case errors.Is(err, context.Canceled):
		v.message = "interrupted"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, errNotADirectory), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOSPC):
		v.hints = []string{"alc doctor checks the home and who owns what in it"}
	}
	if errors.As(err, &advised) {
		v.hints = append(v.hints, advised.hints...)
	}
	if errors.As(err, &stopped) {
		if v.code != string(pool.CodeSessionFinished) {
			v.hints = append(v.hints, "the session is kept; go on with: "+stopped.goOn)
		}
		v.details = maps.Clone(v.details)
		if v.details == nil {
			v.details = make(map[string]any)
		}
		v.details["session_id"] = stopped.sid
	}
	return v
}

func exitOfCode(c pool.Code) int {
	switch c {
	case pool.CodeSessionNotFound:
		return exitNotFound
	case pool.CodeSessionFinished, pool.CodeSessionExists, pool.CodeQueryNotOpen, pool.CodeAnswerDiffers:
		return exitRefused
	case pool.CodeMalformedRequest:
		return exitUsage
	}
	return exitError
}

// hintsOf says what to do about a refused request.
func hintsOf(e *pool.RemoteError) []string {
	sid, known := e.Details["session_id"].(string)
	if !known {
		sid = "SID"
	}
	switch e.Code {
	case pool.CodeSessionNotFound:
		if near := texts(e.Details["nearest"]); len(near) > 0 {
			return []string{"did you mean " + strings.Join(near, " or ") + "?"}
		}
		return []string{"alc status lists the sessions that wait"}
	case pool.CodeQueryNotOpen:
		if open := texts(e.Details["open"]); len(open) > 0 {
			return []string{"take an open one: --query " + strings.Join(open, ", --query ")}
		}
	case pool.CodeAnswerDiffers:
		return []string{"alc status " + sid + " --history shows the first answer"}
	case pool.CodeSessionFinished:
		return []string{"alc status " + sid + " shows how"}
	case pool.CodeSessionExists:
		return []string{"give the new session another --session-id"}
	case pool.CodeStorageFailed:
		return []string{"nothing acknowledged is lost; alc doctor looks at the disk and the journal"}
	case pool.CodeRebuildFailed, pool.CodeShuttingDown, pool.CodeLeaseLost, pool.CodeOutOfMemory:
		return []string{"try again"}
	case pool.CodeVersionMismatch:
		return []string{"alc pool stop ends the workers of other versions; their sessions stay"}
	}
	return nil
}

// texts reads a list of strings as it comes from Go or out of JSON.
func texts(v any) []string {
	switch list := v.(type) {
	case []string:
		return list
	case []any:
		out := make([]string, 0, len(list))
		for _, item := range list {
			if s, ok := item.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}
