package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/algocline/algocline/pool"
)

// Config says which home a [Service] works on. Home and Version are required.
type Config struct {
	Home       string         // the application directory; made absolute
	Version    string         // of this build; workers of other versions are left alone
	Exe        string         // the alc program that workers are started with; "" is this one
	Durability string         // "full" (default) or "process", for workers that are started
	Isolation  pool.Isolation // of sessions that do not say; "" is shared
	// PackagePaths are searched by require before Home/packages. Those that are no directories
	// when the Service is made are left out, and so is Home/packages.
	PackagePaths []string
	Env          []string // environment of workers that are started; nil is this process's
	RunCards     bool     // whether cards of runs are written, where a project does not say
	Log          *slog.Logger
}

// Service is the door to the sessions of one home. It is safe for concurrent use.
type Service struct {
	home    string
	version string
	libs    []string
	pool    dispatcher
	journal *journalReader
	log     *slog.Logger
	// runCards is what the home's configuration says of cards of runs.
	runCards bool

	patience time.Duration // see the constant
}

// dispatcher is what the Service needs of [pool.Dispatcher].
type dispatcher interface {
	Run(ctx context.Context, r pool.RunRequest) (pool.Feed, error)
	Continue(ctx context.Context, r pool.ContinueRequest) (pool.Feed, error)
	Cancel(ctx context.Context, r pool.CancelRequest) (pool.Feed, error)
	Session(ctx context.Context, r pool.StatusRequest) (pool.Status, error)
	Workers(ctx context.Context) ([]pool.Status, error)
	Ensure(ctx context.Context) (pool.WorkerInfo, error)
	Stop(ctx context.Context, socks ...string) ([]pool.WorkerInfo, error)
	Close() error
}

// Home is the absolute path of the application directory.
func (s *Service) Home() string { return s.home }

// Version is the version that the Service was made with.
func (s *Service) Version() string { return s.version }

// Run starts a session and returns where it stands: paused on its first queries, or at its end.
// It blocks while the script computes. The Feed's SessionID is set on an error too, as soon as
// the session has a name: the same input with that SessionID is then safe to send again.
//
// Errors: [ErrCodeAndFile], [ErrNoCode], [*ReadError], [*InputError], [*pool.RemoteError], and
// those of the pool's client when no worker could be reached.
func (s *Service) Run(ctx context.Context, in RunInput) (pool.Feed, error) {
	r, err := s.request(in)
	if err != nil {
		return pool.Feed{SessionID: r.SID}, err
	}
	f, err := s.pool.Run(ctx, r)
	if f.SessionID == "" {
		f.SessionID = r.SID
	}
	return f, err
}

// Continue answers queries of a paused session and returns where it stands then. Several
// answers are applied in order and not as one: those before a refused one stay. An answer that
// was given before, sent again, changes nothing and gives the session's present state.
//
// Errors: [*InputError] (no answers, or one without a response), [*pool.RemoteError], and those
// of the pool's client.
func (s *Service) Continue(ctx context.Context, sid string, answers []pool.Answer) (pool.Feed, error) {
	if len(answers) == 0 {
		return pool.Feed{SessionID: sid}, &InputError{What: "answers", Why: "there are none; give at least one response"}
	}
	for i := range answers {
		if answers[i].Response == nil {
			return pool.Feed{SessionID: sid}, &InputError{What: fmt.Sprintf("answer %d", i+1), Why: "has no response"}
		}
	}
	r := pool.ContinueRequest{SID: sid}
	if len(answers) == 1 {
		r.Answer = answers[0]
	} else {
		r.Responses = answers
	}
	return s.pool.Continue(ctx, r)
}

// Cancel ends a session that has not ended yet; reason is recorded with it.
func (s *Service) Cancel(ctx context.Context, sid, reason string) (pool.Feed, error) {
	return s.pool.Cancel(ctx, pool.CancelRequest{SID: sid, Reason: reason})
}

// Close lets go of workers and journal. Sessions and workers live on.
func (s *Service) Close() error {
	return errors.Join(s.pool.Close(), s.journal.Close())
}

// New makes the Service of a home. It touches nothing: workers are started and the journal is
// opened when they are first needed. Close it.
func New(c Config) (*Service, error) {
	c, err := c.checked()
	if err != nil {
		return nil, err
	}
	d := pool.NewDispatcher(pool.Config{
		Home: c.Home, Version: c.Version, Exe: c.Exe, Durability: c.Durability, Isolation: c.Isolation, Env: c.Env, Log: c.Log,
	})
	return newService(c, d, openJournal(c)), nil
}

// newService is New with a checked configuration and the pool and the journal given.
func newService(c Config, d dispatcher, open openFunc) *Service {
	return &Service{
		home:     c.Home,
		version:  c.Version,
		libs:     c.PackagePaths,
		pool:     d,
		journal:  &journalReader{open: open},
		log:      c.Log,
		runCards: c.RunCards,
		patience: patience,
	}
}

// checked returns the configuration with its paths resolved and its gaps filled.
func (c Config) checked() (Config, error) {
	if c.Home == "" {
		return c, &InputError{What: "home", Why: "is empty; set ALC_HOME"}
	}
	if c.Version == "" {
		return c, &InputError{What: "version", Why: "is empty"}
	}
	home, err := filepath.Abs(c.Home)
	if err != nil {
		return c, fmt.Errorf("resolving the home directory %s: %w", c.Home, err)
	}
	c.Home = home
	c.PackagePaths = existingDirs(append(append([]string(nil), c.PackagePaths...), filepath.Join(home, "packages")))
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// existingDirs keeps the paths that are directories now, absolute and each once: workers run in
// another working directory.
func existingDirs(paths []string) []string {
	var dirs []string
	seen := make(map[string]bool, len(paths))
	for _, p := range paths {
		if p == "" {
			continue
		}
		abs, err := filepath.Abs(p)
		if err != nil || seen[abs] {
			continue
		}
		seen[abs] = true
		if fi, err := os.Stat(abs); err == nil && fi.IsDir() {
			dirs = append(dirs, abs)
		}
	}
	return dirs
}
