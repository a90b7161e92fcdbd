package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/internal/buildinfo"
	"github.com/algocline/algocline/pool/worker"
)

const idleVariable = "ALC_POOL_IDLE_TIMEOUT"

// defaultIdle is how long a worker stays without work.
const defaultIdle = 30 * time.Minute

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
	limits, err := engine.DefaultLimits().Raise(set.Limits)
	if err != nil {
		return worker.Config{}, &settingsError{"the operator's limits", err.Error()}
	}
	idle, err := idleTimeout(os.Getenv(idleVariable), set.IdleTimeout)
	if err != nil {
		return worker.Config{}, err
	}
	return worker.Config{
		Home:         set.Home,
		Version:      buildinfo.Version(),
		Durability:   set.Durability,
		PackagePaths: set.PackagePaths,
		Limits:       limits,
		IdleTimeout:  idle,
		Log:          slog.New(slog.NewTextHandler(a.voice.err, nil)),
	}, nil
}

// idleTimeout is what the environment says, else the file, else 30 minutes; 0 is never.
func idleTimeout(env string, file *time.Duration) (time.Duration, error) {
	switch {
	case env != "":
		seconds, err := strconv.ParseInt(env, 10, 32)
		if err != nil || seconds < 0 {
			return 0, &settingsError{idleVariable, fmt.Sprintf("%q is not a number of seconds, 0 for never", env)}
		}
		return time.Duration(seconds) * time.Second, nil
	case file != nil:
		return *file, nil
	}
	return defaultIdle, nil
}
