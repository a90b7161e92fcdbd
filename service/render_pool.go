package service

import (
	"encoding/json"
	"time"

	"github.com/algocline/algocline/pool"
)

// poolSession is a session of the pool as hosts see it. CreatedAt and Status are left out by
// alc_pool_ensure.
type poolSession struct {
	SID       string `json:"sid"`
	PID       int    `json:"pid"`
	Sock      string `json:"sock"`
	Version   string `json:"version"`
	CreatedAt string `json:"created_at,omitempty"`
	Status    string `json:"status,omitempty"`
}

// RenderPool is a report of the pool as hosts see it. full adds when each session was made and
// that its worker runs.
func RenderPool(r PoolReport, full bool) (json.RawMessage, error) {
	out := struct {
		Sessions []poolSession     `json:"sessions"`
		Version  string            `json:"pool_version"`
		Workers  []pool.WorkerInfo `json:"workers"`
	}{make([]poolSession, 0, len(r.Sessions)), r.Version, nonNil(r.Workers)}
	for _, e := range r.Sessions {
		p := poolSession{SID: e.SessionID, PID: e.Worker.PID, Sock: e.Worker.Sock, Version: e.Worker.Version}
		if full {
			p.CreatedAt = time.UnixMilli(e.StartedAt).UTC().Format(time.RFC3339Nano)
			p.Status = "running"
		}
		out.Sessions = append(out.Sessions, p)
	}
	return compact(out)
}

// RenderPoolStopped is the outcome of a stop as hosts see it.
func RenderPoolStopped(p PoolStopped) (json.RawMessage, error) {
	return compact(struct {
		Stopped []string          `json:"stopped"`
		Errors  []string          `json:"errors"`
		Workers []pool.WorkerInfo `json:"workers"`
	}{nonNil(p.Sessions), nonNil(p.Errors), nonNil(p.Workers)})
}

// nonNil makes an empty list of none, which JSON would write as null.
func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
