// Package terminal lets a person play the LLM: prompts are shown, answers are typed.
//
// An answer may have many lines. It ends with a line that holds only a dot, or at the end of the
// input (Ctrl-D). Ending the input before anything was typed stops the answering with
// [ErrStopped]; the session stays paused.
package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/muesli/cancelreader"
	"golang.org/x/term"

	"github.com/algocline/algocline/pool"
)

// ErrStopped is a person who ended the input instead of answering.
var ErrStopped = errors.New("the input ended before an answer was given")

// What is typed or pasted and would not arrive as it was meant.
var (
	ErrLineCut = errors.New("a line has 4095 bytes or more, and the terminal cuts what is longer; give this answer with alc continue SID --answer @FILE")
	ErrNotText = errors.New("the answer is not UTF-8 text")
)

// cutLine is what Linux keeps of a line that is typed at a terminal, the newline aside.
const cutLine = 4095

// Config says where a Terminal reads and how it shows things. The painters may be nil.
type Config struct {
	In     io.Reader           // answers; a file can be given up on in the middle of a read
	Out    io.Writer           // prompts
	Strong func(string) string // paints what must be seen first
	Faint  func(string) string // paints what may be overlooked
}

// Terminal is an [llm.Answerer] for a person. It serves one call at a time.
type Terminal struct {
	cfg    Config
	input  cancelreader.CancelReader // nil when reads of In cannot be given up on
	lines  *bufio.Reader
	cuts   bool // whether In is a terminal, which cuts long lines
	hinted bool // whether it was said how an answer ends
}

// New returns a Terminal. Close it when done; that leaves In open.
func New(c Config) *Terminal {
	plain := func(s string) string { return s }
	if c.Strong == nil {
		c.Strong = plain
	}
	if c.Faint == nil {
		c.Faint = plain
	}
	t := &Terminal{cfg: c, lines: bufio.NewReader(c.In)}
	if f, ok := c.In.(*os.File); ok {
		t.cuts = term.IsTerminal(int(f.Fd()))
	}
	if r, err := cancelreader.NewReader(c.In); err == nil {
		t.input, t.lines = r, bufio.NewReader(r)
	}
	return t
}

// Close releases what watches the input.
func (t *Terminal) Close() error {
	if t.input == nil {
		return nil
	}
	return t.input.Close()
}

// Answer implements [llm.Answerer], one query after the other. When ctx ends it gives up, also
// while it waits for a line, and the Terminal cannot be used again.
func (t *Terminal) Answer(ctx context.Context, queries ...pool.Query) iter.Seq2[pool.Answer, error] {
	return func(yield func(pool.Answer, error) bool) {
		if t.input != nil {
			defer context.AfterFunc(ctx, func() { t.input.Cancel() })()
		}
		for i, q := range queries {
			t.show(q, i+1, len(queries))
			text, err := t.read()
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			if !yield(pool.Answer{QueryID: &q.ID, Response: &text}, err) || err != nil {
				return
			}
		}
	}
}

// show prints one query: what it is, the system text, the prompt, and once how to answer.
func (t *Terminal) show(q pool.Query, n, of int) {
	var b strings.Builder
	title := q.ID
	if of > 1 {
		title = fmt.Sprintf("%s (%d of %d)", q.ID, n, of)
	}
	fmt.Fprintf(&b, "\n%s%s\n", t.cfg.Strong("? "+title), t.cfg.Faint(notes(q)))
	if q.System != nil && *q.System != "" {
		t.block(&b, *q.System, t.cfg.Faint)
		b.WriteByte('\n')
	}
	t.block(&b, q.Prompt, func(s string) string { return s })
	if !t.hinted {
		t.hinted = true
		b.WriteString(t.cfg.Faint(`  your answer; end it with a line that holds only "." or with Ctrl-D`) + "\n")
	}
	io.WriteString(t.cfg.Out, b.String())
}

// block prints a text with a bar on its left.
func (t *Terminal) block(b *strings.Builder, text string, paint func(string) string) {
	for line := range strings.Lines(Printable(text)) {
		b.WriteString(t.cfg.Faint("│ ") + paint(strings.TrimRight(line, "\n")) + "\n")
	}
}

// notes says what the script wants of the answer beside its text.
func notes(q pool.Query) string {
	var parts []string
	if q.Role != nil && *q.Role != "" {
		parts = append(parts, "as "+Printable(*q.Role))
	}
	if q.Grounded {
		parts = append(parts, "verify facts")
	}
	if q.Underspecified {
		parts = append(parts, "ask a person what is meant")
	}
	if q.MaxTokens > 0 {
		parts = append(parts, fmt.Sprintf("about %d tokens at most", q.MaxTokens))
	}
	if len(parts) == 0 {
		return ""
	}
	return "  " + strings.Join(parts, ", ")
}

// read collects lines up to a dot or the end of the input. What is wrong with them is told only
// then: lines left unread would be commands to the shell that is typed at next.
func (t *Terminal) read() (string, error) {
	var text strings.Builder
	var wrong error
	for {
		line, err := t.lines.ReadString('\n')
		if strings.HasSuffix(line, "\r\n") {
			line = line[:len(line)-2] + "\n"
		}
		switch {
		case t.cuts && len(line) >= cutLine:
			wrong = ErrLineCut
		case !utf8.ValidString(line):
			wrong = ErrNotText
		}
		dot := strings.TrimSuffix(line, "\n") == "."
		if !dot {
			text.WriteString(line)
		}
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return "", fmt.Errorf("reading the answer: %w", err)
		case err == nil && !dot:
		case wrong != nil:
			return "", wrong
		case dot || strings.TrimSpace(text.String()) != "":
			return strings.TrimSuffix(text.String(), "\n"), nil
		default:
			return "", ErrStopped
		}
	}
}

// Printable returns text without what would command a terminal: control characters other than
// line feeds and tabs become U+FFFD, and so do bytes that are no UTF-8.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return -1
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
