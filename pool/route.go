package pool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/algocline/algocline/journal/lock"
)

const (
	// maxAttempts bounds how often one request is sent. The waits between them double, up to
	// two seconds.
	maxAttempts = 12
	// deathPatience is how long a worker whose connection broke is given to prove that it is
	// dead, before it is dialled again.
	deathPatience = 250 * time.Millisecond
)

// call sends a request to the worker of a session until it is answered. ask must be such that
// asking twice does no harm.
func (d *Dispatcher) call(ctx context.Context, sid string, ask func(*Client) error) error {
	var err error
	for n := range maxAttempts {
		var l *link
		if l, err = d.linkOf(ctx, sid); err == nil {
			stop := d.watch(l)
			err = ask(l.client)
			stop()
			if err == nil {
				return nil
			}
		}
		if ctx.Err() != nil {
			return fmt.Errorf("session %s: %w; what was sent may go on all the same: see alc status %s", sid, err, sid)
		}
		again, why := d.recover(ctx, sid, l, err, n)
		if !again {
			return why
		}
		d.c.Log.Debug("asking again", "sid", sid, "attempt", n+1, "error", err)
	}
	return fmt.Errorf("session %s: no worker answered in %d attempts, see alc pool status: %w", sid, maxAttempts, err)
}

// recover does what has to be done before a failed request is sent again; it tells whether that
// makes sense, and else the error for the caller. l is nil when no worker was reached.
func (d *Dispatcher) recover(ctx context.Context, sid string, l *link, err error, n int) (bool, error) {
	var r *RemoteError
	var gone *routeGone
	switch {
	case errors.As(err, &gone):
		d.forget(sid)
		d.seeOff(ctx, gone)
		return ctx.Err() == nil, err
	case l == nil && passing(err):
		return pause(ctx, time.Millisecond<<n), err
	case l == nil:
		return false, err
	case errors.As(err, &r) && r.Code == CodeLeaseLost:
		return d.follow(ctx, sid, l, r, n)
	case errors.As(err, &r) && r.Code == CodeNeedsProcess:
		return d.needsProcess(ctx, sid, r, n)
	case errors.As(err, &r) && r.Code == CodeShuttingDown:
		d.setAside(l)
		d.forget(sid) // if it owns the session, whoever is asked next says so
		return true, err
	case broken(err):
		d.drop(l)
		d.forget(sid)
		awaitDeath(ctx, l.id, deathPatience) // alive or not, it is asked who owns the session
		return n == 0 || pause(ctx, time.Millisecond<<n), err
	}
	return false, err
}

// follow goes where the owner of a session is.
func (d *Dispatcher) follow(ctx context.Context, sid string, l *link, r *RemoteError, n int) (bool, error) {
	sock, _ := r.Details["sock"].(string)
	version, _ := r.Details["version"].(string)
	if version != "" && version != d.c.Version {
		return false, fmt.Errorf("session %s: %w", sid, &VersionMismatchError{Client: d.c.Version, Server: version})
	}
	if sock == "" || sock == l.id.Sock {
		d.forget(sid)
	} else {
		d.route(sid, sock)
		if n == 0 {
			return true, nil
		}
	}
	return pause(ctx, time.Millisecond<<n), r
}

// route sends a session's requests to the worker of a socket.
func (d *Dispatcher) route(sid, sock string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.routes) >= maxRoutes {
		clear(d.routes)
	}
	d.routes[sid] = sock
}

func (d *Dispatcher) forget(sid string) {
	d.mu.Lock()
	delete(d.routes, sid)
	d.mu.Unlock()
}

// passing tells whether reaching a worker failed in a way that says nothing about the next try.
func passing(err error) bool { return broken(err) || diedSilently(err) }

// diedSilently tells whether a worker that was being started was killed, rather than failed.
func diedSilently(err error) bool {
	var s *StartError
	return errors.As(err, &s) && errors.Is(s.Err, io.EOF)
}

// drop forgets a link whose stream has failed.
func (d *Dispatcher) drop(l *link) {
	d.mu.Lock()
	if d.main == l {
		d.main = nil
	}
	if d.links[l.id.Sock] == l {
		delete(d.links, l.id.Sock)
	}
	d.mu.Unlock()
	l.client.Close()
}

// setAside uses a link to a worker that is leaving no more. What is in flight on it still gets
// its answers; then the worker closes it.
func (d *Dispatcher) setAside(l *link) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.main == l {
		d.main = nil
	}
	if d.links[l.id.Sock] == l {
		delete(d.links, l.id.Sock)
		d.leaving = slices.DeleteFunc(d.leaving, func(l *link) bool { return !l.up() })
		d.leaving = append(d.leaving, l)
	}
}

// awaitDeath waits until the worker's lock is free and tells whether it is.
func awaitDeath(ctx context.Context, id identity, patience time.Duration) bool {
	end := time.Now().Add(patience)
	for wait := time.Millisecond / 2; ; wait = min(2*wait, 5*time.Millisecond) {
		if alive, err := lock.Alive(id.lock); err == nil && !alive {
			return true
		}
		if !time.Now().Before(end) || !pause(ctx, wait) {
			return false
		}
	}
}

// seeOff waits until an owner that takes no connection is dead. One that is leaving finishes its
// steps first; one that takes too long about it, or is stuck, is ended.
func (d *Dispatcher) seeOff(ctx context.Context, gone *routeGone) {
	if errors.Is(gone.err, context.DeadlineExceeded) {
		d.endIfStuck(gone.id)
	}
	if !awaitDeath(ctx, gone.id, d.patience.leave) && ctx.Err() == nil {
		d.end(gone.id, errors.New("it does not leave"))
	}
}

