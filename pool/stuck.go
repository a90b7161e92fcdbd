package pool

import (
	"context"
	"errors"
	"syscall"
	"time"
)

// watch looks after one call: when no answer has come for a while it shakes hands with the
// worker over a connection of its own, again and again, until the call is over. A worker that is
// only busy answers that at once. One that does not, although its lock says that it lives, is
// stuck: it is ended, by its identity, so that its sessions can be taken over. The function it
// returns ends the watch.
func (d *Dispatcher) watch(l *link) (stop func()) {
	w := &watcher{d: d, l: l}
	w.timer = time.AfterFunc(d.patience.answer, w.look)
	return w.stop
}

type watcher struct {
	d     *Dispatcher
	l     *link
	timer *time.Timer
}

func (w *watcher) stop() { w.timer.Stop() }

func (w *watcher) look() {
	if !w.d.enter() {
		return
	}
	defer w.d.probes.Done()
	if !w.l.up() {
		return
	}
	if w.d.endIfStuck(w.l.id) {
		return
	}
	w.timer.Reset(w.d.patience.answer)
}

// endIfStuck ends a worker that does not shake hands; it tells whether it had to.
func (d *Dispatcher) endIfStuck(id identity) bool {
	err := d.probe(id)
	if err != nil {
		d.end(id, err)
	}
	return err != nil
}

// end kills a worker.
func (d *Dispatcher) end(id identity, why error) {
	d.c.Log.Error("ending a worker that is stuck", "pid", id.PID, "why", why)
	if err := id.signal(syscall.SIGKILL); err != nil {
		d.c.Log.Error("ending a worker that is stuck", "pid", id.PID, "error", err)
	}
}

// enter counts a probe in, unless the dispatcher is closed.
func (d *Dispatcher) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.probes.Add(1)
	return true
}

// probe returns an error only for a worker that takes a connection and then says nothing.
func (d *Dispatcher) probe(id identity) error {
	c, err := Dial(d.ctx, id.Sock, Options{Version: d.c.Version, HandshakeTimeout: d.patience.probe})
	if err == nil {
		return c.Close()
	}
	var h *HandshakeError
	if errors.As(err, &h) && errors.Is(err, context.DeadlineExceeded) && d.ctx.Err() == nil {
		return err
	}
	return nil // leaving, dead, or the dispatcher was closed: the call finds out by itself
}
