package doctor

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/algocline/algocline/internal/confine"
	"github.com/algocline/algocline/pool"
)

func TestConfinementIsSeen(t *testing.T) {
	t.Parallel()
	self := os.Getpid()
	nothing := confine.Report{Missing: []string{"landlock: the kernel has no Landlock"}}
	gone := exec.Command("/bin/true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		kernel  kernel
		workers []pool.WorkerInfo
		want    expectation
	}{
		{"no worker", kernel{abi: 5}, nil, expectation{OK, "offers landlock ABI 5"}},
		{"no worker, no Landlock", kernel{why: errors.New("switched off")}, nil, expectation{Warn, "switched off"}},
		{"a worker without", kernel{}, []pool.WorkerInfo{{PID: self, Confinement: &nothing}}, expectation{Warn, "the kernel has no Landlock"}},
		{"an older worker", kernel{abi: 5}, []pool.WorkerInfo{{PID: self, Version: "0.9"}}, expectation{Warn, "version 0.9"}},
		{"one of two", kernel{abi: 5}, []pool.WorkerInfo{{PID: self, Confinement: &confine.Report{Landlock: 5}}, {PID: self, Confinement: &nothing}},
			expectation{Warn, "no Landlock"}},
		{"the lowest counts", kernel{abi: 5}, []pool.WorkerInfo{{PID: self, Confinement: &confine.Report{Landlock: 5}}, {PID: self, Confinement: &confine.Report{Landlock: 3}}},
			expectation{OK, "landlock ABI 3,"}},
		{"one that has left", kernel{abi: 5}, []pool.WorkerInfo{{PID: gone.Process.Pid, Confinement: &confine.Report{NoNewPrivs: true}}}, expectation{OK, "no worker is running"}},
	} {
		seen := sight{kernel: c.kernel}
		for _, w := range c.workers {
			if err := seen.look(w); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if f := seen.finding(); f.level != c.want.level || !strings.Contains(f.message+"\n"+f.advice, c.want.says) {
			t.Errorf("%s: %+v, want %+v", c.name, f, c.want)
		}
	}
}

// A worker is not believed: its threads are looked at.
func TestConfinementIsNotBelieved(t *testing.T) {
	t.Parallel()
	mine, err := confine.Look(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if mine.NoNewPrivs == mine.All {
		t.Skip("this test runs confined itself, so it cannot be a worker that lies")
	}
	var seen sight
	err = seen.look(pool.WorkerInfo{PID: os.Getpid(), Confinement: &confine.Report{NoNewPrivs: true}})
	if err == nil || !strings.Contains(err.Error(), "0 have no-new-privs") {
		t.Errorf("error %v", err)
	}
}
