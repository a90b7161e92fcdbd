package recording

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"github.com/algocline/algocline/llm"
	"github.com/algocline/algocline/pool"
)

// Writer makes a recording. It is not safe for concurrent use.
type Writer struct {
	w     io.Writer
	about string
	begun bool
}

// NewWriter returns a writer of a recording that says about itself what about says. Nothing is
// written before the first exchange.
func NewWriter(w io.Writer, about string) *Writer { return &Writer{w: w, about: about} }

// Write adds the exchange of a query and its answer, as one write.
func (w *Writer) Write(q pool.Query, a pool.Answer) error {
	if !w.begun {
		if err := w.line(header{Recording: Format, About: w.about}); err != nil {
			return err
		}
		w.begun = true
	}
	return w.line(Exchange{
		Digest:   Digest(q.Prompt, q.System),
		Prompt:   &q.Prompt,
		System:   q.System,
		Response: a.Response,
		Usage:    a.Usage,
	})
}

func (w *Writer) line(v any) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false) // recordings are read by people
	err := enc.Encode(v)
	if err == nil {
		_, err = w.w.Write(line.Bytes())
	}
	if err != nil {
		return fmt.Errorf("writing the recording: %w", err)
	}
	return nil
}

// Tee returns an Answerer that answers as a does and writes what it answered to w, each batch in
// the order of its queries. Answers of a batch that breaks off are written too, as far as those
// before them are there.
func Tee(a llm.Answerer, w *Writer) llm.Answerer { return tee{a, w} }

type tee struct {
	llm.Answerer
	w *Writer
}

func (t tee) Answer(ctx context.Context, queries ...pool.Query) iter.Seq2[pool.Answer, error] {
	return func(yield func(pool.Answer, error) bool) {
		done := make(map[string]pool.Answer, len(queries))
		next := 0
		for a, err := range t.Answerer.Answer(ctx, queries...) {
			if err == nil && a.QueryID != nil {
				done[*a.QueryID] = a
			}
			for next < len(queries) && err == nil {
				ready, ok := done[queries[next].ID]
				if !ok {
					break
				}
				err = t.w.Write(queries[next], ready)
				next++
			}
			if !yield(a, err) || err != nil {
				return
			}
		}
	}
}
