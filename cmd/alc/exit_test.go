package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/service"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	remote := func(c pool.Code, details map[string]any) error {
		return fmt.Errorf("answering: %w", &pool.RemoteError{Code: c, Message: "m", Details: details})
	}
	for _, c := range []struct {
		name  string
		err   error
		exit  int
		code  string
		hints []string
	}{
		{"anything", errors.New("x"), exitError, "", nil},
		{"interrupted", context.Canceled, exitError, "", nil},
		{"usage", &usageError{Err: errors.New("x"), Cmd: "alc run"}, exitUsage, "usage", []string{"see alc run --help"}},
		{"usage with a better hint", &usageError{Err: errors.New("x"), Cmd: "alc", Hint: "h"}, exitUsage, "usage", []string{"h"}},
		{"usage with advice inside", &usageError{Err: &hinted{errors.New("x"), []string{"do y"}}, Cmd: "alc"}, exitUsage, "usage", []string{"do y"}},
		{"settings", &settingsError{"file", "why"}, exitUsage, "configuration", nil},
		{"input", &service.InputError{What: "ctx", Why: "is bad"}, exitUsage, "usage", nil},
		{"not found, something near", remote(pool.CodeSessionNotFound, map[string]any{"nearest": []any{"a", "b"}}),
			exitNotFound, "session_not_found", []string{"did you mean a or b?"}},
		{"not found", remote(pool.CodeSessionNotFound, nil), exitNotFound, "session_not_found", []string{"alc status lists the sessions that wait"}},
		{"not open", remote(pool.CodeQueryNotOpen, map[string]any{"open": []string{"q-1"}}), exitRefused, "query_not_open", []string{"take an open one: --query q-1"}},
		{"differs", remote(pool.CodeAnswerDiffers, map[string]any{"session_id": "s-1"}), exitRefused, "answer_differs", []string{"alc status s-1 --history shows the first answer"}},
		{"ended", remote(pool.CodeSessionFinished, nil), exitRefused, "session_finished", []string{"alc status SID shows how"}},
		{"ended while it was answered", &stoppedError{remote(pool.CodeSessionFinished, nil), "s-1", "alc continue s-1"}, exitRefused, "session_finished", []string{"alc status SID shows how"}},
		{"taken", remote(pool.CodeSessionExists, nil), exitRefused, "session_exists", []string{"give the new session another --session-id"}},
		{"malformed", remote(pool.CodeMalformedRequest, nil), exitUsage, "malformed_request", nil},
		{"disk", remote(pool.CodeStorageFailed, nil), exitError, "storage_failed",
			[]string{"nothing acknowledged is lost; alc doctor looks at the disk and the journal"}},
		{"permission", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}, exitError, "", []string{"alc doctor checks the home and who owns what in it"}},
		{"read-only", &fs.PathError{Op: "open", Path: "x", Err: syscall.EROFS}, exitError, "", []string{"alc doctor checks the home and who owns what in it"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := judge(c.err)
			if got.exit != c.exit || got.code != c.code {
				t.Errorf("exit %d, code %q; want %d, %q", got.exit, got.code, c.exit, c.code)
			}
			if diff := cmp.Diff(c.hints, got.hints); diff != "" {
				t.Errorf("hints (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExitOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		feed pool.Feed
		want int
	}{
		{pool.Feed{Type: pool.FeedPaused}, exitPaused},
		{pool.Feed{Type: pool.FeedAccepted}, exitPaused},
		{pool.Feed{Type: pool.FeedFinished, Status: "completed"}, exitOK},
		{pool.Feed{Type: pool.FeedFinished, Status: "failed"}, exitError},
		{pool.Feed{Type: pool.FeedFinished, Status: "cancelled"}, exitCancelled},
	} {
		got := newVoice(os.Stdout, os.Stderr).conclude(exitOf(c.feed))
		if got != c.want {
			t.Errorf("%s %s: exit code %d, want %d", c.feed.Type, c.feed.Status, got, c.want)
		}
	}
}

func TestParseLimits(t *testing.T) {
	t.Parallel()
	got, err := parseLimits([]string{"memory=64MiB", "llm_calls=5"})
	if diff := cmp.Diff(map[string]any{"memory": "64MiB", "llm_calls": int64(5)}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"memory", "memory=", "=1", "speed=1"} {
		if _, err := parseLimits([]string{bad}); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestContinueCommandCanBePasted(t *testing.T) {
	t.Parallel()
	for home, want := range map[string]string{
		"":            "alc continue s-1",
		"/tmp/home-1": "alc continue s-1 --home /tmp/home-1",
		"/tmp/it's a": `alc continue s-1 --home '/tmp/it'\''s a'`,
	} {
		a := &app{flags: globalFlags{home: home}}
		if got := a.continueCommand("s-1"); got != want {
			t.Errorf("home %q: %s, want %s", home, got, want)
		}
	}
}

// A traceback has lines, in colour too.
func TestPaintKeepsLines(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{true, false} {
		got := palette{on: on}.faint("stack traceback:\n\tin one\n\n\tin two")
		if n := strings.Count(got, "\n"); n != 3 {
			t.Errorf("painted %v: %q", on, got)
		}
	}
}
