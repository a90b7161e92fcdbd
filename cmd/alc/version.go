package main

import (
	"encoding/json"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/algocline/algocline/internal/buildinfo"
)

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		GroupID: groupCare,
		Short:   "Print the version",
		Args:    exactly(),
		RunE: func(*cobra.Command, []string) error {
			if !a.flags.json {
				return a.voice.print("alc %s\n", buildinfo.Version())
			}
			doc, err := json.Marshal(map[string]string{
				"version":  buildinfo.Version(),
				"go":       runtime.Version(),
				"platform": runtime.GOOS + "/" + runtime.GOARCH,
			})
			if err != nil {
				return err
			}
			return a.voice.raw(doc)
		},
	}
}
