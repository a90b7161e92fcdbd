package llm_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/llm"
	"github.com/algocline/algocline/pool"
)

// script is a session that pauses on one round of queries after the other.
type script struct {
	rounds [][]string // query ids
	round  int
	open   map[string]bool
	got    []string // "id=response" in the order of arrival
	fail   error    // of the next Continue
}

func (s *script) feed() pool.Feed {
	if s.round == len(s.rounds) {
		return pool.Feed{SessionID: "s-1", Type: pool.FeedFinished, Status: "completed"}
	}
	f := pool.Feed{SessionID: "s-1", Type: pool.FeedPaused}
	s.open = map[string]bool{}
	for _, id := range s.rounds[s.round] {
		s.open[id] = true
		f.Queries = append(f.Queries, pool.Query{ID: id, Prompt: "prompt " + id})
	}
	return f
}

func (s *script) Continue(_ context.Context, sid string, answers []pool.Answer) (pool.Feed, error) {
	if s.fail != nil {
		return pool.Feed{}, s.fail
	}
	for _, a := range answers {
		s.got = append(s.got, sid+" "+*a.QueryID+"="+*a.Response)
		delete(s.open, *a.QueryID)
	}
	if len(s.open) > 0 {
		return pool.Feed{Type: pool.FeedAccepted, Remaining: len(s.open)}, nil
	}
	s.round++
	return s.feed(), nil
}

// answerFunc is an Answerer that is a function of a query.
type answerFunc func(q pool.Query) (string, error)

func (f answerFunc) Answer(_ context.Context, queries ...pool.Query) iter.Seq2[pool.Answer, error] {
	return func(yield func(pool.Answer, error) bool) {
		for _, q := range queries {
			text, err := f(q)
			if errors.Is(err, errSilent) {
				return
			}
			if !yield(pool.Answer{QueryID: &q.ID, Response: &text}, err) || err != nil {
				return
			}
		}
	}
}

var (
	errSilent = errors.New("stop without a word")
	errModel  = errors.New("the model is away")
	errWorker = errors.New("the worker is away")
)

func echo(q pool.Query) (string, error) { return "re " + q.Prompt, nil }

func failAt(id string, err error) answerFunc {
	return func(q pool.Query) (string, error) {
		if q.ID == id {
			return "", err
		}
		return echo(q)
	}
}

func TestDrive(t *testing.T) {
	t.Parallel()
	rounds := [][]string{{"q-0"}, {"q-1", "q-2", "q-3"}}
	all := []string{"s-1 q-0=re prompt q-0", "s-1 q-1=re prompt q-1", "s-1 q-2=re prompt q-2", "s-1 q-3=re prompt q-3"}
	for _, c := range []struct {
		name     string
		answerer llm.Answerer
		fail     error
		got      []string
		last     pool.Feed
		err      error
		fault    bool
	}{
		{name: "to the end", answerer: answerFunc(echo), got: all, last: pool.Feed{SessionID: "s-1", Type: pool.FeedFinished, Status: "completed"}},
		{name: "the model fails in a batch", answerer: failAt("q-2", errModel), got: all[:2],
			last: pool.Feed{SessionID: "s-1", Type: pool.FeedAccepted, Remaining: 2}, err: errModel, fault: true},
		{name: "the model stops without a word", answerer: failAt("q-3", errSilent), got: all[:3],
			last: pool.Feed{SessionID: "s-1", Type: pool.FeedAccepted, Remaining: 1}, err: llm.ErrIncomplete, fault: true},
		{name: "the worker fails", answerer: answerFunc(echo), fail: errWorker,
			last: pool.Feed{SessionID: "s-1", Type: pool.FeedPaused, Queries: []pool.Query{{ID: "q-0", Prompt: "prompt q-0"}}}, err: errWorker},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &script{rounds: rounds, fail: c.fail}
			var acknowledged []string
			last, err := llm.Drive(t.Context(), s, s.feed(), c.answerer, llm.Observer{
				Acknowledged: func(sid string, a pool.Answer, _ pool.Feed) {
					acknowledged = append(acknowledged, sid+" "+*a.QueryID+"="+*a.Response)
				},
			})
			if !errors.Is(err, c.err) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			var blamed *llm.AnsweringError
			if errors.As(err, &blamed) != c.fault {
				t.Errorf("error %v: blamed on the answerer: %v", err, !c.fault)
			}
			if diff := cmp.Diff(c.last, last); diff != "" {
				t.Errorf("last feed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.got, s.got); diff != "" {
				t.Errorf("answers the session got (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.got, acknowledged); diff != "" {
				t.Errorf("acknowledged (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDriveTellsPauses(t *testing.T) {
	t.Parallel()
	s := &script{rounds: [][]string{{"q-0", "q-1"}, {"q-2"}}}
	var pauses []int
	_, err := llm.Drive(t.Context(), s, s.feed(), answerFunc(echo), llm.Observer{
		Paused: func(_ string, queries []pool.Query) { pauses = append(pauses, len(queries)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{2, 1}, pauses); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
}

// elsewhere is a session whose other queries somebody else answers meanwhile.
type elsewhere struct{ script }

func (s *elsewhere) Continue(ctx context.Context, sid string, answers []pool.Answer) (pool.Feed, error) {
	s.open = map[string]bool{*answers[0].QueryID: true}
	return s.script.Continue(ctx, sid, answers)
}

// What was answered elsewhere is not asked any more.
func TestRoundEndsWithItsPause(t *testing.T) {
	t.Parallel()
	s := &elsewhere{script{rounds: [][]string{{"q-0", "q-1"}, {"q-2", "q-3"}}}}
	var asked []string
	feed, err := llm.Drive(t.Context(), s, s.feed(), answerFunc(func(q pool.Query) (string, error) {
		asked = append(asked, q.ID)
		return echo(q)
	}), llm.Observer{})
	if err != nil || feed.Type != pool.FeedFinished {
		t.Fatalf("%+v, %v", feed, err)
	}
	if diff := cmp.Diff([]string{"q-0", "q-2"}, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}