// routeGone is an owner that could not be reached.
type routeGone struct {
	id  identity
	err error
}

func (e *routeGone) Error() string { return e.err.Error() }
func (e *routeGone) Unwrap() error { return e.err }

// linkOf returns the link to the worker that a session is known to be at, else the main one.
func (d *Dispatcher) linkOf(ctx context.Context, sid string) (*link, error) {
	d.mu.Lock()
	sock := d.routes[sid]
	d.mu.Unlock()
	if sock == "" {
		return d.mainLink(ctx)
	}
	if l := d.known(sock); l != nil {
		return l, nil
	}
	live, err := scan(d.dir)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(live, func(id identity) bool { return id.Sock == sock })
	if i < 0 { // dead: whoever is asked next takes the session
		d.forget(sid)
		return d.mainLink(ctx)
	}
	if err := d.hold(ctx); err != nil {
		return nil, err
	}
	defer d.free()
	l, err := d.dial(ctx, live[i])
	if err != nil && broken(err) {
		return nil, &routeGone{live[i], err}
	}
	return l, err
}

// known returns the link to a socket that is up.
func (d *Dispatcher) known(sock string) *link {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.links[sock]; l != nil && l.up() {
		return l
	}
	return nil
}

// mainLink returns the link for requests of which nothing is known; it starts a worker when
// there is none.
func (d *Dispatcher) mainLink(ctx context.Context) (*link, error) {
	if l, err := d.upMain(); l != nil || err != nil {
		return l, err
	}
	if err := d.hold(ctx); err != nil {
		return nil, err
	}
	defer d.free()
	if l, err := d.upMain(); l != nil || err != nil {
		return l, err
	}
	l, err := d.find(ctx)
	if l == nil && err == nil {
		l, err = d.start(ctx)
	}
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.main = l
	d.mu.Unlock()
	return l, nil
}

func (d *Dispatcher) upMain() (*link, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errDispatcherClosed
	}
	if d.main != nil && d.main.up() {
		return d.main, nil
	}
	return nil, nil
}

// hold waits until no other goroutine looks for a worker.
func (d *Dispatcher) hold(ctx context.Context) error {
	select {
	case d.starting <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for a worker: %w", context.Cause(ctx))
	}
}

func (d *Dispatcher) free() { <-d.starting }

// find returns a link to a live worker that suits, or nil. One that cannot be reached, or is
// leaving, is passed over.
func (d *Dispatcher) find(ctx context.Context) (*link, error) {
	live, err := scan(d.dir)
	if err != nil {
		return nil, err
	}
	for _, id := range live {
		if !d.suits(id) {
			continue
		}
		l, err := d.dial(ctx, id)
		if err == nil {
			return l, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		d.c.Log.Debug("passing over a worker", "pid", id.PID, "error", err)
	}
	return nil, nil
}

func (d *Dispatcher) suits(id identity) bool {
	return id.Version == d.c.Version && !id.Single && !id.Lone &&
		(d.c.Durability == "" || id.Durability == "" || id.Durability == d.c.Durability)
}

// dial connects to a worker. It always makes a new connection: a worker that is leaving keeps
// old ones, but takes no new one.
func (d *Dispatcher) dial(ctx context.Context, id identity) (*link, error) {
	c, err := Dial(ctx, id.Sock, Options{Version: d.c.Version, HandshakeTimeout: d.patience.shake})
	if err != nil {
		return nil, err
	}
	l := &link{id, c}
	d.mu.Lock()
	old, closed := d.links[id.Sock], d.closed
	if !closed {
		d.links[id.Sock] = l
	}
	d.mu.Unlock()
	if closed {
		return nil, errors.Join(errDispatcherClosed, c.Close())
	}
	if old != nil {
		old.client.Close()
	}
	return l, nil
}

// start starts a worker, unless another front has done so meanwhile.
func (d *Dispatcher) start(ctx context.Context) (*link, error) {
	if _, err := makeDir(d.c.Home); err != nil {
		return nil, err
	}
	held, err := lock.Acquire(ctx, filepath.Join(d.dir, startLock))
	if err != nil {
		return nil, fmt.Errorf("waiting for whoever starts a worker: %w", err)
	}
	defer held.Release()
	if l, err := d.find(ctx); l != nil || err != nil {
		return l, err
	}
	d.reap()
	return d.launch(ctx, nil)
}

// launch starts a worker and connects to it.
func (d *Dispatcher) launch(ctx context.Context, lone *Lone) (*link, error) {
	id, pid, err := spawn(ctx, d.c, d.dir, lone)
	if pid > 0 {
		d.mu.Lock()
		d.children = append(d.children, pid)
		d.mu.Unlock()
	}
	if err != nil {
		return nil, err
	}
	if id.Version != d.c.Version {
		return nil, fmt.Errorf("the alc program was replaced by another version while this process ran; start it again: %w",
			&VersionMismatchError{Client: d.c.Version, Server: id.Version})
	}
	return d.dial(ctx, id)
}

// reap collects the exit of workers that this process started, so that they do not stay behind
// as zombies while it lives. It does not wait.
func (d *Dispatcher) reap() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.children = slices.DeleteFunc(d.children, func(pid int) bool {
		got, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		return got == pid || err == syscall.ECHILD
	})
}
