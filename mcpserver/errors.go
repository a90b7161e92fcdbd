package mcpserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/service"
)

// hostError is an error in the words that hosts know. It is shown and then gone: nothing looks
// into it.
type hostError struct{ text string }

func (e *hostError) Error() string { return e.text }

func failure(format string, args ...any) error { return &hostError{fmt.Sprintf(format, args...)} }

// runError is the text of a start that could not be carried out. What the caller gave wrong is
// said in the words that hosts know; anything else says how to find out what became of it.
func runError(sid string, err error) error {
	var read *service.ReadError
	if errors.Is(err, service.ErrNoCode) || errors.Is(err, service.ErrCodeAndFile) || errors.As(err, &read) {
		return err
	}
	var remote *pool.RemoteError
	var input *service.InputError
	if errors.As(err, &remote) || errors.As(err, &input) {
		return failure("Execution failed: %s", explain(err))
	}
	return failure("Execution failed: %v. The session's id is %s: alc_status tells whether it was started, "+
		"and alc_run with this session_id and the same code is safe to send again", err, sid)
}

// continueError is the text of an answer that was not taken.
func continueError(sid string, err error) error {
	var remote *pool.RemoteError
	if !errors.As(err, &remote) {
		return failure("Continue failed: session '%s': %v", sid, err)
	}
	switch remote.Code {
	case pool.CodeSessionNotFound:
		return failure("Continue failed: session '%s' not found%s", sid, nearest(remote))
	case pool.CodeSessionFinished:
		return failure("Continue failed: %s", finished(sid, remote))
	case pool.CodeQueryNotOpen:
		if id, _ := remote.Details["query_id"].(string); id == "" {
			return failure("Continue failed: invalid transition: %s (%s)", remote.Message, remote.Code)
		}
		return failure("Continue failed: %s (%s)", remote.Message, remote.Code)
	case pool.CodeAnswerDiffers:
		recorded, _ := remote.Details["recorded"].(string)
		return failure("Continue failed: %s (%s); the answer on record is: %s", remote.Message, remote.Code, excerpt(recorded))
	}
	return failure("Continue failed: session '%s': %s", sid, explain(err))
}

// shownText is how much of an answer or of details an error repeats, in bytes.
const shownText = 4 << 10

func excerpt(s string) string {
	if len(s) <= shownText {
		return s
	}
	return fmt.Sprintf("%s … (%d bytes in all)", strings.ToValidUTF8(s[:shownText], ""), len(s))
}

// finished says how a session ended, in the words that its last answer had.
func finished(sid string, e *pool.RemoteError) string {
	var wire pool.WireFeed
	raw, err := json.Marshal(e.Details["feed_result"])
	if err == nil {
		err = json.Unmarshal(raw, &wire)
	}
	if err != nil || wire.Type != pool.FeedFinished {
		return explain(e)
	}
	f, err := wire.Feed(sid)
	if err != nil {
		return explain(e)
	}
	end, err := service.Render(f)
	if err != nil {
		return explain(e)
	}
	return fmt.Sprintf("session '%s' has finished (%s) and takes no more answers; it ended with %s", sid, e.Code, end)
}

// nearest says which sessions the caller may have meant.
func nearest(e *pool.RemoteError) string {
	near, _ := e.Details["nearest"].([]any)
	var names []string
	for _, n := range near {
		if s, ok := n.(string); ok {
			names = append(names, s)
		}
	}
	if own, ok := e.Details["nearest"].([]string); ok { // made in this process
		names = own
	}
	if len(names) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(names, ", ") + "?"
}

// statusError is the text of a session that could not be shown.
func statusError(sid string, err error) error {
	var remote *pool.RemoteError
	if errors.As(err, &remote) && remote.Code == pool.CodeSessionNotFound {
		return failure("session '%s' not found (may have completed)%s", sid, nearest(remote))
	}
	if err == nil {
		return failure("session '%s' not found (may have completed)", sid)
	}
	return failure("session '%s': %s", sid, explain(err))
}

// explain is an error's text with its machine-readable code and details, if it has them.
func explain(err error) string {
	var remote *pool.RemoteError
	if !errors.As(err, &remote) {
		return err.Error()
	}
	text := fmt.Sprintf("%s (%s)", remote.Message, remote.Code)
	if len(remote.Details) > 0 {
		if d, err := json.Marshal(remote.Details); err == nil {
			text += " " + excerpt(string(d))
		}
	}
	return text
}
