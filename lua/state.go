package lua

/*
#cgo noescape vm_resume
#cgo nocallback vm_resume
#cgo nocallback vm_new
#cgo nocallback vm_strike
#cgo nocallback vm_watch
#include "vm.h"
*/
import "C"

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/algocline/algocline/value"
)

const (
	defaultMemory = 256 << 20
)

// MaxMemory is the most that one state can have.
const MaxMemory = 2 << 30

// Options are a state's limits.
type Options struct {
	// Memory is how many bytes the VM may hold, its transfer buffers included. 0 means 256 MiB;
	// at most 2 GiB.
	Memory int64
	// StepCPU is the CPU time that one Resume may take, with a resolution of about 10 ms. 0
	// means no limit.
	StepCPU time.Duration
}

func (o Options) validate() (Options, error) {
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	if o.Memory < 0 || o.Memory > MaxMemory {
		return o, fmt.Errorf("a Lua VM cannot have a memory limit of %d bytes: at most %d", o.Memory, int64(MaxMemory))
	}
	if o.StepCPU < 0 {
		return o, fmt.Errorf("a Lua VM cannot have a CPU limit of %v", o.StepCPU)
	}
	return o, nil
}

// State is one Lua VM running one [Program]. It is for one goroutine at a time: a call that
// finds it in use fails with [ErrBusy]. Only [State.Strike] may be called at any time from
// anywhere.
type State struct {
	vm     *C.vm
	busy   atomic.Bool
	ended  bool
	limits Options

	mu     sync.Mutex // guards what Strike shares with Close
	closed bool
	struck string // the name of the limit, when it is not one of the VM's own
}

// EventKind says why a VM stopped running for now.
type EventKind uint8

const (
	// Requested: the script waits for an answer to Values. The next Resume or Raise gives it.
	Requested EventKind = iota + 1
	// Returned: the program has ended with Values.
	Returned
)

// String names the kind.
func (k EventKind) String() string {
	switch k {
	case Requested:
		return "requested"
	case Returned:
		return "returned"
	}
	return "EventKind(" + strconv.Itoa(int(k)) + ")"
}

// Event is what came of running a VM. Values and Notes lie in the VM's own memory and are valid
// until the next call on the state; copy what is to be kept.
type Event struct {
	Kind   EventKind
	Values value.List // of the request or the return
	// Notes are what the script gave to sys.note since the last event, in order: one table of
	// the arguments a call. When they come to more than 1 MiB the oldest are dropped.
	Notes value.List
	// Digest runs over all that pure helpers such as the JSON functions have given since the
	// state began.
	Digest uint64
}

// New makes a state with the libraries opened and the program loaded; nothing runs yet. It takes
// some tens of microseconds, and about 30 KB of memory beyond what the program needs.
func New(p *Program, o Options) (*State, error) {
	if err := setUp(); err != nil {
		return nil, fmt.Errorf("making a Lua state: %w", err)
	}
	o, err := o.validate()
	if err != nil {
		return nil, err
	}
	var vm *C.vm
	var reason *C.char
	status := C.vm_new(&vm, (*C.char)(unsafe.Pointer(unsafe.SliceData(p.code))), C.size_t(len(p.code)),
		C.size_t(o.Memory), C.uint64_t(o.StepCPU), &reason)
	if status == C.VM_BAD_PROGRAM {
		defer C.vm_close(vm)
		return nil, fmt.Errorf("making a Lua state: %s", C.GoString(reason))
	}
	if status != C.VM_OK {
		return nil, fmt.Errorf("making a Lua state: %w", creationError(status, o.Memory))
	}
	watch.add()
	return &State{vm: vm, limits: o}, nil
}

func creationError(status C.int, memory int64) error {
	switch status {
	case C.VM_NO_SLOT:
		return ErrNoSlot
	case C.VM_CROWDED:
		return ErrNoMemory
	}
	return &LimitError{Limit: "memory", Value: FormatBytes(memory)}
}

// Resume runs the VM until it asks for something or ends. The first call starts the program,
// whose chunk gets the table of primitives and then args; later ones give args to the request
// that is open. It blocks while the script runs; only [State.Strike] or a limit cuts it short.
//
// Errors: *[ScriptError] when the program fails, *[LimitError] when it was struck (the state is
// dead after either), [ErrNoMemory] (dead too), *[TransferError] for malformed args (nothing has
// run), [ErrDead], [ErrClosed], [ErrBusy]. With the first three the event has no kind, but Notes and Digest.
func (s *State) Resume(args value.List) (Event, error) { return s.run(args, 0) }

// Raise resumes the VM by raising a message, as it is, where the open request was made. Before
// the first request there is nowhere to raise, and the program starts without arguments.
// Results and errors are those of [State.Resume].
func (s *State) Raise(message string) (Event, error) {
	return s.run(unsafe.Slice(unsafe.StringData(message), len(message)), 1)
}

