package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/algocline/algocline/service"
)

// completionTimeout bounds what a shell waits for after Tab.
const completionTimeout = time.Second

// completeSID offers the sessions that wait. It starts no worker.
func (a *app) completeSID(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var found []string
	err := a.withService(func(s *service.Service) error {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
		defer cancel()
		sessions, err := s.Sessions(ctx)
		for _, e := range sessions {
			what := e.State
			if e.Strategy != "" {
				what = e.Strategy + ", " + what
			}
			found = append(found, cobra.CompletionWithDesc(e.SessionID, fmt.Sprintf("%s, open queries: %d", what, e.QueriesOpen)))
		}
		return err
	})
	if err != nil && len(found) == 0 {
		return nil, cobra.ShellCompDirectiveError
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

// registerCompletions offers fixed words for flags.
func registerCompletions(cmd *cobra.Command, words map[string][]string) {
	for flag, list := range words {
		err := cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return list, cobra.ShellCompDirectiveNoSpace
		})
		if err != nil {
			panic(err) // the flag's name is written wrong, a few lines above the call
		}
	}
}

func withSuffix(list []string, suffix string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = s + suffix
	}
	return out
}
