package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/service"
)

func newPool(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "pool",
		GroupID: groupCare,
		Short:   "Look after the worker processes",
		Long: `Workers hold sessions and start by themselves when they are needed. Stopping one
loses nothing: its sessions are in the journal, and the next continue takes them
up.`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use:               "status [SID]",
			Short:             "Show the workers that are alive",
			Args:              atMost("SID"),
			ValidArgsFunction: a.completeSID,
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.withService(func(s *service.Service) error { return a.poolStatus(cmd.Context(), s, optional(args)) })
			},
		},
		&cobra.Command{
			Use:               "stop [SID]",
			Short:             "End the workers, or the one that holds a session",
			Args:              atMost("SID"),
			ValidArgsFunction: a.completeSID,
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.withService(func(s *service.Service) error { return a.poolStop(cmd.Context(), s, optional(args)) })
			},
		},
	)
	return cmd
}

func optional(args []string) *string {
	if len(args) == 0 {
		return nil
	}
	return &args[0]
}

func (a *app) poolStatus(ctx context.Context, s *service.Service, sid *string) error {
	report, err := s.PoolStatus(ctx, sid)
	if err == nil && sid != nil && len(report.Workers) == 0 {
		err = s.Known(ctx, *sid)
	}
	if err != nil {
		return err
	}
	if a.flags.json {
		doc, err := service.RenderPool(report, true)
		if err != nil {
			return err
		}
		return a.voice.raw(doc)
	}
	switch {
	case len(report.Workers) > 0:
	case sid != nil:
		a.voice.note("no worker holds session %s; the journal does", *sid)
		return nil
	default:
		a.voice.note("no worker is running; one starts when it is needed")
		return nil
	}
	return a.voice.print("%s", a.voice.table([]string{"PID", "VERSION", "SESSIONS", "MEMORY", "STARTED", "ISOLATION", "DURABILITY"}, workerRows(report.Workers)))
}

func workerRows(workers []pool.WorkerInfo) [][]string {
	rows := make([][]string, len(workers))
	for i, w := range workers {
		started := w.StartedAt
		if t, err := time.Parse(time.RFC3339, started); err == nil {
			started = since(t)
		}
		isolation := cmp.Or(w.Isolation, pool.IsolationShared)
		rows[i] = []string{strconv.Itoa(w.PID), w.Version, strconv.Itoa(w.Sessions), mebibytes(w.MemoryBytes), started, string(isolation), w.Durability}
	}
	return rows
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func (a *app) poolStop(ctx context.Context, s *service.Service, sid *string) error {
	stopped, err := s.PoolStop(ctx, sid)
	if err == nil && sid != nil && len(stopped.Workers)+len(stopped.Errors) == 0 {
		err = s.Known(ctx, *sid)
	}
	if err != nil {
		return err
	}
	if a.flags.json {
		doc, err := service.RenderPoolStopped(stopped)
		if err != nil {
			return err
		}
		if err := a.voice.raw(doc); err != nil {
			return err
		}
	} else if err := a.tellStopped(stopped, sid); err != nil {
		return err
	}
	if len(stopped.Errors) > 0 {
		return exitStatus(exitError)
	}
	return nil
}

func (a *app) tellStopped(stopped service.PoolStopped, sid *string) error {
	for _, e := range stopped.Errors {
		a.voice.note("alc: %s %s", a.voice.errPaint.bad("error:"), e)
	}
	if len(stopped.Workers) == 0 {
		switch {
		case len(stopped.Errors) > 0:
		case sid != nil:
			a.voice.note("no worker held session %s; the journal does", *sid)
		default:
			a.voice.note("no worker was running")
		}
		return nil
	}
	pids := make([]string, len(stopped.Workers))
	for i, w := range stopped.Workers {
		pids[i] = strconv.Itoa(w.PID)
	}
	if n := len(stopped.Sessions); n > 0 {
		a.voice.note("sessions that wait in the journal: %d", n)
	}
	return a.voice.print("stopped %s\n", strings.Join(pids, ", "))
}