func (s *State) enter() error {
	if !s.busy.CompareAndSwap(false, true) {
		return ErrBusy
	}
	if s.vm == nil {
		s.busy.Store(false)
		return ErrClosed
	}
	return nil
}

func (s *State) leave() { s.busy.Store(false) }

func (s *State) run(args []byte, raise C.int) (Event, error) {
	if err := s.enter(); err != nil {
		return Event{}, err
	}
	defer s.leave()
	if s.ended {
		return Event{}, ErrDead
	}
	watch.enter()
	var ev C.vm_event
	kind := C.vm_resume(s.vm, (*C.char)(unsafe.Pointer(unsafe.SliceData(args))), C.size_t(len(args)), raise, &ev)
	watch.leave()
	return s.event(kind, &ev)
}

func (s *State) event(kind C.int, ev *C.vm_event) (Event, error) {
	switch kind {
	case C.VM_MALFORMED:
		return Event{}, &TransferError{C.GoString(ev.reason)}
	case C.VM_REQUEST:
		return newEvent(Requested, ev), nil
	}
	s.ended = true
	switch kind {
	case C.VM_RETURN:
		return newEvent(Returned, ev), nil
	case C.VM_STOPPED:
		return newEvent(0, ev), s.limitError(ev.stop)
	}
	err := &ScriptError{Message: "error in error handling"}
	if vs, bad := value.Decode(list(ev.values, ev.nvalues)); bad == nil && len(vs) == 2 {
		err.Message, _ = vs[0].(string)
		err.Traceback, _ = vs[1].(string)
	}
	return newEvent(0, ev), err
}

func newEvent(kind EventKind, ev *C.vm_event) Event {
	e := Event{Kind: kind, Notes: list(ev.notes, ev.nnotes), Digest: uint64(ev.digest)}
	if kind != 0 {
		e.Values = list(ev.values, ev.nvalues)
	}
	return e
}

func list(p *C.char, n C.size_t) value.List {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(p)), int(n))
}

func (s *State) limitError(stop C.int) error {
	switch stop {
	case C.STOP_MEMORY:
		return &LimitError{"memory", FormatBytes(s.limits.Memory)}
	case C.STOP_CPU:
		return &LimitError{"step_cpu", s.limits.StepCPU.String()}
	case C.STOP_CROWDED:
		return ErrNoMemory
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &LimitError{Limit: s.struck}
}

// Strike sets the VM's limit flag: what runs in it is forced out, and nothing will run in it
// again. The Resume under way, or the next one, fails with a *[LimitError] of this name. The
// first strike counts. It does not block and does nothing to a closed state.
func (s *State) Strike(limit string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if s.struck == "" {
		s.struck = limit
	}
	C.vm_strike(s.vm, C.STOP_NAMED)
}

// Memory returns how many bytes the VM holds, its transfer buffers included; 0 when the state is
// closed or running.
func (s *State) Memory() int64 {
	if s.enter() != nil {
		return 0
	}
	defer s.leave()
	return int64(C.vm_held(s.vm))
}

// SetLimits changes the limits of a state that is not running, as [Options] gives them. Invalid
// values, and calls on a state in use or closed, change nothing.
func (s *State) SetLimits(memory int64, stepCPU time.Duration) {
	o, err := Options{memory, stepCPU}.validate()
	if err != nil || s.enter() != nil {
		return
	}
	defer s.leave()
	s.limits = o
	C.vm_set_limits(s.vm, C.size_t(o.Memory), C.uint64_t(o.StepCPU))
}

// Trim gives back the memory of the transfer buffers. The last event's Values and Notes are no
// longer valid after it. It does nothing to a state in use or closed.
func (s *State) Trim() {
	if s.enter() != nil {
		return
	}
	defer s.leave()
	C.vm_trim(s.vm)
}

// Close gives back all memory of the state. Nothing in it runs any more: no finalisers, no
// __close handlers. It returns [ErrBusy] when the state is running and nil when it is closed
// already.
func (s *State) Close() error {
	switch err := s.enter(); err {
	case nil:
	case ErrClosed:
		return nil
	default:
		return err
	}
	defer s.leave()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	C.vm_close(s.vm)
	s.vm = nil
	watch.remove()
	return nil
}

// FormatBytes writes a number of bytes as limits are written, such as "256MiB".
func FormatBytes(n int64) string {
	for _, u := range []struct {
		shift uint
		name  string
	}{{30, "GiB"}, {20, "MiB"}, {10, "KiB"}} {
		if n != 0 && n&(1<<u.shift-1) == 0 {
			return strconv.FormatInt(n>>u.shift, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}
