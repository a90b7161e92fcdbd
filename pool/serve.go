package pool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// ServeOptions are how a worker serves its socket.
type ServeOptions struct {
	// Version is the worker's; a caller of another one is told and its connection closed.
	Version string
	// Single is the single-session form: every feed_result also carries the original's member,
	// and the server ends when its session has and no connection is left.
	Single bool
	// Log gets what no caller is told; nil discards it.
	Log *slog.Logger
	// CheckPeer refuses a connection with an error. Nil is [SameUser].
	CheckPeer func(net.Conn) error
	// HalfLineTimeout is how long a caller may be silent within a line; 0 is 30 s. It is also
	// how long a caller may refuse to read.
	HalfLineTimeout time.Duration
	// Idle ends the server when for so long no request was served and Busy told of no work; 0
	// is never.
	Idle time.Duration
	// Busy tells how many sessions are being stepped and when the last one was. May be nil.
	Busy func() (active int, last time.Time)
	// Lone makes the server end with its one session. It tells whether that was given to the
	// worker and whether it is held; the server ends when it is not any more, or when the last
	// connection is closed before it was. May be nil.
	Lone func() (given, held bool)
	// LoneWait is how long a server with Lone stays with nothing to do before it is given its
	// session, whatever Idle says; 0 is 20 s.
	LoneWait time.Duration
	// Grace is how long the end waits for requests in flight before their context is
	// cancelled; 0 is 60 s.
	Grace time.Duration
}

func (o ServeOptions) withDefaults() ServeOptions {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.CheckPeer == nil {
		o.CheckPeer = SameUser
	}
	if o.HalfLineTimeout == 0 {
		o.HalfLineTimeout = halfLineTimeout
	}
	if o.LoneWait == 0 {
		o.LoneWait = startPatience
	}
	if o.Grace == 0 {
		o.Grace = time.Minute
	}
	return o
}

// Serve answers the callers of ln with h. It returns nil after a shutdown request, after ctx has
// ended, after the idle time or, when it serves one session alone, with that; in each case it
// first takes no more requests, calls h.Shutdown, and answers what is in flight. All its
// goroutines have ended when it returns, and ln is closed. An error is a listener that failed.
//
// The context that h gets has the values of ctx but ends only when the grace time is over.
func Serve(ctx context.Context, ln net.Listener, h Handler, o ServeOptions) error {
	s := &server{
		h: h, o: o.withDefaults(), ln: ln,
		conns: map[*serverConn]struct{}{},
		stop:  make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer s.cancel()
	s.touch()
	var watch sync.WaitGroup
	watch.Go(func() { s.watch(ctx) })
	err := s.accept()
	s.end()
	watch.Wait()
	s.shutdown()
	s.drain()
	return err
}

// server is the state of one Serve.
type server struct {
	h      Handler
	o      ServeOptions
	ln     net.Listener
	ctx    context.Context // of the requests
	cancel context.CancelFunc

	last     atomic.Int64 // when a request was last begun or answered, in nanoseconds
	inFlight atomic.Int64
	ended    atomic.Bool // Single: the session has

	mu    sync.Mutex
	conns map[*serverConn]struct{}
	wg    sync.WaitGroup // of the connections

	stop     chan struct{} // closed when the end has begun
	stopOnce sync.Once
	downOnce sync.Once
	downErr  error
}

func (s *server) touch() { s.last.Store(time.Now().UnixNano()) }

// end begins the end: no connection and no request is taken any more.
func (s *server) end() {
	s.stopOnce.Do(func() {
		close(s.stop)
		s.ln.Close()
	})
}

func (s *server) ending() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// shutdown lets the handler finish, once; others wait for it.
func (s *server) shutdown() error {
	s.downOnce.Do(func() {
		timer := time.AfterFunc(s.o.Grace, s.cancel)
		defer timer.Stop()
		s.downErr = s.h.Shutdown(s.ctx)
		if s.downErr != nil {
			s.o.Log.Error("shutting down", "error", s.downErr)
		}
	})
	return s.downErr
}

// drain waits until every connection has sent its replies and is closed.
func (s *server) drain() {
	timer := time.AfterFunc(s.o.Grace, s.cancel)
	defer timer.Stop()
	s.mu.Lock()
	for c := range s.conns {
		s.wg.Go(c.close)
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// watch begins the end when ctx ends or the server has been idle for long enough.
func (s *server) watch(ctx context.Context) {
	defer s.end()
	for {
		var idle <-chan time.Time
		if most := s.idleLimit(); most > 0 {
			left := s.idleLeft(most)
			if left <= 0 {
				s.o.Log.Info("leaving after an idle time", "idle", most)
				return
			}
			idle = time.After(left)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.stop:
			return
		case <-idle:
		}
	}
}

// idleLimit is how long the server may be idle now; 0 is for ever. Nobody comes back to a server
// that never got its one session: who started it is gone, or was refused, or goes another way.
func (s *server) idleLimit() time.Duration {
	if s.o.Lone == nil {
		return s.o.Idle
	}
	if given, _ := s.o.Lone(); given {
		return s.o.Idle
	}
	if s.o.Idle > 0 {
		return min(s.o.Idle, s.o.LoneWait)
	}
	return s.o.LoneWait
}

// idleLeft is how long nothing must happen until the server may leave.
func (s *server) idleLeft(most time.Duration) time.Duration {
	last := time.Unix(0, s.last.Load())
	if s.inFlight.Load() > 0 {
		return most
	}
	if s.o.Busy != nil {
		active, at := s.o.Busy()
		if active > 0 {
			return most
		}
		if at.After(last) {
			last = at
		}
	}
	return most - time.Since(last)
}

// accept serves connections until the end.
func (s *server) accept() error {
	wait := time.Millisecond
	for {
		conn, err := s.ln.Accept()
		switch {
		case err == nil:
			wait = time.Millisecond
			s.open(conn)
		case s.ending():
			return nil
		case temporary(err):
			s.o.Log.Warn("accepting a connection", "error", err)
			if !s.pause(wait) {
				return nil
			}
			wait = min(2*wait, time.Second)
		default:
			return fmt.Errorf("accepting connections: %w", err)
		}
	}
}

// pause waits unless the end begins.
func (s *server) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.stop:
		return false
	}
}

// temporary tells a shortage, of descriptors say, from a dead listener.
func temporary(err error) bool {
	return !errors.Is(err, net.ErrClosed) && isShortage(err)
}

func (s *server) open(conn net.Conn) {
	if err := s.o.CheckPeer(conn); err != nil {
		s.o.Log.Warn("refusing a connection", "error", err)
		conn.Close()
		return
	}
	c := newServerConn(s, conn)
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	s.wg.Go(func() {
		c.serve()
		s.closed(c)
	})
}

func (s *server) closed(c *serverConn) {
	s.mu.Lock()
	delete(s.conns, c)
	left := len(s.conns)
	s.mu.Unlock()
	if left == 0 && (s.ended.Load() || s.empty()) {
		s.end()
	}
}

// empty tells whether the server has a session of its own in view and does not hold it.
func (s *server) empty() bool {
	if s.o.Lone == nil {
		return false
	}
	_, held := s.o.Lone()
	return !held && s.inFlight.Load() == 0
}

// answered ends the server when that was the end of its one session.
func (s *server) answered() {
	s.touch()
	if s.inFlight.Add(-1) > 0 || s.o.Lone == nil {
		return
	}
	if given, held := s.o.Lone(); given && !held {
		s.end()
	}
}
