package sqlite

import (
	"database/sql/driver"
	"fmt"
	"sync"
	"time"

	"github.com/algocline/algocline/journal"
)

// session is a row of the session table: the head, and where its last event lies in the log.
type session struct {
	id    int64
	event int64
	head  journal.Head
}

// scanSession reads the columns of sessionColumns.
func scanSession(r []driver.Value) (session, error) {
	var s session
	d := decoder{row: r}
	s.id = d.int()
	s.event = d.int()
	s.head.SID = d.text()
	s.head.Seq = d.int()
	s.head.Sum = d.sum()
	s.head.Epoch = d.int()
	s.head.Owner = journal.WorkerID(d.int())
	s.head.Summary.State = journal.State(d.text())
	s.head.Summary.Strategy = d.text()
	s.head.Summary.Open = int(d.int())
	s.head.Summary.LLMCalls = d.int()
	s.head.CreatedAt = d.time()
	s.head.UpdatedAt = d.time()
	return s, d.err
}

// decoder reads columns in order and keeps the first that is not of its type.
type decoder struct {
	row []driver.Value
	i   int
	err error
}

func (d *decoder) next() driver.Value {
	v := d.row[d.i]
	d.i++
	return v
}

func (d *decoder) wrong(v driver.Value, want string) {
	if d.err == nil {
		d.err = fmt.Errorf("column %d holds %T, not %s", d.i, v, want)
	}
}

func (d *decoder) int() int64 {
	v := d.next()
	n, ok := v.(int64)
	if !ok {
		d.wrong(v, "a number")
	}
	return n
}

func (d *decoder) text() string {
	v := d.next()
	s, ok := v.(string)
	if !ok {
		d.wrong(v, "a text")
	}
	return s
}

func (d *decoder) blob() []byte {
	v := d.next()
	b, ok := v.([]byte)
	if !ok {
		d.wrong(v, "bytes")
	}
	return b
}

func (d *decoder) sum() (s journal.Sum) {
	b := d.blob()
	if len(b) != len(s) && d.err == nil {
		d.err = fmt.Errorf("column %d holds a checksum of %d bytes", d.i, len(b))
	}
	copy(s[:], b)
	return s
}

func (d *decoder) time() time.Time { return time.UnixMicro(d.int()).UTC() }

// sessionCache keeps the rows of sessions that were written or read lately, so that an append
// needs no look-up. What it says is checked by the append itself, inside the transaction. It
// holds at most limit rows: two generations, the older dropped when the younger is half full.
type sessionCache struct {
	mu         sync.Mutex
	limit      int
	young, old map[string]session
}

func newSessionCache(limit int) *sessionCache {
	return &sessionCache{limit: limit, young: map[string]session{}}
}

func (c *sessionCache) get(sid string) (session, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.young[sid]; ok {
		return s, true
	}
	s, ok := c.old[sid]
	if ok {
		c.putLocked(s)
	}
	return s, ok
}

func (c *sessionCache) put(s session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.putLocked(s)
}

func (c *sessionCache) putLocked(s session) {
	if len(c.young) >= c.limit/2 {
		c.old, c.young = c.young, make(map[string]session)
	}
	c.young[s.head.SID] = s
}

func (c *sessionCache) drop(sid string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.young, sid)
	delete(c.old, sid)
}
