package recording_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/llm/recording"
	"github.com/algocline/algocline/pool"
)

const head = `{"recording":1,"about":"a test"}` + "\n"

func ptr[T any](v T) *T { return &v }

func parse(t *testing.T, text string) *recording.Recording {
	t.Helper()
	r, err := recording.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// answers plays queries one after the other and collects the responses up to the first error.
func answers(p *recording.Player, queries ...pool.Query) (got []string, err error) {
	for a, err := range p.Answer(context.Background(), queries...) {
		if err != nil {
			return got, err
		}
		got = append(got, *a.QueryID+"="+*a.Response)
	}
	return got, nil
}

// The digest is part of the format: it never changes.
func TestDigest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		prompt string
		system *string
		want   string // of sha256sum
	}{
		{"", nil, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", nil, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abc", ptr("d"), "sha256:9455e32efb2873cf7a2ddbdeb392fa6d40a7514288c856d5efb1d8c6a7d29555"},
		{"abc", ptr(""), "sha256:dc1114cd074914bd872cc1f9a23ec910ea2203bc79779ab2e17da25782a624fc"},
	} {
		if got := recording.Digest(c.prompt, c.system); got != c.want {
			t.Errorf("Digest(%q, %v) = %s, want %s", c.prompt, c.system, got, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	usage := &pool.Usage{PromptTokens: ptr(int64(3))}
	want := &recording.Recording{About: "a test", Exchanges: []recording.Exchange{
		{Digest: recording.Digest("p", nil), Prompt: ptr("p"), Response: ptr("r")},
		{Digest: recording.Digest("p", ptr("s")), Prompt: ptr("p"), System: ptr("s"), Response: ptr(""), Usage: usage},
		{Digest: "sha256:00", Response: ptr("r")},
	}}
	got := parse(t, head+`
{"prompt":"p","response":"r","later":true}
  {"prompt":"p","system":"s","response":"","usage":{"prompt_tokens":3}}

{"digest":"sha256:00","response":"r"}`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		line       int
		says       string
	}{
		{"empty", "", 1, "first line"},
		{"no header", `{"prompt":"p","response":"r"}`, 1, "first line"},
		{"not JSON", "hello", 1, "first line"},
		{"another format", `{"recording":2}`, 1, "format 2"},
		{"broken line", head + "\n{", 3, "not an exchange"},
		{"no response", head + `{"prompt":"p"}`, 2, `"response"`},
		{"no prompt", head + `{"response":"r"}`, 2, `"prompt"`},
		{"wrong type", head + `{"prompt":1,"response":"r"}`, 2, "not an exchange"},
		{"wrong digest", head + `{"prompt":"p","digest":"sha256:00","response":"r"}`, 2, recording.Digest("p", nil)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := recording.Parse(strings.NewReader(c.text))
			var bad *recording.ParseError
			if !errors.As(err, &bad) || bad.Line != c.line || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want line %d and %q", err, c.line, c.says)
			}
		})
	}
}

func TestOpenNamesTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.jsonl")
	if err := os.WriteFile(bad, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{bad, filepath.Join(dir, "absent.jsonl")} {
		if _, err := recording.Open(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%s) = %v, want an error that names it", path, err)
		}
	}
}

func TestPlayer(t *testing.T) {
	t.Parallel()
	text := head + `{"prompt":"a","response":"1"}
{"prompt":"b","system":"s","response":"2"}
{"prompt":"c","response":"3"}`
	a, b, c := pool.Query{ID: "q-0", Prompt: "a"}, pool.Query{ID: "q-1", Prompt: "b", System: ptr("s")}, pool.Query{ID: "q-2", Prompt: "c"}

	p := recording.NewPlayer(parse(t, text))
	got, err := answers(p, a, b)
	if diff := cmp.Diff([]string{"q-0=1", "q-1=2"}, got); diff != "" || err != nil {
		t.Fatalf("first round: %v (-want +got):\n%s", err, diff)
	}
	// A query that is asked again, because a worker died, gets its answer again.
	got, err = answers(p, b, c)
	if diff := cmp.Diff([]string{"q-1=2", "q-2=3"}, got); diff != "" || err != nil {
		t.Fatalf("second round: %v (-want +got):\n%s", err, diff)
	}
	if p.Left() != 0 {
		t.Errorf("%d exchanges left", p.Left())
	}
	if _, err = answers(p, pool.Query{ID: "q-3", Prompt: "d"}); !errors.Is(err, recording.ErrExhausted) {
		t.Errorf("after the end: %v", err)
	}
}

func TestPlayerMismatch(t *testing.T) {
	t.Parallel()
	p := recording.NewPlayer(parse(t, head+`{"prompt":"a  recorded\nprompt","response":"1"}`))
	_, err := answers(p, pool.Query{ID: "q-0", Prompt: "another prompt", System: ptr("be brief")})
	var mismatch *recording.MismatchError
	if !errors.As(err, &mismatch) || mismatch.Index != 1 {
		t.Fatalf("error %v, want a mismatch at 1", err)
	}
	for _, says := range []string{"exchange 1", "a recorded prompt", "[be brief] another prompt"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("%q does not say %q", err, says)
		}
	}
	if p.Left() != 1 {
		t.Error("a mismatch used the exchange up")
	}
}

