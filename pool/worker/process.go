package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/algocline/algocline/card"
	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/internal/machine"
	"github.com/algocline/algocline/internal/safefile"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/lock"
	"github.com/algocline/algocline/journal/mark"
	"github.com/algocline/algocline/journal/sqlite"
	"github.com/algocline/algocline/pool"
)

// Config is what [Main] needs.
type Config struct {
	Home       string // the application directory
	Version    string // told in the handshake
	Durability string // "full", which "" means, or "process"
	// Sock is the socket of the single-session form; "" is a worker of the pool. SID only names
	// the worker then.
	Sock, SID string
	// IdleTimeout is how long the worker stays with nothing to do when the environment
	// variable ALC_POOL_IDLE_TIMEOUT (seconds) does not say; nil is 30 minutes. 0 is for ever,
	// in both.
	IdleTimeout *time.Duration
	// ReadyFD is the descriptor on which readiness is reported; 0 is the one that the
	// environment names, if any.
	ReadyFD      int
	PackagePaths []string      // searched after a session's own
	Limits       engine.Limits // the operator's; the zero value is engine.DefaultLimits
	Memory       int64         // bytes that the worker may have; 0 is half of what the machine has
	Log          *slog.Logger  // nil writes text to standard error
}

const (
	idleVariable = "ALC_POOL_IDLE_TIMEOUT"
	// sinksVariable names the mirrors of the store of cards.
	sinksVariable = "ALC_CARD_SINKS"
	usualIdle     = 30 * time.Minute
)

// Main is a worker's life: it opens the journal of the home, which it holds its lock beside,
// listens, reports that it is ready, and serves sessions until it is asked to shut down, gets
// SIGTERM, has been idle for long, or ctx ends. It then finishes what is being stepped; every
// session stays in the journal. An error that keeps it from starting is also reported on the ready
// pipe.
func Main(ctx context.Context, c Config) error {
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	if c.SID != "" {
		c.Log = c.Log.With("worker", c.SID)
	}
	if c.Durability == "" {
		c.Durability = string(sqlite.Full)
	}
	if c.Limits == (engine.Limits{}) {
		c.Limits = engine.DefaultLimits()
	}
	idle, idleErr := c.idle()
	memoryErr := c.settleMemory()
	cards, cardsErr := c.cards()
	p := pool.Process{
		Home: c.Home, Version: c.Version, Durability: c.Durability, Sock: c.Sock,
		Idle: idle, ReadyFD: c.ReadyFD, Write: c.writable(cards), Log: c.Log,
	}
	return p.Run(ctx, func(ctx context.Context, place pool.Place) (pool.Hosted, error) {
		if err := errors.Join(idleErr, memoryErr, cardsErr); err != nil {
			return nil, err
		}
		return c.open(ctx, place, cards)
	})
}

func (c Config) cards() (*card.Store, error) {
	s, err := card.Open(filepath.Join(c.Home, "cards"), card.Options{Sinks: card.SplitSinks(os.Getenv(sinksVariable))})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", sinksVariable, err)
	}
	return s, nil
}

// writable are the directories that the process may change. They are made before it is confined,
// which only what is there can be spared. One that cannot be made is found by whoever needs it.
func (c Config) writable(cards *card.Store) []string {
	var dirs []string
	for _, own := range []string{"journal", "state", "cards"} {
		dirs = append(dirs, filepath.Join(c.Home, own))
	}
	if cards != nil {
		dirs = append(dirs, cards.SinkDirs()...)
	}
	for _, dir := range dirs {
		if err := safefile.MkdirAll(dir); err != nil {
			c.Log.Warn("making a directory", "error", err)
		}
	}
	if c.Sock != "" {
		dirs = append(dirs, filepath.Dir(c.Sock))
	}
	return dirs
}

