package main

import (
	"github.com/spf13/cobra"

	"github.com/algocline/algocline/service"
)

func newCancel(a *app) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:               "cancel SID",
		GroupID:           groupSessions,
		Short:             "End a session that is not wanted any more",
		Args:              exactly("SID"),
		ValidArgsFunction: a.completeSID,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(func(s *service.Service) error {
				feed, err := s.Cancel(cmd.Context(), args[0], reason)
				if err != nil {
					return err
				}
				feed.SessionID = args[0]
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
