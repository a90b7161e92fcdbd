// Package llm is about who answers: the queries of a paused session go to an [Answerer], and its
// answers go back until the session ends.
//
// An Answerer can be a recording (package llm/recording), a person at a terminal (package
// llm/terminal) or a provider's API. [Drive] is the loop between a session and an Answerer. It
// hands every answer over as soon as it is there, so that what was answered is durable even if
// the rest of a batch never comes.
package llm

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/algocline/algocline/pool"
)

// ErrIncomplete is an Answerer that ended without an answer to every query and without saying why.
var ErrIncomplete = errors.New("not every query was answered")

// Answerer plays the LLM. Answer yields one answer for each of the queries, in any order, each
// with its query id; it stops early only with an error, after which the answers already yielded
// still count. It returns as soon as ctx is done, with ctx's error. Unless an implementation says
// otherwise, it serves one call at a time.
type Answerer interface {
	Answer(ctx context.Context, queries ...pool.Query) iter.Seq2[pool.Answer, error]
}

// Session is what Drive needs of whatever runs sessions.
type Session interface {
	Continue(ctx context.Context, sid string, answers []pool.Answer) (pool.Feed, error)
}

// AnsweringError is an Answerer that failed. The session stays paused.
type AnsweringError struct {
	SID string
	Err error
}

func (e *AnsweringError) Error() string { return e.Err.Error() }
func (e *AnsweringError) Unwrap() error { return e.Err }

// Observer is told what Drive does, in order, from Drive's goroutine. Any field may be nil.
type Observer struct {
	// Paused is called with the queries that are about to be answered.
	Paused func(sid string, queries []pool.Query)
	// Acknowledged is called when an answer is durable: the session will never ask it again.
	Acknowledged func(sid string, answer pool.Answer, after pool.Feed)
}

// Drive answers the session that feed belongs to until it is paused no more, and returns its
// last feed. When the Answerer or the session fails, the feed is the last one that was
// acknowledged and the error says what failed: an [*AnsweringError], or that of Continue.
func Drive(ctx context.Context, s Session, feed pool.Feed, a Answerer, o Observer) (pool.Feed, error) {
	for feed.Type == pool.FeedPaused {
		if o.Paused != nil {
			o.Paused(feed.SessionID, feed.Queries)
		}
		var err error
		if feed, err = round(ctx, s, feed, a, o); err != nil {
			return feed, err
		}
	}
	return feed, nil
}

// round answers one pause.
func round(ctx context.Context, s Session, feed pool.Feed, a Answerer, o Observer) (pool.Feed, error) {
	sid, queries, answered := feed.SessionID, feed.Queries, 0
	for answer, err := range a.Answer(ctx, queries...) {
		if err != nil {
			return feed, &AnsweringError{SID: sid, Err: err}
		}
		after, err := s.Continue(ctx, sid, []pool.Answer{answer})
		if err != nil {
			return feed, fmt.Errorf("answering %s: %w", name(answer), err)
		}
		if after.SessionID == "" {
			after.SessionID = sid
		}
		feed = after
		answered++
		if o.Acknowledged != nil {
			o.Acknowledged(sid, answer, feed)
		}
		if feed.Type != pool.FeedAccepted {
			return feed, nil // the pause is over; others may have answered too
		}
	}
	return feed, &AnsweringError{SID: sid, Err: fmt.Errorf("%w: %d of %d", ErrIncomplete, answered, len(queries))}
}

func name(a pool.Answer) string {
	if a.QueryID == nil {
		return "the open query"
	}
	return *a.QueryID
}