func (c Config) idle() (time.Duration, error) {
	text := os.Getenv(idleVariable)
	switch {
	case text == "" && c.IdleTimeout == nil:
		return usualIdle, nil
	case text == "":
		return *c.IdleTimeout, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || seconds < 0 || seconds > 1e9 {
		return 0, fmt.Errorf("%s is %q; give seconds, 0 for never", idleVariable, text)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// settleMemory decides how much memory the worker may have. Half leaves as much to the fronts, to the
// model beside them, and to a worker of another version.
func (c *Config) settleMemory() error {
	if c.Memory == 0 {
		total, err := machine.Memory()
		if err != nil {
			c.Log.Warn("the worker's memory is not bounded; set worker_memory", "error", err)
			return nil
		}
		c.Memory = max(total/2, MinMemory)
	}
	if c.Memory < MinMemory {
		return fmt.Errorf("worker_memory is %d bytes; a worker needs at least %d MiB", c.Memory, MinMemory>>20)
	}
	return nil
}

// journalCache is how much of the worker's memory the journal's file may have: an eighth, as far as it
// is of use. 0 is the journal's own default.
func (c *Config) journalCache() int64 { return min(c.Memory/8, 64<<20) }

// hosted is the sessions with what they stand on.
type hosted struct {
	*Sessions
	store *sqlite.Store
	mark  *mark.File
}

// open opens the journal, with what dead workers left as a measure of where it must end, and the
// sessions upon it.
func (c Config) open(ctx context.Context, place pool.Place, cards *card.Store) (pool.Hosted, error) {
	store, err := sqlite.Open(ctx, filepath.Join(c.Home, "journal"), sqlite.Options{
		Durability: sqlite.Durability(c.Durability), Marks: place.DeadMarks, CacheSize: c.journalCache(), Logger: c.Log,
	})
	if err != nil {
		return nil, err
	}
	h := &hosted{store: store}
	if err := c.openSessions(ctx, place, cards, h); err != nil {
		return nil, errors.Join(err, h.closeStore())
	}
	return h, nil
}

func (c Config) openSessions(ctx context.Context, place pool.Place, cards *card.Store, h *hosted) error {
	var err error
	if h.mark, err = h.store.KeepMark(place.Mark); err != nil {
		return err
	}
	self, err := register(ctx, h.store, c.Version, place)
	if err != nil {
		return err
	}
	zone, err := localZone()
	if err != nil {
		c.Log.Warn("dates are in UTC: the machine's time zone could not be read", "error", err)
	}
	h.Sessions, err = NewSessions(SessionsConfig{
		Store: h.store, Worker: self, Mark: h.mark, Alive: c.alive,
		Version: c.Version, Durability: c.Durability, Home: c.Home, Cards: cards, PackagePaths: c.PackagePaths, Limits: c.Limits, Memory: c.Memory,
		Single: c.Sock != "", Lone: place.Lone, Write: place.Write, Zone: zone, Log: c.Log,
	})
	return err
}

func register(ctx context.Context, store journal.Store, version string, place pool.Place) (journal.Worker, error) {
	boot, err := mark.BootID()
	if err != nil {
		return journal.Worker{}, err
	}
	w := journal.Worker{
		LockPath: place.Lock, Sock: place.Sock, PID: os.Getpid(), Version: version, BootID: boot, StartedAt: time.Now(),
	}
	if w.ID, err = store.Register(ctx, w); err != nil {
		return w, fmt.Errorf("making this worker known: %w", err)
	}
	return w, nil
}

// alive tells whether a worker lives. In doubt it does: a session is never taken from the living.
func (c Config) alive(w journal.Worker) bool {
	alive, err := lock.Alive(w.LockPath)
	if err != nil {
		c.Log.Error("asking whether a worker lives", "worker", w.ID, "error", err)
		return true
	}
	return alive
}

// Close lets the sessions go, then the journal.
func (h *hosted) Close() error {
	return errors.Join(h.Sessions.Close(), h.closeStore())
}

func (h *hosted) closeStore() error {
	err := h.store.Close()
	if h.mark != nil {
		err = errors.Join(err, h.mark.Close())
	}
	return err
}
