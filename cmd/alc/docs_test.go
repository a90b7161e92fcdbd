package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"regexp"
	"testing"

	"github.com/algocline/algocline/internal/buildinfo"
	"github.com/algocline/algocline/llm"
	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/service"
)

// Every strategy that the documents show runs to its end as it stands there.
func TestStrategiesInTheDocuments(t *testing.T) {
	t.Parallel()
	home := seatHome(t)
	block := regexp.MustCompile("(?s)```lua\n(.*?)```")
	for file, atLeast := range map[string]int{"../../README.md": 1, "../../docs/tutorial.md": 2} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		blocks := block.FindAllSubmatch(text, -1)
		if len(blocks) < atLeast {
			t.Errorf("%s shows %d strategies, want at least %d", file, len(blocks), atLeast)
		}
		for i, b := range blocks {
			if err := runToTheEnd(t.Context(), home, string(b[1])); err != nil {
				t.Errorf("%s, strategy %d: %v", file, i+1, err)
			}
		}
	}
}

func runToTheEnd(ctx context.Context, home, code string) error {
	s, err := service.New(service.Config{Home: home, Version: buildinfo.Version()})
	if err != nil {
		return err
	}
	defer s.Close()
	feed, err := s.Run(ctx, service.RunInput{Code: &code})
	if err != nil {
		return err
	}
	if feed, err = llm.Drive(ctx, s, feed, parrot{}, llm.Observer{}); err != nil {
		return err
	}
	if feed.Status != "completed" {
		return fmt.Errorf("it ended as %s: %w", feed.Status, errors.New(feed.Error.Message))
	}
	return nil
}

// parrot answers each prompt with the prompt.
type parrot struct{}

func (parrot) Answer(_ context.Context, queries ...pool.Query) iter.Seq2[pool.Answer, error] {
	return func(yield func(pool.Answer, error) bool) {
		for _, q := range queries {
			if !yield(pool.Answer{QueryID: &q.ID, Response: &q.Prompt}, nil) {
				return
			}
		}
	}
}
