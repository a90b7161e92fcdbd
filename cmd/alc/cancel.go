package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/service"
)

func newCancel(a *app) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:     "cancel SID",
		GroupID: groupSessions,
		Short:   "End a session that is not wanted any more",
		Long: `Ends a session that waits for an answer; a step that is running is finished
first. What was done stays done, and the history stays in the journal. A session
that has ended by itself is left as it is, with exit code 5.`,
		Args:              exactly("SID"),
		ValidArgsFunction: a.completeSID,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(func(s *service.Service) error {
				feed, err := s.Cancel(cmd.Context(), args[0], reason)
				if err != nil {
					return err
				}
				feed.SessionID = args[0]
				if feed.Status != pool.StatusCancelled {
					return endedBefore(feed)
				}
				if a.flags.json {
					doc, err := service.Render(feed)
					if err != nil {
						return err
					}
					return a.voice.raw(doc)
				}
				return a.voice.print("session %s is cancelled\n", args[0])
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, a `TEXT` that is kept with the session")
	return cmd
}

// endedBefore refuses to cancel what has ended otherwise.
func endedBefore(f pool.Feed) error {
	return &pool.RemoteError{
		Code:    pool.CodeSessionFinished,
		Message: fmt.Sprintf("session %s has ended (%s); there is nothing to cancel", f.SessionID, f.Status),
		Details: map[string]any{"session_id": f.SessionID},
	}
}
