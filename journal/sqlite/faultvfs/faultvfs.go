//go:build linux

// Package faultvfs is a disk that fails on demand, for tests of the journal: an SQLite VFS over
// the default one that counts operations, lets chosen ones fail, and knows at every moment what
// a power cut would leave.
//
// [New] makes a disk; its VFS name goes into the options of the store under test. Writes reach
// the real files at once, as they reach the page cache of an operating system; what would be on
// the platter is kept in memory beside it, and only a successful sync moves data there.
package faultvfs

/*
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unsafe"

	_ "github.com/mattn/go-sqlite3" // the SQLite that the VFS is registered with
)

// Op is an operation on a file.
type Op int

// The operations that are counted and can fail.
const (
	Read     Op = C.OpRead
	Write    Op = C.OpWrite // a failing write leaves half of its data
	Truncate Op = C.OpTruncate
	Sync     Op = C.OpSync
	Open     Op = C.OpOpen
	Delete   Op = C.OpDelete
)

// Code is what a failing operation answers.
type Code int

// SQLite's result codes for failures of a disk.
const (
	Full       Code = 13
	IOErrRead  Code = 10 | 1<<8
	IOErrWrite Code = 10 | 3<<8
	IOErrSync  Code = 10 | 4<<8
	IOErr      Code = 10
	CantOpen   Code = 14
)

// Fault says which operation fails.
type Fault struct {
	Ops    []Op   // any of these
	Suffix string // of the file's name: "-wal", ".db"; "" is every file
	Nth    int    // counted from 1, from the moment the fault is set; 0 is never
	Code   Code
	Sticky bool // all matching operations after the Nth fail too
	// Forget makes a failed sync lose what it was to keep for good, as operating systems do that
	// take a page for clean after its write-back failed: whoever has the file open is told once,
	// and later syncs succeed without it.
	Forget bool
	// Silent keeps others that have the file open from being told.
	Silent bool
	// Evict makes what a failed sync has lost be read as it is on the disk from then on: the
	// system has reused the memory.
	Evict bool
}

// Disk is a registered VFS. Its methods are safe for concurrent use.
type Disk struct {
	name string
	key  uint64
	vfs  unsafe.Pointer
	text *C.char

	mu      sync.Mutex
	files   map[string]*file
	handles map[uint64]*handle
	last    uint64 // handle given out
	fault   Fault
	seen    int // matching operations since the fault was set
	hits    int
}

// file is what is known of one path.
type file struct {
	path    string
	durable []byte
	pending []change
	gone    bool
	counts  [C.OpDelete + 1]int
}

// handle is an open file.
type handle struct {
	f    *file
	owed Code // what its next sync answers, for what another handle's sync has lost
}

// change is a write, or a truncation to size when data is nil.
type change struct {
	off  int64
	data []byte
}

var (
	disksMu sync.Mutex
	disks   = map[uint64]*Disk{}
	lastKey uint64
)

func diskOf(key C.uint64_t) *Disk {
	disksMu.Lock()
	defer disksMu.Unlock()
	return disks[uint64(key)]
}

// New registers a disk on which nothing fails.
func New() (*Disk, error) {
	disksMu.Lock()
	defer disksMu.Unlock()
	lastKey++
	d := &Disk{name: fmt.Sprint("fault-", lastKey), key: lastKey, files: map[string]*file{}, handles: map[uint64]*handle{}}
	d.text = C.CString(d.name)
	if rc := C.faultvfs_register(d.text, C.uint64_t(d.key), &d.vfs); rc != 0 {
		C.free(unsafe.Pointer(d.text))
		return nil, fmt.Errorf("registering %s: SQLite error %d", d.name, rc)
	}
	disks[d.key] = d
	return d, nil
}

// VFS is the name to open databases with.
func (d *Disk) VFS() string { return d.name }

// Close removes the disk. All its databases must be closed.
func (d *Disk) Close() error {
	disksMu.Lock()
	defer disksMu.Unlock()
	delete(disks, d.key)
	rc := C.faultvfs_unregister(d.vfs)
	C.free(unsafe.Pointer(d.text))
	if rc != 0 {
		return fmt.Errorf("removing %s: SQLite error %d", d.name, rc)
	}
	return nil
}

// Fail sets the fault, in the place of an earlier one.
func (d *Disk) Fail(f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault, d.seen, d.hits = f, 0, 0
}

// Heal takes the fault away and returns how many operations it made fail.
func (d *Disk) Heal() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = Fault{}
	return d.hits
}

// Count returns how many operations of a kind there were on files of this suffix, failed ones
// included.
func (d *Disk) Count(op Op, suffix string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, f := range d.files {
		if strings.HasSuffix(f.path, suffix) {
			n += f.counts[op]
		}
	}
	return n
}

// Cut writes into dir what the disk would hold if the power went now. What was not synced is
// kept in pieces of 512 bytes where keep says so; nil keeps none.
func (d *Disk) Cut(dir string, keep func() bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.files {
		if f.gone {
			continue
		}
		content := append([]byte{}, f.durable...)
		for _, c := range f.pending {
			content = c.keepSome(content, keep)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f.path)), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

const sector = 512

func (c change) keepSome(content []byte, keep func() bool) []byte {
	if keep == nil {
		return content
	}
	if c.data == nil {
		if keep() {
			content = c.apply(content)
		}
		return content
	}
	for at := 0; at < len(c.data); at += sector {
		piece := c.data[at:min(at+sector, len(c.data))]
		if keep() {
			content = change{off: c.off + int64(at), data: piece}.apply(content)
		}
	}
	return content
}

func (c change) apply(content []byte) []byte {
	end := c.off + int64(len(c.data))
	if grow := end - int64(len(content)); grow > 0 {
		content = append(content, make([]byte, grow)...)
	}
	if c.data == nil {
		return content[:c.off]
	}
	copy(content[c.off:], c.data)
	return content
}

// open returns the number of a new handle on a path.
func (d *Disk) open(path string) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	f, ok := d.files[path]
	if !ok {
		f = &file{path: path}
		content, err := os.ReadFile(path)
		if err == nil {
			f.durable = content
		}
		f.gone = errors.Is(err, fs.ErrNotExist)
		d.files[path] = f
	}
	d.last++
	d.handles[d.last] = &handle{f: f}
	return d.last
}

func (d *Disk) close(h uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.handles, h)
}

func (d *Disk) before(i uint64, op Op) Code {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.handles[i]
	h.f.counts[op]++
	if d.fault.matches(h.f.path, op) {
		d.seen++
		if d.seen == d.fault.Nth || d.fault.Sticky && d.seen > d.fault.Nth {
			d.hits++
			return d.fault.Code
		}
	}
	if op == Sync {
		owed := h.owed
		h.owed = 0
		return owed
	}
	return 0
}

func (f *Fault) matches(path string, op Op) bool {
	if f.Nth == 0 || !strings.HasSuffix(path, f.Suffix) {
		return false
	}
	for _, o := range f.Ops {
		if o == op {
			return true
		}
	}
	return false
}

func (d *Disk) change(h uint64, c change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.handles[h].f
	f.gone = false
	f.pending = append(f.pending, c)
}

// synced returns the file's content for its readers if they are to see what was lost; its length
// is that of the file.
func (d *Disk) synced(i uint64, ok bool) (evicted []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.handles[i].f
	if ok {
		for _, c := range f.pending {
			f.durable = c.apply(f.durable)
		}
		f.pending = nil
		return nil
	}
	if !d.fault.Forget || f.pending == nil {
		return nil
	}
	f.pending = nil
	for j, h := range d.handles {
		if h.f == f && j != i && !d.fault.Silent {
			h.owed = d.fault.Code
		}
	}
	if !d.fault.Evict {
		return nil
	}
	return append([]byte{}, f.durable...)
}

func (d *Disk) deleted(h uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.handles[h].f
	f.durable, f.pending, f.gone = nil, nil, true
	delete(d.handles, h)
}
