package main

import (
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/algocline/algocline/internal/buildinfo"
	"github.com/algocline/algocline/pool/worker"
)

// newPoolWorker is the process that holds sessions. Fronts start it; people do not.
func newPoolWorker(a *app) *cobra.Command {
	var sid, sock string
	cmd := &cobra.Command{
		Use:    "pool-worker",
		Short:  "Hold sessions (started by alc itself)",
		Hidden: true,
		Args:   exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (sid == "") != (sock == "") {
				return &usageError{Err: errors.New("--sid and --sock belong together"), Cmd: cmd.CommandPath()}
			}
			c, err := a.workerConfig()
			if err != nil {
				return err
			}
			c.SID, c.Sock = sid, sock
			return worker.Main(cmd.Context(), c)
		},
	}
	cmd.Flags().StringVar(&sid, "sid", "", "hold one session, under this name")
	cmd.Flags().StringVar(&sock, "sock", "", "listen on this socket")
	return cmd
}

func (a *app) workerConfig() (worker.Config, error) {
	set, err := a.settings()
	if err != nil {
		return worker.Config{}, err
	}
	return worker.Config{
		Home:         set.Home,
		Version:      buildinfo.Version(),
		Durability:   set.Durability,
		PackagePaths: set.PackagePaths,
		Limits:       set.Limits,
		Memory:       set.WorkerMemory,
		IdleTimeout:  set.IdleTimeout,
		Log:          slog.New(slog.NewTextHandler(a.voice.err, nil)),
	}, nil
}
