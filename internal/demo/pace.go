package demo

import (
	"context"
	"iter"
	"time"

	"github.com/algocline/algocline/llm"
	"github.com/algocline/algocline/pool"
)

// thinking makes an Answerer take its time over each answer, and counts it.
func (d *show) thinking(a llm.Answerer) llm.Answerer { return paced{a, d} }

type paced struct {
	llm.Answerer
	show *show
}

func (p paced) Answer(ctx context.Context, queries ...pool.Query) iter.Seq2[pool.Answer, error] {
	return func(yield func(pool.Answer, error) bool) {
		for a, err := range p.Answerer.Answer(ctx, queries...) {
			if err == nil {
				err = p.show.think(ctx)
			}
			if !yield(a, err) || err != nil {
				return
			}
		}
	}
}

// think lets the demo's pace go by, or ctx end.
func (d *show) think(ctx context.Context) error {
	if d.pace <= 0 {
		return nil
	}
	start := time.Now()
	t := time.NewTimer(d.pace)
	defer t.Stop()
	select {
	case <-t.C:
		d.thought += time.Since(start)
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
