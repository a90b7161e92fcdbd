package service

import (
	"context"
	"time"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/pool"
)

// ownerCache looks up which of a journal's workers are alive, each once.
type ownerCache struct {
	store   journal.Store
	workers map[journal.WorkerID]pool.WorkerInfo
}

// live returns what is known of a worker when its process holds its lock, else the zero value.
func (c *ownerCache) live(ctx context.Context, id journal.WorkerID) pool.WorkerInfo {
	if id == 0 {
		return pool.WorkerInfo{}
	}
	if w, ok := c.workers[id]; ok {
		return w
	}
	if c.workers == nil {
		c.workers = make(map[journal.WorkerID]pool.WorkerInfo)
	}
	var info pool.WorkerInfo
	if w, err := c.store.Worker(ctx, id); err == nil && lockHeld(w.LockPath) {
		info = pool.WorkerInfo{
			PID:       w.PID,
			Version:   w.Version,
			StartedAt: w.StartedAt.UTC().Format(time.RFC3339),
			Sock:      w.Sock,
		}
	}
	c.workers[id] = info
	return info
}
