package pool

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Config is what a [Dispatcher] needs to know.
type Config struct {
	Home    string // the application directory
	Version string // of this front: its workers have the same
	// Exe is the alc binary that workers are started with; "" is this process's own.
	Exe string
	// Durability is asked of workers that are started, and of those that are used for new
	// sessions; "" is any.
	Durability string
	// Isolation is that of sessions whose run does not say.
	Isolation Isolation
	Env       []string // of workers that are started; nil is this process's own
	Log       *slog.Logger
}

// Dispatcher brings requests to workers. It finds the live workers of its own version, starts
// one when none is up, follows a session to the worker that owns it, and takes what a dead worker
// leaves to another. What it sends can be sent twice without harm: sessions are named before they
// are started, and answers name their queries. It is safe for concurrent use.
type Dispatcher struct {
	c        Config
	dir      string
	patience patience

	ctx    context.Context // of probes, ended by Close
	cancel context.CancelFunc
	probes sync.WaitGroup

	// starting is held while a worker is looked for, dialled or started.
	starting chan struct{}
	lone     chan struct{} // holds one for each worker for one session that is being started

	mu       sync.Mutex
	main     *link            // where requests go that nothing is known of
	links    map[string]*link // by socket
	leaving  []*link          // up, but to workers that take nothing new
	routes   map[string]string
	children []int // processes started and not reaped
	closed   bool
}

// link is a client and the worker at its other end.
type link struct {
	id     identity
	client *Client
}

func (l *link) up() bool {
	select {
	case <-l.client.Done():
		return false
	default:
		return true
	}
}

// maxRoutes bounds what is remembered of sessions that are not at the main worker; past it the
// memory starts anew, which costs a question each.
const maxRoutes = 100_000

