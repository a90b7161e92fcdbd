package pool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/algocline/algocline/journal/lock"
	"github.com/algocline/algocline/journal/procid"
)

// patience is how long workers are waited for: when they are ended, and when they are silent.
type patience struct {
	shake  time.Duration // for a handshake, when a worker is chosen or ended
	polite time.Duration // after a shutdown request
	term   time.Duration // after SIGTERM
	kill   time.Duration // after SIGKILL

	answer time.Duration // for an answer, before it is probed whether the worker is stuck
	probe  time.Duration // for the handshake of that probe
	leave  time.Duration // for a worker that takes no connection any more
}

var usualPatience = patience{
	shake: 3 * time.Second, polite: 10 * time.Second, term: 5 * time.Second, kill: 5 * time.Second,
	answer: 5 * time.Second, probe: 15 * time.Second, leave: 40 * time.Second,
}

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
	polite := d.patience.polite
	if err := d.askToLeave(ctx, id); err != nil {
		d.c.Log.Debug("asking a worker to leave", "pid", id.PID, "error", err)
		polite = 0
	}
	steps := []struct {
		sig  syscall.Signal
		wait time.Duration
	}{{0, polite}, {syscall.SIGTERM, d.patience.term}, {syscall.SIGKILL, d.patience.kill}}
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
	ctx, cancel := context.WithTimeout(ctx, d.patience.polite)
	defer cancel()
	c, err := Dial(ctx, id.Sock, Options{Version: d.c.Version, HandshakeTimeout: d.patience.shake})
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
	if now, err := procid.Of(id.PID); err != nil || now.Start != id.Start {
		return fmt.Errorf("process %d is not the worker that its lock file %s names; it was not touched", id.PID, id.lock)
	}
	if err := p.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}
