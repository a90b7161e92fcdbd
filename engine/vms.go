package engine

import (
	"embed"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/lua"
	"github.com/algocline/algocline/value"
)

//go:embed lib/*.lua
var libFiles embed.FS

// parts of the library in the order in which they run.
var parts = []string{"base", "model", "state", "record", "world", "require", "main"}

// librarySource joins the parts into one chunk. Each is a function of its own, so that its
// locals do not count against the chunk's.
func librarySource() []byte {
	var b strings.Builder
	b.WriteString("local sys = ... local alc, lib = {}, {}\n")
	for _, p := range parts {
		src, err := libFiles.ReadFile("lib/" + p + ".lua")
		if err != nil {
			// The files are embedded: only a wrong name in parts can cause it, and every test would.
			panic(err)
		}
		fmt.Fprintf(&b, "do local function part(sys, alc, lib)\n%s\nend if part(sys, alc, lib) then return lib.code, lib.message, lib.traceback end end\n", src)
	}
	return []byte(b.String())
}

// VMs is a stock of VMs with the library loaded, so that a session starts without waiting for
// one to be made. It is safe for concurrent use.
type VMs struct {
	source  []byte
	library journal.ContentHash
	program *lua.Program

	ready chan *lua.State
	want  chan struct{}
	done  chan struct{}
	wg    sync.WaitGroup

	mu    sync.Mutex
	older map[journal.ContentHash]*lua.Program // libraries of sessions begun by other versions
}

// NewVMs compiles the library and starts keeping n VMs ready. Close it to stop that.
func NewVMs(n int) (*VMs, error) {
	src := librarySource()
	p, err := lua.Compile("=alc", src)
	if err != nil {
		return nil, fmt.Errorf("compiling the library: %w", err)
	}
	v := &VMs{
		source: src, library: journal.HashContent(src), program: p,
		ready: make(chan *lua.State, n), want: make(chan struct{}, 1), done: make(chan struct{}),
		older: map[journal.ContentHash]*lua.Program{},
	}
	v.wg.Add(1)
	go v.fill()
	v.refill()
	return v, nil
}

// Library is the content hash of the library that new sessions get.
func (v *VMs) Library() journal.ContentHash { return v.library }

func (v *VMs) refill() {
	select {
	case v.want <- struct{}{}:
	default:
	}
}

func (v *VMs) fill() {
	defer v.wg.Done()
	for {
		select {
		case <-v.done:
			return
		case <-v.want:
		}
		for len(v.ready) < cap(v.ready) {
			s, err := boot(v.program)
			if err != nil {
				break // whoever needs one makes it himself and sees the error
			}
			select {
			case v.ready <- s:
			case <-v.done:
				s.Close()
				return
			}
		}
	}
}

// boot makes a VM and runs the library up to where it waits for a script.
func boot(p *lua.Program) (*lua.State, error) {
	l := DefaultLimits()
	s, err := lua.New(p, lua.Options{Memory: l.Memory, StepCPU: l.StepCPU})
	if err != nil {
		return nil, fmt.Errorf("making a VM: %w", err)
	}
	ev, err := s.Resume(nil)
	if err == nil {
		op, _ := value.NewReader(ev.Values).String()
		if ev.Kind == lua.Requested && op == "ready" {
			return s, nil
		}
		err = fmt.Errorf("the library did not come up: it said %q", op)
	}
	return nil, errors.Join(fmt.Errorf("loading the library: %w", err), s.Close())
}

// take returns a VM with a library, which is fetched when it is not the present one.
func (v *VMs) take(lib journal.ContentHash, fetch func() ([]byte, error)) (*lua.State, error) {
	if lib == v.library {
		defer v.refill()
		select {
		case s := <-v.ready:
			return s, nil
		default:
			return boot(v.program)
		}
	}
	p, err := v.old(lib, fetch)
	if err != nil {
		return nil, err
	}
	return boot(p)
}

func (v *VMs) old(lib journal.ContentHash, fetch func() ([]byte, error)) (*lua.Program, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if p := v.older[lib]; p != nil {
		return p, nil
	}
	src, err := fetch()
	if err != nil {
		return nil, fmt.Errorf("reading library %s: %w", lib, err)
	}
	if journal.HashContent(src) != lib {
		return nil, fmt.Errorf("library %s: %w", lib, journal.ErrCorrupt)
	}
	p, err := lua.Compile("=alc", src)
	if err != nil {
		return nil, fmt.Errorf("compiling library %s: %w", lib, err)
	}
	v.older[lib] = p
	return p, nil
}

// Close stops making VMs and drops those that are ready.
func (v *VMs) Close() error {
	close(v.done)
	v.wg.Wait()
	var errs []error
	for {
		select {
		case s := <-v.ready:
			errs = append(errs, s.Close())
		default:
			return errors.Join(errs...)
		}
	}
}
