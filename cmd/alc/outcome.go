package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/algocline/algocline/llm"
	"github.com/algocline/algocline/llm/terminal"
	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/service"
)

// see answers a session as long as somebody does, shows where it stands then, and returns the
// exit code as an error.
func (a *app) see(ctx context.Context, s *service.Service, feed pool.Feed, who answerer) error {
	var stopped error
	if who.Answerer != nil {
		feed, stopped = llm.Drive(ctx, s, feed, who, llm.Observer{})
	}
	switch {
	case stopped == nil:
		return a.show(feed)
	case leftByPerson(stopped) && a.flags.json:
		return a.show(feed)
	case leftByPerson(stopped):
		a.voice.note("\n%s", a.voice.errPaint.warn("session "+feed.SessionID+" is paused, nothing is lost"))
		a.voice.hint("go on with: " + a.continueCommand(feed.SessionID))
		return exitStatus(exitPaused)
	}
	return &stoppedError{stopped, feed.SessionID, a.continueCommand(feed.SessionID)}
}

// leftByPerson tells whether somebody chose to stop answering.
func leftByPerson(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, terminal.ErrStopped)
}

// continueCommand is the command that goes on with a session, as it must be typed here.
func (a *app) continueCommand(sid string) string {
	cmd := "alc continue " + sid
	if a.flags.home != "" {
		cmd += " --home " + shellQuote(a.flags.home)
	}
	return cmd
}

// shellQuote writes a word so that a shell reads it as one.
func shellQuote(word string) string {
	if strings.IndexFunc(word, func(r rune) bool {
		return !(unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("/._-+:@%", r))
	}) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// show prints where a session stands and returns the exit code as an error.
func (a *app) show(f pool.Feed) error {
	if a.flags.json {
		doc, err := service.Render(f)
		if err != nil {
			return err
		}
		if err := a.voice.raw(doc); err != nil {
			return err
		}
		return exitOf(f)
	}
	var err error
	switch f.Type {
	case pool.FeedPaused:
		err = a.showPause(f)
	case pool.FeedAccepted:
		err = a.voice.print("session %s took the answer; open queries: %d\n", f.SessionID, f.Remaining)
	case pool.FeedFinished:
		err = a.showEnd(f)
	}
	if err != nil {
		return err
	}
	return exitOf(f)
}

// exitOf is the exit code of a feed, nil for a completed session.
func exitOf(f pool.Feed) error {
	switch {
	case f.Type == pool.FeedPaused, f.Type == pool.FeedAccepted:
		return exitStatus(exitPaused)
	case f.Status == "completed":
		return nil
	case f.Status == "cancelled":
		return exitStatus(exitCancelled)
	}
	return exitStatus(exitError)
}

func (a *app) showPause(f pool.Feed) error {
	p := a.voice.outPaint
	var b strings.Builder
	fmt.Fprintf(&b, "%s is paused, open queries: %d\n", p.strong("session "+f.SessionID), len(f.Queries))
	for _, q := range f.Queries {
		fmt.Fprintf(&b, "\n%s\n", p.strong(q.ID))
		if q.System != nil && *q.System != "" {
			b.WriteString(indent(*q.System, "  system: ", "          "))
		}
		b.WriteString(indent(q.Prompt, "  ", "  "))
	}
	if err := a.voice.print("%s", b.String()); err != nil {
		return err
	}
	query := ""
	if len(f.Queries) > 0 { // with its id, an answer that is given twice never meets the next query
		query = " --query " + f.Queries[0].ID
	}
	a.voice.hint("answer with: " + a.continueCommand(f.SessionID) + query + " --answer TEXT")
	return nil
}

// showEnd prints a result as data, and anything else as an error is told.
func (a *app) showEnd(f pool.Feed) error {
	a.showLog(f.Log)
	switch f.Status {
	case "completed":
		return a.showResult(f.Output)
	case "cancelled":
		a.voice.note("session %s is cancelled", f.SessionID)
		return nil
	}
	why := pool.Failure{Code: "internal", Message: "it left no message"}
	if f.Error != nil {
		why = *f.Error
	}
	p := a.voice.errPaint
	a.voice.note("alc: %s session %s failed (%s): %s", p.bad("error:"), f.SessionID, why.Code, terminal.Printable(why.Message))
	if why.Traceback != "" {
		a.voice.note("%s", p.faint(terminal.Printable(why.Traceback)))
	}
	if why.Code == "limit_exceeded" {
		a.voice.hint("alc help limits says how limits are raised")
	}
	return nil
}

// showLog shows what a script printed, as it is, and what it logged, with its level; what only helps
// to find faults is left to alc status.
func (a *app) showLog(lines []pool.LogEntry) {
	for _, l := range lines {
		if l.Level == "debug" && l.Source == "alc.log" {
			continue
		}
		text := terminal.Printable(l.Message)
		if l.Source == "alc.log" {
			text = l.Level + ": " + text
		}
		a.voice.note("%s", a.voice.errPaint.faint(text))
	}
}

// showResult prints a result: a text as it is, anything else as indented JSON, null as nothing.
func (a *app) showResult(out json.RawMessage) error {
	var text string
	switch {
	case len(out) == 0 || bytes.Equal(out, []byte("null")):
		return nil
	case json.Unmarshal(out, &text) == nil:
		if a.voice.outPaint.terminal {
			text = terminal.Printable(text)
		}
		return a.voice.print("%s\n", text)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, out, "", "  "); err != nil {
		return fmt.Errorf("printing the result: %w", err)
	}
	return a.voice.print("%s\n", b.Bytes())
}

// indent puts first before the first line of a text and rest before the others.
func indent(text, first, rest string) string {
	var b strings.Builder
	prefix := first
	for line := range strings.Lines(terminal.Printable(text)) {
		b.WriteString(prefix + strings.TrimRight(line, "\n") + "\n")
		prefix = rest
	}
	return b.String()
}
