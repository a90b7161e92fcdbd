package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/algocline/algocline/journal/mapped"
	"golang.org/x/sys/unix"
)

// hold is a file beside the database that tells what SQLite does not: whether anybody has the
// database open, and whether a write to it has failed and was not made good yet. Every store
// with open connections has a shared lock on the file; its one word counts the failures, and
// outlives the process that saw them. Safe for concurrent use.
type hold struct {
	path     string
	readOnly bool
	patience time.Duration
	failures atomic.Pointer[atomic.Uint64] // in mem

	mu    sync.Mutex
	f     *os.File // nil until there is such a file; a reader does not make it
	mem   []byte
	conns int
	alone bool
}

// holdSize is the size of the file: one word.
const holdSize = 8

// errHeld: a lock on the hold was not to be had in time.
var errHeld = errors.New("another process has the journal open and does not let go of it; try again, or end it")

func openHold(path string, readOnly bool, patience time.Duration) (*hold, error) {
	h := &hold{path: path, readOnly: readOnly, patience: patience}
	return h, h.open()
}

// open maps the file, which a reader may find missing or not yet as long as it will be.
func (h *hold) open() error {
	flags := os.O_RDWR | os.O_CREATE | os.O_APPEND
	if h.readOnly {
		flags = os.O_RDONLY
	}
	f, err := os.OpenFile(h.path, flags, 0o600)
	if errors.Is(err, fs.ErrNotExist) && h.readOnly {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening the journal's hold: %w", err)
	}
	if !h.readOnly {
		h.mem, err = mapped.Map(f, holdSize)
	} else if info, serr := f.Stat(); serr != nil || info.Size() < holdSize {
		return errors.Join(serr, f.Close())
	} else {
		h.mem, err = unix.Mmap(int(f.Fd()), 0, holdSize, unix.PROT_READ, unix.MAP_SHARED)
	}
	if err != nil {
		return fmt.Errorf("mapping the journal's hold: %w", errors.Join(err, f.Close()))
	}
	h.f = f
	h.failures.Store((*atomic.Uint64)(unsafe.Pointer(&h.mem[0])))
	return nil
}

// doubts is how many failures there are that nobody has made good.
func (h *hold) doubts() uint64 {
	if n := h.failures.Load(); n != nil {
		return n.Load()
	}
	return 0
}

// doubt records a failure.
func (h *hold) doubt() { h.failures.Load().Add(1) }

// settled takes back the failures that were counted before they were made good; one that came
// meanwhile keeps them all.
func (h *hold) settled(seen uint64) { h.failures.Load().CompareAndSwap(seen, 0) }

// join counts a connection in, before it is opened.
func (h *hold) join() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.f == nil {
		if err := h.open(); err != nil {
			return err
		}
	}
	if h.conns == 0 && !h.alone {
		if err := h.lock(unix.LOCK_SH); err != nil {
			return err
		}
	}
	h.conns++
	return nil
}

// leave counts a connection out, after it was closed.
func (h *hold) leave() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.conns--; h.conns > 0 || h.alone || h.f == nil {
		return nil
	}
	return flock(h.f, unix.LOCK_UN)
}

// exclude waits until nobody has the database open, and keeps all others out until share. The
// caller has no connection open.
func (h *hold) exclude() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.lock(unix.LOCK_EX); err != nil {
		return err
	}
	h.alone = true
	return nil
}

// share lets others in again.
func (h *hold) share() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.alone = false
	if h.conns > 0 {
		return flock(h.f, unix.LOCK_SH)
	}
	return flock(h.f, unix.LOCK_UN)
}

// lock asks again and again: a wait in the kernel could not be given up.
func (h *hold) lock(how int) error {
	if h.f == nil {
		return nil
	}
	again := time.NewTicker(max(h.patience/200, time.Millisecond))
	defer again.Stop()
	for end := time.Now().Add(h.patience); ; <-again.C {
		err := flock(h.f, how|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("locking the journal's hold: %w", err)
		}
		if time.Now().After(end) {
			return errHeld
		}
	}
}

func (h *hold) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.f == nil {
		return nil
	}
	h.failures.Store(nil)
	return errors.Join(unix.Munmap(h.mem), h.f.Close())
}
