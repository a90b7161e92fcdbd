package engine

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/lua"
	"github.com/algocline/algocline/value"
)

//go:embed lib/*.lua lib/theme/*.lua
var libFiles embed.FS

// parts of the library in the order in which they run.
var parts = []string{"base", "model", "log", "themes", "require", "main"}

// themeMark begins a theme in the library's text.
const themeMark = "\n--@theme "

// librarySource is the whole library as one text, as the journal stores it: the parts joined into
// one chunk, each in a function of its own so that its locals do not count against the chunk's,
// and then the themes, which a VM loads when one of their members is first used.
func librarySource() []byte {
	var b strings.Builder
	b.WriteString("local sys = ... local alc, lib = {}, {}\n")
	for _, p := range parts {
		fmt.Fprintf(&b, "do local function part(sys, alc, lib)\n%s\nend if part(sys, alc, lib) then return lib.code, lib.message, lib.traceback end end\n",
			libFile("lib/"+p+".lua"))
	}
	themes, err := fs.Glob(libFiles, "lib/theme/*.lua")
	if err != nil {
		panic(err) // only a malformed pattern
	}
	for _, t := range themes {
		fmt.Fprintf(&b, "%s%s\n%s", themeMark, strings.TrimSuffix(path.Base(t), ".lua"), libFile(t))
	}
	return []byte(b.String())
}

func libFile(name string) []byte {
	src, err := libFiles.ReadFile(name)
	if err != nil {
		// The files are embedded: only a wrong name in parts can cause it, and every test would.
		panic(err)
	}
	return src
}

// library is the Lua side of the host functions, as one version has it.
type library struct {
	hash    journal.ContentHash
	source  []byte
	program *lua.Program
	themes  map[string]string
	places  map[string]map[string]place // by the table's name and the member's
}

// place is where a member of a table is defined.
type place struct {
	theme   string
	members []string // all that the theme gives that table; nil when the member is the theme's table
}

func newLibrary(src []byte) (*library, error) {
	texts := strings.Split(string(src), themeMark)
	l := &library{hash: journal.HashContent(src), source: src, themes: map[string]string{}, places: map[string]map[string]place{}}
	for _, t := range texts[1:] {
		name, body, _ := strings.Cut(t, "\n")
		l.themes[name] = body
		if where, ok := strings.CutPrefix(body, "--@ "); ok {
			where, _, _ = strings.Cut(where, "\n")
			l.place(name, strings.Fields(where))
		}
	}
	var err error
	if l.program, err = lua.Compile("alc", []byte(texts[0])); err != nil {
		return nil, fmt.Errorf("compiling library %s: %w", l.hash, err)
	}
	return l, nil
}

// place notes where a theme belongs: "alc.state", or a table and the members it gets.
func (l *library) place(theme string, words []string) {
	table, members := words[0], words[1:]
	p := place{theme: theme, members: members}
	if owner, member, ok := strings.Cut(table, "."); ok {
		table, members, p.members = owner, []string{member}, nil
	}
	if l.places[table] == nil {
		l.places[table] = map[string]place{}
	}
	for _, m := range members {
		l.places[table][m] = p
	}
}

// VMs is a stock of VMs with the library loaded, so that a session starts without waiting for
// one to be made. It is safe for concurrent use.
type VMs struct {
	release string
	library *library
	zones   zones

	ready chan *lua.State
	want  chan struct{}
	done  chan struct{}
	wg    sync.WaitGroup

	mu    sync.Mutex
	older map[journal.ContentHash]*library // libraries of sessions begun by other versions
}

// NewVMs compiles the library and starts keeping n VMs ready. Close it to stop that. The release
// is the version of alc, as sessions record it.
func NewVMs(n int, release string) (*VMs, error) {
	l, err := newLibrary(librarySource())
	if err != nil {
		return nil, err
	}
	v := &VMs{
		release: release, library: l, ready: make(chan *lua.State, n), want: make(chan struct{}, 1), done: make(chan struct{}),
		older: map[journal.ContentHash]*library{},
	}
	v.wg.Add(1)
	go v.fill()
	v.refill()
	return v, nil
}

// Library is the content hash of the library that new sessions get.
func (v *VMs) Library() journal.ContentHash { return v.library.hash }

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
			s, err := boot(v.library)
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

// New makes a VM with the library loaded that waits for a script. Close it.
func (v *VMs) New() (*lua.State, error) { return boot(v.library) }

// boot makes a VM and runs the library up to where it waits for a script.
func boot(lib *library) (*lua.State, error) {
	l := DefaultLimits()
	s, err := lua.New(lib.program, lua.Options{Memory: l.Memory, StepCPU: l.StepCPU})
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
func (v *VMs) take(hash journal.ContentHash, fetch func() ([]byte, error)) (*lua.State, *library, error) {
	lib := v.library
	if hash != lib.hash {
		var err error
		if lib, err = v.old(hash, fetch); err != nil {
			return nil, nil, err
		}
	}
	s, err := v.with(lib)
	return s, lib, err
}

// with returns a VM with a library that is at hand.
func (v *VMs) with(lib *library) (*lua.State, error) {
	if lib != v.library {
		return boot(lib)
	}
	defer v.refill()
	select {
	case s := <-v.ready:
		return s, nil
	default:
		return boot(lib)
	}
}

func (v *VMs) old(hash journal.ContentHash, fetch func() ([]byte, error)) (*library, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if l := v.older[hash]; l != nil {
		return l, nil
	}
	src, err := fetch()
	if err != nil {
		return nil, fmt.Errorf("reading library %s: %w", hash, err)
	}
	if journal.HashContent(src) != hash {
		return nil, fmt.Errorf("library %s: %w", hash, journal.ErrCorrupt)
	}
	l, err := newLibrary(src)
	if err != nil {
		return nil, err
	}
	v.older[hash] = l
	return l, nil
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
