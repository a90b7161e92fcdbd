// Package mark is a small mapped file that tells, after a process was killed, what it was doing:
// how far the journal had been acknowledged, and which sessions were being stepped.
//
// The file is a shared mapping: what is stored in it survives the death of the process, kill -9
// included, because the kernel keeps the page. It is never synced and says nothing certain after
// a power cut; a field that says which boot it belongs to makes that visible. All stores are
// single machine words, in an order that lets a reader tell a finished entry from a half-written
// one.
//
// A worker calls [Create] on a path of its own; whoever looks after it died calls [Read].
package mark

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/algocline/algocline/journal/mapped"
	"golang.org/x/sys/unix"
)

// The layout of the file, in bytes. All numbers are 64-bit words in the
// machine's own byte order: the file never leaves it.
const (
	offMagic     = 0
	offVersion   = 8
	offBoot      = 16 // first 16 bytes of the boot id's SHA-256
	offInstance  = 32 // the journal's identity
	offCommitted = 48
	offSynced    = 56
	offSlots     = 64

	// A slot: epoch of the slot itself (odd while it is filled), seq, length of the sid, sid.
	slotState = 0
	slotSeq   = 8
	slotLen   = 16
	slotSID   = 24
	slotSize  = slotSID + MaxSID

	magic   = 0x314b52414d434c41 // "ALCMARK1"
	version = 1
	size    = offSlots + Slots*slotSize
)

const (
	// Slots is how many steps can be under way at once and be known by name; more may run.
	Slots = 64
	// MaxSID is how many bytes of a session id are kept.
	MaxSID = 64
)

// ErrNotMark is a file that is not a mark, or was cut short.
var ErrNotMark = errors.New("not a mark file")

// Step is a step of a session that was under way.
type Step struct {
	SID string // cut to MaxSID bytes
	Seq int64  // of the event that the step followed
}

// Mark is what a file says.
type Mark struct {
	Path      string
	Boot      [16]byte
	Instance  [16]byte // of the journal
	Committed int64    // the journal was acknowledged up to here
	Synced    int64    // and was on disk up to here
	Steps     []Step
}

// SameBoot tells whether the mark was written since the machine was started.
func (m *Mark) SameBoot() (bool, error) {
	boot, err := bootHash()
	return boot == m.Boot, err
}

// File is a mark that this process writes. Its methods are safe for concurrent use, but for
// Close, after which none may be called.
type File struct {
	path string
	mem  []byte
	mu   sync.Mutex // guards free
	free []int
}

// Create makes or overwrites the mark at path for the journal of this instance and maps it. The
// new file takes the place of an old one only when it is whole.
func Create(path string, instance [16]byte) (*File, error) {
	boot, err := bootHash()
	if err != nil {
		return nil, err
	}
	head := make([]byte, offSlots)
	binary.NativeEndian.PutUint64(head[offMagic:], magic)
	binary.NativeEndian.PutUint64(head[offVersion:], version)
	copy(head[offBoot:], boot[:])
	copy(head[offInstance:], instance[:])
	m := &File{path: path}
	if m.mem, err = mapNew(path, head); err != nil {
		return nil, fmt.Errorf("making mark %s: %w", path, err)
	}
	for i := range Slots {
		m.free = append(m.free, Slots-1-i)
	}
	return m, nil
}

func mapNew(path string, head []byte) (mem []byte, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if mem, err = mapped.Map(f, size); err == nil {
		copy(mem, head)
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(f.Name()))
	}
	return mem, nil
}

// Path is the mark's file.
func (m *File) Path() string { return m.path }

func (m *File) word(off int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&m.mem[off]))
}

// SetHighWater records how far the journal is acknowledged and synced. A number never goes down.
func (m *File) SetHighWater(committed, synced int64) {
	raise(m.word(offSynced), uint64(synced))
	raise(m.word(offCommitted), uint64(committed))
}

func raise(w *atomic.Uint64, to uint64) {
	for {
		have := w.Load()
		if have >= to || w.CompareAndSwap(have, to) {
			return
		}
	}
}

// BeginStep records that a session is being stepped after seq, and returns the slot for
// [File.EndStep]; -1, which EndStep accepts, when all slots are taken.
func (m *File) BeginStep(sid string, seq int64) int {
	m.mu.Lock()
	if len(m.free) == 0 {
		m.mu.Unlock()
		return -1
	}
	slot := m.free[len(m.free)-1]
	m.free = m.free[:len(m.free)-1]
	m.mu.Unlock()

	base := offSlots + slot*slotSize
	n := min(len(sid), MaxSID)
	m.word(base + slotSeq).Store(uint64(seq))
	m.word(base + slotLen).Store(uint64(n))
	var padded [MaxSID]byte
	copy(padded[:], sid)
	for i := 0; i < n; i += 8 {
		m.word(base + slotSID + i).Store(binary.NativeEndian.Uint64(padded[i:]))
	}
	m.word(base + slotState).Store(1) // last: from here on the entry counts
	return slot
}

// EndStep records that the step in the slot is over.
func (m *File) EndStep(slot int) {
	if slot < 0 {
		return
	}
	m.word(offSlots + slot*slotSize + slotState).Store(0)
	m.mu.Lock()
	m.free = append(m.free, slot)
	m.mu.Unlock()
}

// Close unmaps the file and leaves it in place.
func (m *File) Close() error {
	if err := unix.Munmap(m.mem); err != nil {
		return fmt.Errorf("unmapping mark %s: %w", m.path, err)
	}
	m.mem = nil
	return nil
}

// Read returns what the mark at path says, whether its writer lives or not.
func Read(path string) (Mark, error) {
	p, err := os.ReadFile(path)
	if err != nil {
		return Mark{}, fmt.Errorf("reading mark: %w", err)
	}
	m, err := decode(p)
	if err != nil {
		return Mark{}, fmt.Errorf("reading mark %s: %w", path, err)
	}
	m.Path = path
	return m, nil
}

func decode(p []byte) (Mark, error) {
	var m Mark
	if len(p) < offSlots {
		return m, fmt.Errorf("%w: it has %d bytes", ErrNotMark, len(p))
	}
	word := func(off int) uint64 { return binary.NativeEndian.Uint64(p[off:]) }
	if word(offMagic) != magic {
		return m, fmt.Errorf("%w: it begins otherwise", ErrNotMark)
	}
	if v := word(offVersion); v != version {
		return m, fmt.Errorf("%w: version %d is not known", ErrNotMark, v)
	}
	if len(p) != size {
		return m, fmt.Errorf("%w: it has %d bytes, not %d", ErrNotMark, len(p), size)
	}
	copy(m.Boot[:], p[offBoot:])
	copy(m.Instance[:], p[offInstance:])
	m.Committed, m.Synced = int64(word(offCommitted)), int64(word(offSynced))
	for slot := range Slots {
		base := offSlots + slot*slotSize
		n := word(base + slotLen)
		if word(base+slotState) != 1 || n > MaxSID {
			continue
		}
		m.Steps = append(m.Steps, Step{
			SID: string(p[base+slotSID : base+slotSID+int(n)]),
			Seq: int64(word(base + slotSeq)),
		})
	}
	return m, nil
}

// bootHash names the present boot of this machine.
func bootHash() (h [16]byte, err error) {
	id, err := BootID()
	if err != nil {
		return h, err
	}
	sum := sha256.Sum256([]byte(id))
	copy(h[:], sum[:])
	return h, nil
}
