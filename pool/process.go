package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/algocline/algocline/internal/confine"
	"github.com/algocline/algocline/journal/lock"
)

// Process is a worker process: what it is called and how it lives. [Process.Run] is the life.
type Process struct {
	Home       string
	Version    string
	Durability string // shown to others
	// Sock is the socket of the single-session form; "" is a worker of the pool, which makes
	// its own.
	Sock string
	// Idle is how long the worker stays with nothing to do; 0 is for ever.
	Idle time.Duration
	// ReadyFD is the descriptor on which readiness is reported; 0 is the one that [ReadyEnv]
	// names, if any.
	ReadyFD int
	// Write are the directories below which the process, and what it serves, may change files;
	// its confinement holds it to them. nil leaves the process as it is.
	Write []string
	Log   *slog.Logger // nil discards
}

// ReadyEnv names the environment variable with the descriptor on which a worker that was started
// by a front reports that it is ready.
const ReadyEnv = "ALC_POOL_READY_FD"

// Hosted is the handler that a worker process serves.
type Hosted interface {
	Handler
	// Busy tells how many sessions are being stepped and when the last step ended.
	Busy() (active int, last time.Time)
	// Holds tells whether any session was ever asked for and whether one is in memory now. Only
	// a worker that serves one session alone is asked.
	Holds() (given, held bool)
	// Close is called once, after the last request.
	Close() error
}

// readiness is the line on the ready pipe.
type readiness struct {
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
	Lock  string `json:"lock,omitempty"`
}

// Run is the life of a worker: it confines the process, which runs its program anew for that (see
// package confine: nothing that does not survive an exec may be open), makes its place in the pool directory, removes what dead
// workers left, opens the handler, listens, says that it is ready, and serves until it is asked to
// shut down, gets SIGTERM or SIGINT, has been idle for long enough, or ctx ends. Its files are
// gone when it returns. What went wrong before it was ready is also told on the ready pipe.
func (p Process) Run(ctx context.Context, open func(context.Context, Place) (Hosted, error)) error {
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	lone, err := takeLone()
	var held *confine.Report
	if err == nil {
		held, err = p.confine(lone)
	}
	ready, ferr := p.inherit()
	if ferr != nil {
		return errors.Join(err, ferr)
	}
	defer ready.close()
	if err != nil {
		ready.say(readiness{Error: err.Error()})
		return err
	}
	signal.Ignore(syscall.SIGPIPE, syscall.SIGHUP)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := p.live(ctx, ready, lone, held, open); err != nil {
		ready.say(readiness{Error: err.Error()})
		return err
	}
	return nil
}

// confine confines the process; the report is nil when nothing was to be confined.
func (p Process) confine(lone *Lone) (*confine.Report, error) {
	if p.Write == nil {
		return nil, nil
	}
	held, err := confine.Enter(confine.Rules{Write: slices.Concat(p.Write, lone.dirs())})
	if err != nil {
		return nil, fmt.Errorf("confining the worker: %w", err)
	}
	return held, os.Unsetenv(loneEnv)
}

func (p Process) live(ctx context.Context, ready *readyPipe, lone *Lone, held *confine.Report, open func(context.Context, Place) (Hosted, error)) (err error) {
	dir, err := makeDir(p.Home)
	if err != nil {
		return err
	}
	place := newPlace(dir)
	place.Lone, place.Write = lone != nil, p.Write
	alive, err := lock.Acquire(ctx, place.Lock)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, alive.Remove()) }()
	if place.DeadMarks, err = sweep(dir); err != nil {
		return fmt.Errorf("clearing up after dead workers: %w", err)
	}
	if p.Sock != "" {
		place.Sock = p.Sock
	}
	ln, err := Listen(ctx, place.Sock)
	if err != nil {
		return err
	}
	defer ln.Close() // Serve has closed it, unless it was not reached
	if held != nil {
		if err := held.Seal(); err != nil {
			return fmt.Errorf("confining the worker: %w", err)
		}
	}
	h, err := open(ctx, place)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.leave(h, place, err)) }()
	if err := remove(place.DeadMarks); err != nil {
		return err
	}
	id, err := newIdentity(p, place)
	if err != nil {
		return err
	}
	id.Lone, id.Confinement = place.Lone, held
	if err := id.write(alive); err != nil {
		return err
	}
	p.Log.Info("worker is ready", "pid", id.PID, "version", p.Version, "sock", place.Sock, "confinement", held)
	ready.say(readiness{OK: true, Lock: place.Lock})
	return p.serve(ctx, ln, h, place.Lone)
}

func (p Process) serve(ctx context.Context, ln net.Listener, h Hosted, lone bool) error {
	o := ServeOptions{Version: p.Version, Single: p.Sock != "", Log: p.Log, Idle: p.Idle, Busy: h.Busy}
	if lone {
		o.Lone = h.Holds
	}
	return Serve(ctx, ln, h, o)
}

// leave closes the handler. The mark of a worker that ended well has nothing to tell.
func (p Process) leave(h Hosted, place Place, err error) error {
	if cerr := h.Close(); cerr != nil {
		return fmt.Errorf("closing the worker: %w", cerr)
	}
	if err != nil {
		return nil
	}
	p.Log.Info("worker leaves", "pid", os.Getpid())
	return remove([]string{place.Mark})
}

func remove(paths []string) error {
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing a mark: %w", err)
		}
	}
	return nil
}

// readyPipe is the descriptor on which readiness is reported; its zero value reports to nobody.
type readyPipe struct{ f *os.File }

// inherit takes the ready pipe and closes every other descriptor that the process that started
// this one let slip.
func (p Process) inherit() (*readyPipe, error) {
	fd := p.ReadyFD
	if text := os.Getenv(ReadyEnv); fd == 0 && text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n <= 2 {
			return nil, fmt.Errorf("%s is %q, not the number of a descriptor", ReadyEnv, text)
		}
		fd = n
	}
	if err := errors.Join(os.Unsetenv(ReadyEnv), closeInherited(fd)); err != nil {
		return nil, fmt.Errorf("closing inherited descriptors: %w", err)
	}
	if fd == 0 {
		return &readyPipe{}, nil
	}
	syscall.CloseOnExec(fd)
	return &readyPipe{os.NewFile(uintptr(fd), "ready pipe")}, nil
}

// say reports and closes the pipe; only the first report counts. A front that does not listen
// any more harms nobody.
func (r *readyPipe) say(what readiness) {
	if r.f == nil {
		return
	}
	if line, err := json.Marshal(what); err == nil {
		r.f.Write(append(line, '\n'))
	}
	r.close()
}

func (r *readyPipe) close() {
	if r.f != nil {
		r.f.Close()
		r.f = nil
	}
}