// NewDispatcher returns a Dispatcher. It does nothing before it is asked; Close it.
func NewDispatcher(c Config) *Dispatcher {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if home, err := filepath.Abs(c.Home); err == nil { // workers run in another directory
		c.Home = home
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Dispatcher{
		ctx: ctx, cancel: cancel,
		c: c, dir: Dir(c.Home), patience: usualPatience, starting: make(chan struct{}, 1),
		lone:  make(chan struct{}, maxLoneStarts),
		links: map[string]*link{}, routes: map[string]string{},
	}
}

// NewSID makes a session id: s-, the time in hexadecimal nanoseconds, and 64 random bits.
func NewSID() string {
	var r [8]byte
	rand.Read(r[:])
	return "s-" + strconv.FormatInt(time.Now().UnixNano(), 16) + "-" + hex.EncodeToString(r[:])
}

// Run starts a session, named first when SID is empty, and returns where it stands. When a worker
// dies under it, it is run again, elsewhere, as the same session. The Feed's SessionID is set on
// an error too. Errors: [*RemoteError] as the worker gave it, [*VersionMismatchError],
// [*StartError], the last connection's error, or the context's.
func (d *Dispatcher) Run(ctx context.Context, r RunRequest) (Feed, error) {
	if r.SID == "" {
		r.SID = NewSID()
	}
	if r.Isolation == "" {
		r.Isolation = d.c.Isolation
	}
	if r.Isolation == IsolationProcess && !d.routed(r.SID) {
		if err := d.isolate(ctx, r.SID, Lone{Write: writesOf(r.Grants)}); err != nil && !passing(err) {
			return Feed{SessionID: r.SID}, fmt.Errorf("session %s: %w", r.SID, err)
		}
	}
	f, err := d.feed(ctx, r.SID, func(c *Client) (Feed, error) { return c.Run(ctx, r) })
	if f.SessionID == "" {
		f.SessionID = r.SID
	}
	return f, err
}

// Continue answers queries of a session, wherever it is. An answer without a query id gets the
// id of the one open query first, so that sending it again is safe. Errors as of Run.
func (d *Dispatcher) Continue(ctx context.Context, r ContinueRequest) (Feed, error) {
	if err := d.nameQuery(ctx, &r); err != nil {
		return Feed{}, err
	}
	return d.feed(ctx, r.SID, func(c *Client) (Feed, error) { return c.Continue(ctx, r) })
}

// nameQuery fills in a missing query id when exactly one query is open. An answer that comes while
// the session computes cannot be for the query that it will ask next, so it is refused. Otherwise
// the worker says what is wrong.
func (d *Dispatcher) nameQuery(ctx context.Context, r *ContinueRequest) error {
	a := &r.Answer
	if len(r.Responses) == 1 {
		r.Responses = []Answer{r.Responses[0]} // the caller's stays as it is
		a = &r.Responses[0]
	}
	if a.QueryID != nil || len(r.Responses) > 1 {
		return nil
	}
	st, err := d.Session(ctx, StatusRequest{SID: r.SID})
	if err != nil {
		return err
	}
	for _, s := range st.Sessions {
		switch {
		case s.SessionID != r.SID:
		case s.State == "running":
			return &RemoteError{Code: CodeQueryNotOpen, Message: fmt.Sprintf(
				"session %s is computing: which query the answer is for cannot be told; send its query_id", r.SID)}
		case s.Detail != nil && len(s.Detail.Queries) == 1:
			a.QueryID = &s.Detail.Queries[0].ID
		}
	}
	return nil
}

// Cancel ends a session. Errors as of Run.
func (d *Dispatcher) Cancel(ctx context.Context, r CancelRequest) (Feed, error) {
	return d.feed(ctx, r.SID, func(c *Client) (Feed, error) { return c.Cancel(ctx, r) })
}

// Session asks the owner of one session about it; the owner may have to rebuild it. Errors as
// of Run.
func (d *Dispatcher) Session(ctx context.Context, r StatusRequest) (Status, error) {
	var st Status
	var refused error
	err := d.call(ctx, r.SID, func(c *Client) (err error) {
		st, err = c.Status(ctx, r)
		if r.Peek && errors.Is(err, &RemoteError{Code: CodeNeedsProcess}) {
			refused, err = err, nil
		}
		return err
	})
	return st, errors.Join(refused, err)
}

func (d *Dispatcher) feed(ctx context.Context, sid string, ask func(*Client) (Feed, error)) (Feed, error) {
	var f Feed
	err := d.call(ctx, sid, func(c *Client) (err error) {
		f, err = ask(c)
		return err
	})
	return f, err
}

// Ensure starts a worker if none is up, and returns the one that is.
func (d *Dispatcher) Ensure(ctx context.Context) (WorkerInfo, error) {
	l, err := d.mainLink(ctx)
	if err != nil {
		return WorkerInfo{}, err
	}
	return l.id.info(), nil
}

// Workers asks every live worker of the home how it is, the oldest first. It starts none. A
// worker of another version, or one that does not answer within two seconds, is described by what
// its lock file says, without sessions; the latter is an error too, beside the list,
// unless it is leaving.
func (d *Dispatcher) Workers(ctx context.Context) ([]Status, error) {
	d.reap()
	live, err := scan(d.dir)
	if err != nil {
		return nil, err
	}
	out := make([]Status, len(live))
	errs := make([]error, len(live))
	var wg sync.WaitGroup
	for i, id := range live {
		wg.Go(func() { out[i], errs[i] = d.workerStatus(ctx, id) })
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

const statusPatience = 2 * time.Second

func (d *Dispatcher) workerStatus(ctx context.Context, id identity) (Status, error) {
	known := Status{Worker: id.info()}
	if id.Version != d.c.Version {
		return known, nil
	}
	ctx, cancel := context.WithTimeout(ctx, statusPatience)
	defer cancel()
	st, err := d.ask(ctx, id)
	if errors.Is(err, &RemoteError{Code: CodeShuttingDown}) || broken(err) && awaitDeath(ctx, id, deathPatience) {
		return known, nil // it leaves, as those do whose one session has ended
	}
	if err != nil {
		return known, fmt.Errorf("asking worker %d: %w", id.PID, err)
	}
	info := known.Worker
	info.Sessions, info.MemoryBytes = st.Worker.Sessions, st.Worker.MemoryBytes
	st.Worker = info
	return st, nil
}

// ask asks through the link that is up, or one of its own.
func (d *Dispatcher) ask(ctx context.Context, id identity) (Status, error) {
	if l := d.known(id.Sock); l != nil {
		return l.client.Status(ctx, StatusRequest{})
	}
	c, err := Dial(ctx, id.Sock, Options{Version: d.c.Version})
	if err != nil {
		return Status{}, err
	}
	defer c.Close()
	return c.Status(ctx, StatusRequest{})
}

// Close closes the connections; the workers live on. Calls in flight fail.
func (d *Dispatcher) Close() error {
	d.mu.Lock()
	d.closed = true
	links := append(slices.Collect(maps.Values(d.links)), d.leaving...)
	d.links, d.main, d.leaving = map[string]*link{}, nil, nil
	d.mu.Unlock()
	d.cancel()
	for _, l := range links {
		l.client.Close()
	}
	d.probes.Wait()
	d.reap()
	return nil
}

var errDispatcherClosed = fmt.Errorf("the dispatcher is closed: %w", os.ErrClosed)
