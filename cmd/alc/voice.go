package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"io"
	"log/slog"
	"os"
	"strings"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
	"golang.org/x/term"

	"github.com/algocline/algocline/llm/terminal"
)

// voice is everything that alc says. Data goes to out; errors, hints and progress go to err.
// Colours are for terminals only, and not where NO_COLOR is set.
type voice struct {
	out, err           *os.File
	json               bool
	outPaint, errPaint palette
}

func newVoice(out, err *os.File) *voice {
	return &voice{out: out, err: err, outPaint: paletteFor(out), errPaint: paletteFor(err)}
}

// palette is how things look on one stream.
type palette struct {
	terminal bool // somebody may be watching
	on       bool // and sees colours
}

func paletteFor(f *os.File) palette {
	terminal := term.IsTerminal(int(f.Fd()))
	return palette{terminal, terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (p palette) paint(s string, style func() lipgloss.Style) string {
	if !p.on || s == "" {
		return s
	}
	lines := strings.Split(s, "\n") // a style would fill them all up to one width
	for i, line := range lines {
		lines[i] = style().Inline(true).Render(line)
	}
	return strings.Join(lines, "\n")
}

func (p palette) strong(s string) string {
	return p.paint(s, func() lipgloss.Style { return lipgloss.NewStyle().Bold(true) })
}

func (p palette) faint(s string) string {
	return p.paint(s, func() lipgloss.Style { return lipgloss.NewStyle().Faint(true) })
}

func (p palette) good(s string) string { return p.colour(s, lipgloss.Green) }
func (p palette) warn(s string) string { return p.colour(s, lipgloss.Yellow) }
func (p palette) bad(s string) string  { return p.colour(s, lipgloss.Red) }

func (p palette) colour(s string, c color.Color) string {
	return p.paint(s, func() lipgloss.Style { return lipgloss.NewStyle().Foreground(c) })
}

// print writes data.
func (v *voice) print(format string, args ...any) error {
	if _, err := fmt.Fprintf(v.out, format, args...); err != nil {
		return fmt.Errorf("writing to standard output: %w", err)
	}
	return nil
}

// raw writes a JSON document and a newline.
func (v *voice) raw(doc json.RawMessage) error { return v.print("%s\n", doc) }

// note tells something by the way. It is quiet under --json.
func (v *voice) note(format string, args ...any) {
	if !v.json {
		fmt.Fprintf(v.err, format+"\n", args...)
	}
}

// hint tells what to do next.
func (v *voice) hint(text string) { v.note("%s %s", v.errPaint.warn("hint:"), text) }

// conclude tells an error, if there is one, and returns the exit code.
func (v *voice) conclude(err error) int {
	var status exitStatus
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &status):
		return int(status)
	}
	j := judge(err)
	if v.json {
		v.concludeJSON(j)
		return j.exit
	}
	fmt.Fprintf(v.err, "alc: %s %s\n", v.errPaint.bad("error:"), terminal.Printable(j.message))
	for _, h := range j.hints {
		v.hint(h)
	}
	return j.exit
}

// concludeJSON tells an error to a program: one object on standard error.
func (v *voice) concludeJSON(j verdict) {
	line, err := json.Marshal(struct {
		Error   string         `json:"error"`
		Code    string         `json:"code,omitempty"`
		Hints   []string       `json:"hints,omitempty"`
		Details map[string]any `json:"details,omitempty"`
	}{j.message, j.code, j.hints, j.details})
	if err != nil {
		line = fmt.Appendf(nil, `{"error":%q}`, j.message)
	}
	fmt.Fprintf(v.err, "%s\n", line)
}

// table renders rows under headers, without lines between them.
func (v *voice) table(headers []string, rows [][]string) string {
	t := table.New().
		Border(lipgloss.HiddenBorder()).
		BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).
		BorderColumn(false).BorderHeader(false).BorderRow(false).
		StyleFunc(func(row, _ int) lipgloss.Style {
			style := lipgloss.NewStyle().PaddingRight(2)
			if row == table.HeaderRow && v.outPaint.on {
				style = style.Faint(true)
			}
			return style
		}).
		Headers(headers...).
		Rows(rows...)
	var b strings.Builder
	for line := range strings.Lines(t.Render()) {
		b.WriteString(strings.TrimRight(line, " \n"))
		b.WriteByte('\n')
	}
	return b.String()
}

// logger takes what packages below want to warn of.
func (v *voice) logger() *slog.Logger {
	level := slog.LevelWarn
	switch strings.ToLower(os.Getenv("ALC_LOG_LEVEL")) {
	case "off":
		return slog.New(slog.DiscardHandler)
	case "error":
		level = slog.LevelError
	case "info":
		level = slog.LevelInfo
	case "debug":
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(io.Writer(v.err), &slog.HandlerOptions{Level: level}))
}
