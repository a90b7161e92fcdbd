package worker

import (
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/algocline/algocline/internal/machine"
	"github.com/algocline/algocline/lua"
	"github.com/algocline/algocline/pool"
)

const (
	// MinMemory is the least that a worker can be given: it needs half of it for itself.
	MinMemory = 128 << 20
	// lookEvery is how old a measurement may be, and lookSeldom while VMs hold less than half of
	// their share: a look costs as much as a tenth of an answer.
	lookEvery  = 5 * time.Millisecond
	lookSeldom = 50 * time.Millisecond
)

// memory keeps the process within a budget of resident memory. What is not the VMs', Go's heap,
// buffers, the journal's cache, is measured; VMs may hold the rest, and package lua refuses them
// more. Before it comes to that, idle sessions let their VMs go, and new ones are refused. It is
// of the whole process, so at most one [Sessions] has one. A nil memory bounds nothing.
type memory struct {
	budget int64
	usual  int64 // Go's soft limit before

	mu     sync.Mutex
	looked time.Time
	share  int64 // what VMs may hold
	soft   int64 // Go's soft limit now
}

func newMemory(budget int64) *memory {
	if budget == 0 {
		return nil
	}
	m := &memory{budget: budget, usual: debug.SetMemoryLimit(-1)}
	m.look(0)
	return m
}

// close takes back what was set of the process.
func (m *memory) close() {
	if m == nil {
		return
	}
	debug.SetMemoryLimit(m.usual)
	lua.SetBudget(0)
}

// look measures, unless that was done so short a time ago, and sets what VMs and Go may have.
func (m *memory) look(age time.Duration) (share int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); age == 0 || now.Sub(m.looked) > age {
		m.measure()
		m.looked = now
	}
	return m.share
}

func (m *memory) measure() {
	vms, golang := lua.Held(), goMemory()
	others := golang
	if resident, err := machine.Resident(); err == nil {
		others = max(others, resident-vms)
	} // else what Go has is all that is known
	m.share = max(m.budget-others, 1)
	lua.SetBudget(m.share)
	soft := max(m.budget-vms-(others-golang), m.budget/4)
	if d := soft - m.soft; d > m.budget/16 || -d > m.budget/16 {
		debug.SetMemoryLimit(soft)
		m.soft = soft
	}
}

// goMemory is what Go's runtime has from the system.
func goMemory() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64() - s[1].Value.Uint64())
}

// excess is how much VMs must let go: nothing below seven eighths of their share, down to three
// quarters above.
func (m *memory) excess() int64 {
	if m == nil {
		return 0
	}
	held := lua.Held()
	share := m.look(lookSeldom)
	if held > share/2 {
		share, held = m.look(lookEvery), lua.Held()
	}
	if held <= share/8*7 {
		return 0
	}
	return held - share/4*3
}

// collect gives back all that Go can do without. It takes a full collection.
func (m *memory) collect() {
	debug.FreeOSMemory()
	m.look(0)
}

// refusal is what a request gets that found no memory.
func (m *memory) refusal(sid string) *pool.RemoteError {
	r := &pool.RemoteError{Code: pool.CodeOutOfMemory, Details: map[string]any{"session_id": sid}}
	if m == nil {
		r.Message = lua.ErrNoMemory.Error()
		return r
	}
	r.Message = fmt.Sprintf("the worker's sessions use all of worker_memory (%d MiB), so session %s was not taken on; it stays as it was: "+
		"try again when others have paused or ended, or give workers more with ALC_WORKER_MEMORY or worker_memory in config.toml", m.budget>>20, sid)
	r.Details["limit"], r.Details["value"] = "worker_memory", m.budget
	return r
}
