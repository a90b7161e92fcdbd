package main

import (
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/algocline/algocline/mcpserver"
	"github.com/algocline/algocline/service"
)

// serve is the bare alc: the MCP server on standard input and output, until the host closes its
// end or the process is told to stop. Sessions live on. A person at a terminal gets help instead
// of a program that waits for JSON.
func (a *app) serve(cmd *cobra.Command) error {
	if term.IsTerminal(int(a.in.Fd())) {
		return cmd.Help()
	}
	return a.withService(func(s *service.Service) error {
		return mcpserver.New(s, mcpserver.Options{Log: a.voice.logger()}).Serve(cmd.Context(), a.in, a.voice.out)
	})
}
