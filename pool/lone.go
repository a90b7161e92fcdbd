package pool

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"time"
)

// Lone makes a worker serve one session, with which it ends. Its process may write where that
// session has grants.
type Lone struct {
	Write []string `json:"write,omitempty"`
}

// loneEnv names the environment variable that holds the Lone of a worker, in JSON.
const loneEnv = "ALC_POOL_LONE"

// maxLoneStarts bounds how many workers for one session a front starts at once.
const maxLoneStarts = 8

// takeLone returns what the environment says; nil is a worker for everybody.
func takeLone() (*Lone, error) {
	text, ok := os.LookupEnv(loneEnv)
	if !ok {
		return nil, nil
	}
	var l Lone
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return nil, fmt.Errorf("%s is %q: %w", loneEnv, text, err)
	}
	return &l, nil
}

func (l *Lone) dirs() []string {
	if l == nil {
		return nil
	}
	return l.Write
}

// env adds the variable to an environment.
func (l *Lone) env(env []string) ([]string, error) {
	if l == nil {
		return env, nil
	}
	text, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("starting a worker for one session: %w", err)
	}
	return append(env, loneEnv+"="+string(text)), nil
}

// writesOf reads the directories out of grants or of the details of an error.
func writesOf(m map[string]any) []string {
	list, _ := m["write"].([]any)
	var dirs []string
	for _, v := range list {
		if dir, ok := v.(string); ok {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// isolate starts a worker for one session and sends the session's requests there.
func (d *Dispatcher) isolate(ctx context.Context, sid string, l Lone) error {
	select {
	case d.lone <- struct{}{}:
		defer func() { <-d.lone }()
	case <-ctx.Done():
		return fmt.Errorf("waiting to start a worker for session %s: %w", sid, context.Cause(ctx))
	}
	if _, err := makeDir(d.c.Home); err != nil {
		return err
	}
	d.prune()
	link, err := d.launch(ctx, &l)
	if err != nil {
		return err
	}
	d.route(sid, link.id.Sock)
	return nil
}

// routed tells whether a session is known to be at a worker that is up.
func (d *Dispatcher) routed(sid string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.links[d.routes[sid]]
	return l != nil && l.up()
}

// prune forgets the links to workers that are gone: those that served one session come and go.
func (d *Dispatcher) prune() {
	d.reap()
	d.mu.Lock()
	var gone []*link
	maps.DeleteFunc(d.links, func(_ string, l *link) bool {
		if l.up() {
			return false
		}
		gone = append(gone, l)
		return true
	})
	d.mu.Unlock()
	for _, l := range gone {
		l.client.Close()
	}
}

// needsProcess starts the worker that a refused session needs; it tells whether to ask again.
func (d *Dispatcher) needsProcess(ctx context.Context, sid string, r *RemoteError, n int) (bool, error) {
	err := d.isolate(ctx, sid, Lone{Write: writesOf(r.Details)})
	if err == nil {
		return true, r
	}
	if passing(err) {
		return pause(ctx, time.Millisecond<<n), err
	}
	return false, fmt.Errorf("session %s: %w", sid, err)
}
