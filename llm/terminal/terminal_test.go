package terminal_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/llm/terminal"
	"github.com/algocline/algocline/pool"
)

func ptr[T any](v T) *T { return &v }

func collect(ctx context.Context, t *terminal.Terminal, queries ...pool.Query) (got []string, err error) {
	for a, err := range t.Answer(ctx, queries...) {
		if err != nil {
			return got, err
		}
		got = append(got, *a.QueryID+"="+*a.Response)
	}
	return got, nil
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	one, two := pool.Query{ID: "q-0", Prompt: "a"}, pool.Query{ID: "q-1", Prompt: "b"}
	for _, c := range []struct {
		name, typed string
		queries     []pool.Query
		want        []string
		err         error
	}{
		{"one line", "4\n.\n", []pool.Query{one}, []string{"q-0=4"}, nil},
		{"lines and a blank one", "a\n\nb\n.\n", []pool.Query{one}, []string{"q-0=a\n\nb"}, nil},
		{"dots within", "a.\n..\n. \n.\n", []pool.Query{one}, []string{"q-0=a.\n..\n. "}, nil},
		{"DOS lines", "a\r\n.\r\n", []pool.Query{one}, []string{"q-0=a"}, nil},
		{"an empty answer", ".\n", []pool.Query{one}, []string{"q-0="}, nil},
		{"end of input ends the answer", "a\nb", []pool.Query{one}, []string{"q-0=a\nb"}, nil},
		{"two queries", "x\n.\ny\n.\n", []pool.Query{one, two}, []string{"q-0=x", "q-1=y"}, nil},
		{"nothing typed", "", []pool.Query{one}, nil, terminal.ErrStopped},
		{"only blanks typed", "\n \n", []pool.Query{one}, nil, terminal.ErrStopped},
		{"other bytes than text", "caf\xe9\n.\n", []pool.Query{one}, nil, terminal.ErrNotText},
		{"long lines of a pipe", strings.Repeat("x", 5000) + "\n.\n", []pool.Query{one}, []string{"q-0=" + strings.Repeat("x", 5000)}, nil},
		{"stopped at the second", "x\n.\n", []pool.Query{one, two}, []string{"q-0=x"}, terminal.ErrStopped},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			term := terminal.New(terminal.Config{In: strings.NewReader(c.typed), Out: &bytes.Buffer{}})
			got, err := collect(t.Context(), term, c.queries...)
			if diff := cmp.Diff(c.want, got); diff != "" || !errors.Is(err, c.err) {
				t.Errorf("error %v, want %v (-want +got):\n%s", err, c.err, diff)
			}
			if err := term.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	mark := func(s string) string { return "*" + s + "*" }
	term := terminal.New(terminal.Config{In: strings.NewReader("x\n.\ny\n.\n"), Out: &out, Strong: mark})
	defer term.Close()
	_, err := collect(t.Context(), term,
		pool.Query{ID: "q-0", Prompt: "one\ntwo\x1b[2J", System: ptr("be brief"), MaxTokens: 64, Role: ptr("grader"), Grounded: true},
		pool.Query{ID: "q-1", Prompt: "three"})
	if err != nil {
		t.Fatal(err)
	}
	want := `
*? q-0 (1 of 2)*  as grader, verify facts, about 64 tokens at most
│ be brief

│ one
│ two` + "\uFFFD" + `[2J
  your answer; end it with a line that holds only "." or with Ctrl-D

*? q-1 (2 of 2)*
│ three
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A person who waits must not keep the program from ending.
func TestGivesUpInTheMiddleOfARead(t *testing.T) {
	t.Parallel()
	in, typed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer typed.Close()
	shown := &signal{when: "wait for me", then: make(chan struct{})}
	term := terminal.New(terminal.Config{In: in, Out: shown})
	defer term.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := collect(ctx, term, pool.Query{ID: "q-0", Prompt: "wait for me"})
		ended <- err
	}()
	<-shown.then
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

// signal closes a channel when a text is written to it.
type signal struct {
	when string
	then chan struct{}
}

func (s *signal) Write(p []byte) (int, error) {
	if s.when != "" && bytes.Contains(p, []byte(s.when)) {
		close(s.then)
		s.when = ""
	}
	return len(p), nil
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain\tä\n":        "plain\tä\n",
		"a\r\nb":            "a\nb",
		"\x1b]0;title\x07":  "\uFFFD]0;title\uFFFD",
		"\u009b31m":         "\uFFFD31m",
		"bad\xff":           "bad\uFFFD",
		"\u202egnp.exe":     "\uFFFDgnp.exe",
		"nul\x00and\x7fdel": "nul\uFFFDand\uFFFDdel",
	} {
		if got := terminal.Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}
