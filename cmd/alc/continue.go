package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/service"
)

type continueFlags struct {
	query   string
	answer  string
	answers answerFlags
}

func newContinue(a *app) *cobra.Command {
	var f continueFlags
	cmd := &cobra.Command{
		Use:     "continue SID",
		GroupID: groupSessions,
		Short:   "Answer a paused session",
		Long: `Answers one query of a paused session and shows where it stands then. Without
--answer, prompts are shown and answered as alc run does it.

Answering the same query with the same text again changes nothing and shows
where the session stands now, so a command that failed can simply be repeated
when it has --query. Without it, the answer goes to whatever is asked now.`,
		Example: `  alc continue s-18c2… --answer 'forty-two'
  alc continue s-18c2… --query q-3 --answer @answer.txt
  model < prompt.txt | alc continue s-18c2… --answer -`,
		Args:              exactly("SID"),
		ValidArgsFunction: a.completeSID,
		RunE: func(cmd *cobra.Command, args []string) error {
			one := cmd.Flags().Changed("answer")
			if err := f.check(one); err != nil {
				return &usageError{Err: err, Cmd: cmd.CommandPath()}
			}
			return a.withService(func(s *service.Service) error {
				if one {
					return a.answerOne(cmd, s, args[0], f)
				}
				return a.goOn(cmd.Context(), s, args[0], f)
			})
		},
	}
	cmd.Flags().StringVar(&f.query, "query", "", "the `ID` of the query; may be left out when one is open")
	cmd.Flags().StringVar(&f.answer, "answer", "", "the answer: `TEXT`, @FILE, or - for standard input; a last newline of the two is dropped")
	addAnswerFlags(cmd, &f.answers)
	return cmd
}

// check refuses flags that contradict each other.
func (f continueFlags) check(one bool) error {
	switch {
	case one && (f.answers != answerFlags{}):
		return errors.New("--answer gives one answer, --answers and --record are for many: take one of them")
	case !one && f.query != "":
		return errors.New("--query says which query --answer is for, and there is no --answer")
	}
	return nil
}

// answerOne gives one answer.
func (a *app) answerOne(cmd *cobra.Command, s *service.Service, sid string, f continueFlags) error {
	text, err := textArgument(f.answer, a.in)
	if err != nil {
		return &usageError{Err: fmt.Errorf("reading --answer: %w", err), Cmd: cmd.CommandPath()}
	}
	answer := pool.Answer{Response: &text}
	if f.query != "" {
		answer.QueryID = &f.query
	}
	feed, err := s.Continue(cmd.Context(), sid, []pool.Answer{answer})
	if err != nil {
		return err
	}
	feed.SessionID = sid
	return a.show(feed)
}

// goOn takes a session up where it stands and answers it as far as there is somebody to answer.
func (a *app) goOn(ctx context.Context, s *service.Service, sid string, f continueFlags) error {
	who, err := a.answerer(f.answers, true)
	if err != nil && !errors.Is(err, errNobody) {
		return err
	}
	feed, err := present(ctx, s, sid)
	if err != nil {
		return errors.Join(err, who.close())
	}
	err = a.see(ctx, s, feed, who)
	return errors.Join(err, who.close())
}

// present returns where a session stands, as the feed that its last request gave.
func present(ctx context.Context, s *service.Service, sid string) (pool.Feed, error) {
	feed := pool.Feed{SessionID: sid}
	status, err := s.Session(ctx, sid, false)
	if err != nil {
		return feed, err
	}
	for _, info := range status.Sessions {
		switch {
		case info.SessionID != sid:
			continue
		case info.Detail == nil:
			return feed, &hinted{fmt.Errorf("session %s is %s", sid, info.State), []string{"it asks nothing now; alc status " + sid + " shows when it does"}}
		}
		if end := info.Detail.Finished; end != nil {
			feed.Type, feed.Status, feed.Output = pool.FeedFinished, end.Status, end.Output
			feed.Error, feed.Metrics = end.Error, end.Metrics
			return feed, nil
		}
		feed.Type, feed.Queries = pool.FeedPaused, info.Detail.Queries
		return feed, nil
	}
	return feed, fmt.Errorf("the worker said nothing of session %s", sid)
}
