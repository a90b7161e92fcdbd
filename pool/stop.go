package pool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/algocline/algocline/journal/lock"
)

const (
	politePatience = 10 * time.Second // for a shutdown request
	termPatience   = 5 * time.Second  // for SIGTERM
	killPatience   = 5 * time.Second  // for SIGKILL
)

// Stop ends live workers: those whose socket or pid is named, or all. Each is asked to shut
// down, which lets it finish its steps; one that does not within ten seconds gets SIGTERM and then
// SIGKILL, but only if its lock and the start time of its process prove that it is the one. Nothing
// is lost: its sessions are in the journal. It returns those that are gone; the error joins what
// failed with the others. A name that no live worker has is passed over.
func (d *Dispatcher) Stop(ctx context.Context, names ...string) ([]WorkerInfo, error) {
	live, err := scan(d.dir)
	if err != nil {
		return nil, err
	}
	if len(names) > 0 {
		live = slices.DeleteFunc(live, func(id identity) bool {
			return !slices.Contains(names, id.Sock) && !slices.Contains(names, strconv.Itoa(id.PID))
		})
	}
	errs := make([]error, len(live))
	var wg sync.WaitGroup
	for i, id := range live {
		wg.Go(func() { errs[i] = d.stop(ctx, id) })
	}
	wg.Wait()
	d.reap()
	var stopped []WorkerInfo
	for i, id := range live {
		if errs[i] == nil {
			stopped = append(stopped, id.info())
		}
	}
	return stopped, errors.Join(errs...)
}

func (d *Dispatcher) stop(ctx context.Context, id identity) error {
	patience := politePatience
	if err := d.askToLeave(ctx, id); err != nil {
		d.c.Log.Debug("asking a worker to leave", "pid", id.PID, "error", err)
		patience = 0
	}
	steps := []struct {
		sig  syscall.Signal
		wait time.Duration
	}{{0, patience}, {syscall.SIGTERM, termPatience}, {syscall.SIGKILL, killPatience}}
	for _, s := range steps {
		if s.sig != 0 {
			if err := id.signal(s.sig); err != nil {
				return fmt.Errorf("stopping worker %d: %w", id.PID, err)
			}
		}
		if awaitDeath(ctx, id, s.wait) {
			return d.tidy(id)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("stopping worker %d: %w", id.PID, context.Cause(ctx))
		}
	}
	return fmt.Errorf("worker %d still lives after SIGKILL; see alc doctor", id.PID)
}

// askToLeave sends the shutdown request over a connection of its own.
func (d *Dispatcher) askToLeave(ctx context.Context, id identity) error {
	if id.Version != d.c.Version {
		return &VersionMismatchError{Client: d.c.Version, Server: id.Version}
	}
	ctx, cancel := context.WithTimeout(ctx, politePatience)
	defer cancel()
	c, err := Dial(ctx, id.Sock, Options{Version: d.c.Version, HandshakeTimeout: pickPatience})
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Shutdown(ctx)
}

// tidy removes what a worker that was killed left; its mark stays for whoever starts next.
func (d *Dispatcher) tidy(id identity) error {
	if _, err := os.Stat(id.lock); err != nil {
		return nil // it left by itself
	}
	return bury(id.lock)
}

// signal sends a signal to the worker's process, and to no other: the process is pinned first,
// then it is checked that the worker still holds its lock and that the process is the one that
// took it.
func (id identity) signal(sig syscall.Signal) error {
	p, err := os.FindProcess(id.PID)
	if err != nil {
		return err
	}
	defer p.Release()
	alive, err := lock.Alive(id.lock)
	if err != nil {
		return err
	}
	if !alive {
		return nil // dead meanwhile, which is what was wanted
	}
	start, err := processStart(id.PID)
	if err != nil || start != id.Start {
		return fmt.Errorf("process %d is not the worker that its lock file %s names; it was not touched", id.PID, id.lock)
	}
	if err := p.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// executable is the absolute path of the binary that workers are started with.
func executable(exe string) (string, error) {
	if exe != "" {
		return filepath.Abs(exe)
	}
	exe, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding the alc binary to start a worker with: %w", err)
	}
	return exe, nil
}
