package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/algocline/algocline/internal/confine"
	"github.com/algocline/algocline/pool"
)

// confinement looks at every thread of every worker, and asks the workers what they found when they
// tried to get out.
func (x *examination) confinement(ctx context.Context) finding {
	if runtime.GOOS != "linux" {
		return ok("%s has nothing that confines a process: scripts are bounded by their VM alone", runtime.GOOS)
	}
	report, err := x.Service.PoolStatus(ctx, nil)
	if err != nil {
		return warn("", "cannot tell: %v", err)
	}
	seen := sight{kernel: offered()}
	for _, w := range report.Workers {
		if err := seen.look(w); err != nil {
			return fail("alc pool stop ends the workers; tell us of it, with this text", "worker %d: %v", w.PID, err)
		}
	}
	return seen.finding()
}

// kernel is what the kernel of this machine offers.
type kernel struct {
	abi int
	why error // why there is no Landlock
}

func offered() kernel {
	abi, err := confine.ABI()
	return kernel{abi, err}
}

// sight is what was seen of the workers.
type sight struct {
	kernel  kernel
	workers int
	threads int
	oldest  int      // the lowest version of Landlock among them
	lacking []string // what does not hold, by worker
}

// look adds a worker. An error is a thread that is not as its worker says.
func (s *sight) look(w pool.WorkerInfo) error {
	if w.Confinement == nil {
		s.lacking = append(s.lacking, fmt.Sprintf("worker %d (version %s) is not confined", w.PID, w.Version))
		return nil
	}
	t, err := confine.Look(w.PID)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrProcessDone) {
		return nil // it has left meanwhile
	}
	if err != nil {
		return err
	}
	if w.Confinement.NoNewPrivs && t.NoNewPrivs < t.All || w.Confinement.Seccomp && t.Seccomp < t.All {
		return fmt.Errorf("of its %d threads %d have no-new-privs and %d a seccomp filter, although it says that all have", t.All, t.NoNewPrivs, t.Seccomp)
	}
	if s.workers == 0 || w.Confinement.Landlock < s.oldest {
		s.oldest = w.Confinement.Landlock
	}
	s.workers++
	s.threads += t.All
	for _, m := range w.Confinement.Missing {
		s.lacking = append(s.lacking, fmt.Sprintf("worker %d: %s", w.PID, m))
	}
	return nil
}

func (s *sight) finding() finding {
	const advice = "a kernel of 5.13 or newer with landlock in its boot parameter lsm confines them; until then the VM alone bounds scripts. alc pool stop makes way for new workers"
	switch {
	case len(s.lacking) > 0:
		return warn(advice, "%s", strings.Join(s.lacking, "; "))
	case s.workers == 0 && s.kernel.abi == 0:
		return warn(advice, "%v", s.kernel.why)
	case s.workers == 0:
		return ok("the kernel offers landlock ABI %d; no worker is running that could be looked at", s.kernel.abi)
	}
	return ok("landlock ABI %d, seccomp and no-new-privs hold on all %d threads of %d: workers write below their own directories and granted ones alone, run no program and open no connection",
		s.oldest, s.threads, s.workers)
}
