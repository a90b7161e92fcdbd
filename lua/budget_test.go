package lua

import (
	"errors"
	"testing"
)

// withBudget leaves all states together so many bytes more than they hold now.
func withBudget(t *testing.T, more int64) {
	t.Helper()
	SetBudget(Held() + more)
	t.Cleanup(func() { SetBudget(0) })
}

// Whatever a script does with memory, the budget of the process ends it, under its own name and
// without harm to a neighbour; no memory is charged for what is gone.
func TestBudgetEndsBombs(t *testing.T) {
	for name, source := range bombs {
		t.Run(name, func(t *testing.T) {
			before := Held()
			neighbour := open(t, `local sys = ... local t = {} for i = 1, 1000 do t[i] = i end sys.request(1) return #t`, Options{})
			request(t, neighbour)
			withBudget(t, 8<<20)
			s := open(t, source, Options{})
			if _, err := s.Resume(nil); !errors.Is(err, ErrNoMemory) {
				t.Fatalf("%v, want ErrNoMemory", err)
			}
			if m := Held() - before; m > 10<<20 {
				t.Errorf("%d bytes are held with a budget of 8 MiB", m)
			}
			if _, err := s.Resume(nil); err != ErrDead {
				t.Errorf("resumed: %v, want ErrDead", err)
			}
			if got := finish(t, neighbour)[0]; got != int64(1000) {
				t.Errorf("the neighbour returned %v", got)
			}
			if err := errors.Join(s.Close(), neighbour.Close()); err != nil {
				t.Fatal(err)
			}
			if m := Held(); m != before {
				t.Errorf("%d bytes are held after all is closed, %d before", m, before)
			}
		})
	}
}

// A script that a collection would save is struck all the same: the collection would not happen
// in a replay, which has another budget.
func TestBudgetNeverChangesARun(t *testing.T) {
	const source = `local sys = ...
		collectgarbage("stop")
		local weak = setmetatable({}, {__mode = "v"})
		for i = 1, 400 do weak[i] = {("x"):rep(20000)} end
		local n = 0
		for _ in pairs(weak) do n = n + 1 end
		return n`
	if got := run(t, source)[0]; got != int64(400) {
		t.Fatalf("%v of 400 are left where there is memory", got)
	}
	withBudget(t, 2<<20)
	if _, err := open(t, source, Options{}).Resume(nil); !errors.Is(err, ErrNoMemory) {
		t.Errorf("%v, want ErrNoMemory", err)
	}
}

func TestBudgetRefusesNewStates(t *testing.T) {
	p := mustCompile(t, `return 1`)
	withBudget(t, 16<<10)
	if _, err := New(p, Options{}); !errors.Is(err, ErrNoMemory) {
		t.Errorf("New: %v, want ErrNoMemory", err)
	}
	if _, err := Compile("x", []byte(`return 1`)); !errors.Is(err, ErrNoMemory) {
		t.Errorf("Compile: %v, want ErrNoMemory", err)
	}
}