func TestPlayerResumes(t *testing.T) {
	t.Parallel()
	const text = head + `{"prompt":"a","response":"1"}
{"prompt":"b","response":"2"}
{"prompt":"a","response":"3"}`
	p := recording.NewPlayer(parse(t, text))
	p.Resume()
	got, err := answers(p, pool.Query{ID: "q-1", Prompt: "b"}, pool.Query{ID: "q-2", Prompt: "a"})
	if diff := cmp.Diff([]string{"q-1=2", "q-2=3"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}

	// Only the first query may skip.
	p = recording.NewPlayer(parse(t, text))
	p.Resume()
	var mismatch *recording.MismatchError
	if _, err := answers(p, pool.Query{ID: "q-0", Prompt: "a"}, pool.Query{ID: "q-1", Prompt: "a"}); !errors.As(err, &mismatch) || mismatch.Index != 2 {
		t.Errorf("error %v, want a mismatch at 2", err)
	}
	// A query that is not in the recording is a mismatch where the player stands.
	p = recording.NewPlayer(parse(t, text))
	p.Resume()
	if _, err := answers(p, pool.Query{ID: "q-0", Prompt: "x"}); !errors.As(err, &mismatch) || mismatch.Index != 1 {
		t.Errorf("error %v, want a mismatch at 1", err)
	}
}

func TestPlayerStopsWithItsContext(t *testing.T) {
	t.Parallel()
	p := recording.NewPlayer(parse(t, head+`{"prompt":"a","response":"1"}`))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, err := range p.Answer(ctx, pool.Query{ID: "q-0", Prompt: "a"}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want that of the context", err)
		}
	}
}

// backwards answers a batch from its end.
type backwards struct{}

func (backwards) Answer(_ context.Context, queries ...pool.Query) iter.Seq2[pool.Answer, error] {
	return func(yield func(pool.Answer, error) bool) {
		for i := len(queries) - 1; i >= 0; i-- {
			if !yield(pool.Answer{QueryID: &queries[i].ID, Response: ptr("<" + queries[i].Prompt + ">")}, nil) {
				return
			}
		}
	}
}

// What Tee wrote must play back, in the order of the queries.
func TestTeeRoundTrip(t *testing.T) {
	t.Parallel()
	queries := []pool.Query{{ID: "q-0", Prompt: "a"}, {ID: "q-1", Prompt: "b & c", System: ptr("s")}, {ID: "q-2", Prompt: "d"}}
	var file bytes.Buffer
	tee := recording.Tee(backwards{}, recording.NewWriter(&file, "<about>"))
	n := 0
	for _, err := range tee.Answer(t.Context(), queries...) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != len(queries) {
		t.Fatalf("%d answers came through", n)
	}
	if !strings.HasPrefix(file.String(), `{"recording":1,"about":"<about>"}`+"\n") {
		t.Errorf("the recording begins %.60q", file.String())
	}
	got, err := answers(recording.NewPlayer(parse(t, file.String())), queries...)
	if diff := cmp.Diff([]string{"q-0=<a>", "q-1=<b & c>", "q-2=<d>"}, got); diff != "" || err != nil {
		t.Errorf("played back: %v (-want +got):\n%s", err, diff)
	}
}

type brokenDisk struct{}

func (brokenDisk) Write([]byte) (int, error) { return 0, errDisk }

var errDisk = errors.New("no space")

func TestTeeTellsOfAWriteError(t *testing.T) {
	t.Parallel()
	tee := recording.Tee(backwards{}, recording.NewWriter(brokenDisk{}, ""))
	for _, err := range tee.Answer(t.Context(), pool.Query{ID: "q-0", Prompt: "a"}) {
		if !errors.Is(err, errDisk) {
			t.Errorf("error %v, want that of the disk", err)
		}
	}
}

// What parses is written and parses again as the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte(head + `{"prompt":"p","system":"s","response":"r","usage":{"prompt_tokens":1}}`))
	f.Add([]byte(head + `{"digest":"sha256:00","response":"r"}`))
	f.Add([]byte(`{"recording":1}` + "\r\n\r\n" + `{"prompt":"\ud800","response":""}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := recording.Parse(bytes.NewReader(text))
		if err != nil {
			var bad *recording.ParseError
			if !errors.As(err, &bad) {
				t.Fatalf("error %v is no ParseError", err)
			}
			return
		}
		var file bytes.Buffer
		w := recording.NewWriter(&file, first.About)
		want := &recording.Recording{About: first.About}
		for _, x := range first.Exchanges {
			if x.Prompt == nil {
				continue // cannot be written: the writer has the query
			}
			want.Exchanges = append(want.Exchanges, x)
			if err := w.Write(pool.Query{Prompt: *x.Prompt, System: x.System}, pool.Answer{Response: x.Response, Usage: x.Usage}); err != nil {
				t.Fatal(err)
			}
		}
		if len(want.Exchanges) == 0 {
			return
		}
		second, err := recording.Parse(&file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, second); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
