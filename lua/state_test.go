package lua

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/algocline/algocline/value"
	"github.com/google/go-cmp/cmp"
)

func TestSelfTest(t *testing.T) {
	if err := SelfTest(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(Release, "Lua 5.4.") {
		t.Errorf("release %q", Release)
	}
}

func TestCompile(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"x = = 1", "dir/s.lua:1: unexpected symbol near '='"},
		{"return 1\nreturn 2", "dir/s.lua:1: 'end' expected"},
		{"\x1bLua", "attempt to load a binary chunk (mode is 't')"},
		{"local limit <const> = 1 limit = 2", "dir/s.lua:1: attempt to assign to const variable 'limit'"},
	} {
		var syntax *SyntaxError
		_, err := Compile("dir/s.lua", []byte(c.source))
		if !errors.As(err, &syntax) {
			t.Errorf("%q: %v, want a *SyntaxError", c.source, err)
			continue
		}
		if c.source[0] != 'r' && syntax.Message != c.want {
			t.Errorf("%q: %q, want %q", c.source, syntax.Message, c.want)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	p := mustCompile(t, "return 1")
	for _, o := range []Options{{Memory: -1}, {Memory: MaxMemory + 1}, {StepCPU: -1}} {
		if s, err := New(p, o); err == nil {
			s.Close()
			t.Errorf("%+v is accepted", o)
		}
	}
	_, err := New(mustCompile(t, "return '"+strings.Repeat("x", 1<<20)+"'"), Options{Memory: 64 << 10})
	if diff := cmp.Diff(&LimitError{"memory", "64KiB"}, asLimit(t, err)); diff != "" {
		t.Error(diff)
	}
}

func TestClose(t *testing.T) {
	s, err := New(mustCompile(t, "return 1"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Resume(nil); err != ErrClosed {
		t.Errorf("Resume after Close: %v", err)
	}
	if _, err := s.Raise("x"); err != ErrClosed {
		t.Errorf("Raise after Close: %v", err)
	}
	s.Strike("late")
	s.SetLimits(1<<20, 0)
	s.Trim()
	if m := s.Memory(); m != 0 {
		t.Errorf("a closed state holds %d bytes", m)
	}
}

func TestBusy(t *testing.T) {
	s := open(t, `while true do end`, Options{})
	done := make(chan error)
	go func() {
		_, err := s.Resume(nil)
		done <- err
	}()
	for !s.busy.Load() {
		runtime.Gosched()
	}
	if _, err := s.Resume(nil); err != ErrBusy {
		t.Errorf("Resume while running: %v, want ErrBusy", err)
	}
	if err := s.Close(); err != ErrBusy {
		t.Errorf("Close while running: %v, want ErrBusy", err)
	}
	s.Strike("enough")
	if got := asLimit(t, <-done).Limit; got != "enough" {
		t.Errorf("limit %q", got)
	}
}

// States of one program share nothing.
func TestStatesShareNothing(t *testing.T) {
	p := mustCompile(t, `local sys = ... x = (x or 0) + 1 string.x = (string.x or 0) + 1 getmetatable("").y = (getmetatable("").y or 0) + 1
		return x, string.x, getmetatable("").y`)
	for range 3 {
		s, err := New(p, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]any{int64(1), int64(1), int64(1)}, finish(t, s)); diff != "" {
			t.Error(diff)
		}
		s.Close()
	}
}

func resident(t *testing.T) int64 {
	t.Helper()
	if runtime.GOOS != "linux" || sanitized {
		t.Skip("resident memory is read from /proc, and a sanitizer's own counts there too")
	}
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// States made and dropped leave nothing behind.
func TestManyStatesHoldMemoryFlat(t *testing.T) {
	p := mustCompile(t, `local t = {} for i = 1, 100 do t[i] = {i} end return #t`)
	cycle := func(n int) {
		for range n {
			s, err := New(p, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Resume(nil); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if raceDetector {
		t.Skip("the race detector keeps memory of its own for each state")
	}
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	cycle(n / 4)
	debug.FreeOSMemory() // Go's own garbage is not what is measured
	before := resident(t)
	cycle(n)
	debug.FreeOSMemory()
	if grown := resident(t) - before; grown > 8<<20 {
		t.Errorf("%d bytes more are resident after %d states", grown, n)
	}
}

// A waiting state is small, and many wait at once; closing them gives their memory back.
func TestManyStatesAtOnce(t *testing.T) {
	const n = 400
	p := mustCompile(t, `local sys = ... local big = ("x"):rep(1 << 20) big = nil collectgarbage() sys.request("wait")`)
	before := resident(t)
	states := make([]*State, n)
	for i := range states {
		var err error
		if states[i], err = New(p, Options{}); err != nil {
			t.Fatal(err)
		}
		request(t, states[i])
	}
	if each := (resident(t) - before) / n; each > 400<<10 {
		t.Errorf("a waiting state takes %d bytes", each)
	}
	for _, s := range states {
		finish(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if left := resident(t) - before; left > 16<<20 {
		t.Errorf("%d bytes stay resident after closing", left)
	}
}

// Many goroutines make, run, strike and drop states while Go collects its garbage.
func TestStress(t *testing.T) {
	p := mustCompile(t, `local sys = ...
		local n = 0
		while true do
			local want = coroutine.wrap(function() return sys.request("next", n, {n}) end)()
			if want == "end" then return n end
			if want == "loop" then while true do pcall(function() while true do end end) end end
			n = n + #sys.json_encode({want, n})
		end`)
	stop := make(chan struct{})
	var background, workers sync.WaitGroup
	background.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	})
	for g := range 8 {
		workers.Go(func() {
			for i := range 40 {
				if err := stressOne(p, (g+i)%4 == 0); err != nil {
					t.Errorf("worker %d, round %d: %v", g, i, err)
					return
				}
			}
		})
	}
	workers.Wait()
	close(stop)
	background.Wait()
}

func stressOne(p *Program, loop bool) error {
	s, err := New(p, Options{Memory: 8 << 20, StepCPU: time.Minute})
	if err != nil {
		return err
	}
	defer s.Close()
	for i := range 50 {
		ev, err := s.Resume(value.Of(fmt.Sprint("step", i)))
		if err != nil || ev.Kind != Requested {
			return fmt.Errorf("step %d: %v, %w", i, ev.Kind, err)
		}
	}
	if !loop {
		ev, err := s.Resume(value.Of("end"))
		if err != nil || ev.Kind != Returned {
			return fmt.Errorf("end: %v, %w", ev.Kind, err)
		}
		return nil
	}
	struck := make(chan struct{})
	go func() {
		defer close(struck)
		s.Strike("stress")
	}()
	_, err = s.Resume(value.Of("loop"))
	<-struck
	if limit := (*LimitError)(nil); !errors.As(err, &limit) || limit.Limit != "stress" {
		return fmt.Errorf("struck: %w", err)
	}
	return nil
}

// The watchdog's goroutine is there while VMs run and gone with the last state.
func TestWatchdogStops(t *testing.T) {
	s, err := New(mustCompile(t, `local sys = ... sys.request()`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	request(t, s)
	if !watch.awake.Load() {
		t.Error("nobody watches")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	watch.mu.Lock()
	defer watch.mu.Unlock()
	if watch.open == 0 && watch.awake.Load() {
		t.Error("the watchdog outlives the last state")
	}
}

// A strike works even after somebody has taken all signals.
func TestStrikeWhenSignalsAreTaken(t *testing.T) {
	c := make(chan os.Signal, 16)
	signal.Notify(c)
	defer signal.Stop(c)
	s := open(t, `while true do end`, Options{})
	time.AfterFunc(10*time.Millisecond, func() { s.Strike("taken") })
	_, err := s.Resume(nil)
	if got := asLimit(t, err).Limit; got != "taken" {
		t.Errorf("limit %q", got)
	}
}

// FuzzLoad loads any source, as a program and by load. Whatever it is, the process lives.
func FuzzLoad(f *testing.F) {
	for _, s := range []string{"return 1", "x = = 1", "\x1bLua", "local a <close> = nil", "goto x ::x::", "return ('x'):rep(10, ',')",
		"return function(...) return ... end", strings.Repeat("(", 300), "a.b.c:d{1,2,[3]=4}", "--[==[ x ]==] return [[y]]", "#! x\nreturn 1",
		"local t = setmetatable({}, {__index = function() error('x') end}) return t.y", "return 0x1p4, 1e400, 3 // 0, '\\u{7FFFFFFF}'"} {
		f.Add(s)
	}
	outer := mustCompile(f, `local sys, text = ...
		local f, message = load(text, "=fuzz")
		local g = sys.load(text, "fuzz")
		if not f then return false, message end
		return true, pcall(coroutine.wrap(f))`)
	vm := stockVM(f)
	f.Fuzz(func(t *testing.T, source string) {
		stockSays, err := vm.Run(`local f, m = load((...), "=fuzz", "t") return f and "" or m`, source)
		if err != nil {
			t.Fatal(err)
		}
		s, err := New(outer, Options{Memory: 8 << 20, StepCPU: 50 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		ev, err := s.Resume(value.Of(source))
		_, compileErr := Compile("fuzz", []byte(source))
		if err != nil {
			var script *ScriptError
			var limit *LimitError
			if !errors.As(err, &script) && !errors.As(err, &limit) {
				t.Fatal(err)
			}
			return
		}
		vs := decode(t, ev.Values)
		if loaded := vs[0]; loaded != (compileErr == nil) {
			t.Errorf("load says %v, Compile %v", loaded, compileErr)
		}
		// How deep the parser may go depends on what calls it.
		if message, _ := vs[1].(string); vs[0] == false && message != stockSays && !strings.Contains(message+stockSays, "overflow") {
			t.Errorf("load says %q, stock Lua %q", message, stockSays)
		} else if vs[0] == true && stockSays != "" && !strings.Contains(stockSays, "overflow") {
			t.Errorf("load takes what stock Lua refuses: %s", stockSays)
		}
	})
}
