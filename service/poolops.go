package service

import (
	"context"
	"fmt"
	"sort"

	"github.com/algocline/algocline/pool"
)

// PoolReport is the live workers of a home and the sessions that they hold.
type PoolReport struct {
	Version  string // of this front
	Workers  []pool.WorkerInfo
	Sessions []SessionEntry // oldest first
}

// PoolStopped is the outcome of PoolStop. Stopping loses nothing: the sessions are in the
// journal, and the next continue takes them up.
type PoolStopped struct {
	Sessions []string          // that were held by the stopped workers
	Workers  []pool.WorkerInfo // that are gone
	Errors   []string          // of those that are not
}

// PoolEnsure starts a worker if none is up, so that the next run finds one, and reports.
func (s *Service) PoolEnsure(ctx context.Context) (PoolReport, error) {
	if _, err := s.pool.Ensure(ctx); err != nil {
		return PoolReport{}, fmt.Errorf("starting a worker: %w", err)
	}
	return s.PoolStatus(ctx, nil)
}

// PoolStatus reports the live workers and starts nothing. With a sid it shows that session's
// alone; an unknown sid gives an empty report. A worker that does not answer in time is left
// out, and is an error when no worker answered at all.
func (s *Service) PoolStatus(ctx context.Context, sid *string) (PoolReport, error) {
	r := PoolReport{Version: s.version}
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	workers, err := s.pool.Workers(ctx)
	if err != nil {
		if len(workers) == 0 {
			return r, fmt.Errorf("asking the workers: %w", err)
		}
		s.log.Warn("asking the workers", "err", err)
	}
	for _, w := range workers {
		held := len(r.Sessions)
		for _, info := range w.Sessions {
			if active(info.State) && (sid == nil || *sid == info.SessionID) {
				r.Sessions = append(r.Sessions, SessionEntry{SessionInfo: info, Worker: w.Worker})
			}
		}
		if sid == nil || len(r.Sessions) > held {
			r.Workers = append(r.Workers, w.Worker)
		}
	}
	sort.SliceStable(r.Sessions, func(i, j int) bool { return r.Sessions[i].StartedAt < r.Sessions[j].StartedAt })
	return r, nil
}

// PoolStop ends every worker, or the one that holds session sid; a step that is running is
// finished first. With a sid that no worker holds it does nothing. What could not be stopped is
// in the report, not an error.
func (s *Service) PoolStop(ctx context.Context, sid *string) (PoolStopped, error) {
	var out PoolStopped
	report, err := s.PoolStatus(ctx, sid)
	if err != nil && sid != nil {
		return out, err
	}
	for _, e := range report.Sessions {
		out.Sessions = append(out.Sessions, e.SessionID)
	}
	var socks []string
	if sid != nil {
		for _, w := range report.Workers {
			socks = append(socks, w.Sock)
		}
		if len(socks) == 0 {
			return out, nil
		}
	}
	out.Workers, err = s.pool.Stop(ctx, socks...)
	if err != nil {
		out.Errors = append(out.Errors, err.Error())
	}
	return out, nil
}
