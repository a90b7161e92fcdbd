package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/algocline/algocline/llm"
	"github.com/algocline/algocline/llm/recording"
	"github.com/algocline/algocline/llm/terminal"
)

// answerFlags choose who plays the LLM.
type answerFlags struct {
	from   string // --answers
	record string // --record
}

const answersHelp = "`WHO` answers: \"terminal\", \"recording:FILE\" or \"none\" (default: the terminal if there is one)"

// answerer is who plays the LLM in this run, and how to let go of it.
type answerer struct {
	llm.Answerer
	close func() error
}

// errNobody is a pause that nobody here answers.
var errNobody = errors.New("nobody answers")

// answerer returns who answers, or errNobody. resume says that the session may be in the middle of
// its recording.
func (a *app) answerer(f answerFlags, resume bool) (answerer, error) {
	none := func() error { return nil }
	kind, file, _ := strings.Cut(f.from, ":")
	var who answerer
	switch {
	case f.from == "" && (a.flags.json || !a.interactive()), f.from == "none":
		if f.record != "" {
			return answerer{close: none}, &usageError{
				Err: errors.New("--record has nothing to write: nobody answers"), Hint: "say who answers with --answers",
			}
		}
		return answerer{close: none}, errNobody
	case f.from == "", f.from == "terminal":
		t := terminal.New(terminal.Config{
			In: a.in, Out: a.voice.err, Strong: a.voice.errPaint.strong, Faint: a.voice.errPaint.faint,
		})
		who = answerer{t, t.Close}
	case kind == "recording" && file != "":
		player, err := openRecording(file, resume)
		if err != nil {
			return answerer{close: none}, err
		}
		who = answerer{player, none}
	default:
		return answerer{close: none}, &usageError{
			Err:  fmt.Errorf("--answers %s is not known", f.from),
			Hint: `take "terminal", "recording:FILE" or "none"`,
		}
	}
	if f.record == "" {
		return who, nil
	}
	return recorded(who, f.record)
}

func openRecording(file string, resume bool) (*recording.Player, error) {
	rec, err := recording.Open(file)
	if err != nil {
		return nil, &usageError{Err: err, Hint: "alc run --record FILE makes a recording"}
	}
	player := recording.NewPlayer(rec)
	if resume {
		player.Resume()
	}
	return player, nil
}

// recorded writes down what who answers, in a file that must not be there yet.
func recorded(who answerer, file string) (answerer, error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		err = fmt.Errorf("making the recording: %w", errors.Join(err, who.close()))
		return answerer{close: func() error { return nil }}, &usageError{Err: err, Hint: "a recording is never overwritten; choose another file"}
	}
	closeBoth := who.close
	return answerer{
		recording.Tee(who.Answerer, recording.NewWriter(f, "answers given to alc run")),
		func() error { return errors.Join(closeBoth(), f.Close()) },
	}, nil
}

// interactive tells whether a person can be asked: prompts go to standard error.
func (a *app) interactive() bool {
	return term.IsTerminal(int(a.in.Fd())) && term.IsTerminal(int(a.voice.err.Fd()))
}
