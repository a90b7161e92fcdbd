package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/algocline/algocline/journal/lock"
)

// home is an application directory of its own for one test, with the servers over it.
type home struct {
	t       *testing.T
	dir     string
	env     map[string]string
	servers map[int]*server
}

// newHome makes a home that is removed after the test, its servers and workers ended. Its path
// is short, since sockets lie in it.
func newHome(t *testing.T, env map[string]string) *home {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "alc")
	if err != nil {
		t.Fatal(err)
	}
	h := &home{t: t, dir: dir, env: env, servers: map[int]*server{}}
	t.Cleanup(h.close)
	return h
}

func (h *home) close() {
	for _, s := range h.servers {
		s.close()
	}
	h.endWorkers(syscall.SIGKILL)
	if err := os.RemoveAll(h.dir); err != nil {
		h.t.Error(err)
	}
}

// environ is the environment of a server over this home.
func (h *home) environ() []string {
	env := map[string]string{"ALC_HOME": h.dir, "HOME": h.dir, "ALC_POOL_IDLE_TIMEOUT": "120"}
	for k, v := range h.env {
		env[k] = v
	}
	var list []string
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); !strings.HasPrefix(name, "ALC_") && name != "HOME" {
			list = append(list, kv)
		}
	}
	for k, v := range env {
		list = append(list, k+"="+v)
	}
	return list
}

// server returns the n-th server of this home, starting it when it is not up.
func (h *home) server(n int) *server {
	if h.servers[n] == nil {
		h.servers[n] = startServer(h.t, h.dir, h.environ())
	}
	return h.servers[n]
}

func (h *home) stopServer(n int, kill bool) {
	s := h.servers[n]
	if s == nil {
		return
	}
	delete(h.servers, n)
	if kill {
		s.kill()
	} else {
		s.close()
	}
}

// workerLocks are the locks of this home's workers. A worker is found by the lock that it holds
// and that names it, so nobody else is hit.
func (h *home) workerLocks() []string {
	h.t.Helper()
	locks, err := filepath.Glob(filepath.Join(h.dir, "state", "pool", "w-*.lock"))
	if err != nil {
		h.t.Fatal(err)
	}
	return locks
}

// workers are the pids of this home's live workers.
func (h *home) workers() []int {
	h.t.Helper()
	var pids []int
	for _, path := range h.workerLocks() {
		if pid := lockHolder(h.t, path); pid != 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}

// endWorkers sends a signal to every worker of this home, waits until they are gone, and tells
// how many there were.
func (h *home) endWorkers(sig syscall.Signal) int {
	h.t.Helper()
	ended := 0
	for _, path := range h.workerLocks() {
		pid := lockHolder(h.t, path)
		if pid == 0 {
			continue
		}
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			h.t.Errorf("ending worker %d: %v", pid, err)
			continue
		}
		ended++
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		if err := lock.Wait(ctx, path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			h.t.Errorf("worker %d does not end: %v", pid, err)
		}
		cancel()
	}
	return ended
}

// lockHolder is the pid of the live worker that holds a lock, or 0.
func lockHolder(t *testing.T, path string) int {
	t.Helper()
	alive, err := lock.Alive(path)
	if err != nil {
		t.Errorf("looking for a worker: %v", err)
	}
	if !alive {
		return 0
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	var id struct {
		PID int `json:"pid"`
	}
	if err := json.Unmarshal(text, &id); err != nil || id.PID <= 1 {
		t.Errorf("the lock %s says %q of its holder", path, text)
		return 0
	}
	return id.PID
}
