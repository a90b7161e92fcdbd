package confine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// filtered is the mode of a thread with a seccomp filter in its status.
const filtered = "2"

// Look asks the kernel about every thread of a process.
func Look(pid int) (Threads, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid), "task")
	tids, err := os.ReadDir(dir)
	if err != nil {
		return Threads{}, fmt.Errorf("looking at the threads of process %d: %w", pid, err)
	}
	var seen Threads
	for _, tid := range tids {
		status, err := os.ReadFile(filepath.Join(dir, tid.Name(), "status"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it has ended meanwhile
		}
		if err != nil {
			return Threads{}, fmt.Errorf("looking at the threads of process %d: %w", pid, err)
		}
		seen.add(string(status))
	}
	if seen.All == 0 {
		return seen, fmt.Errorf("looking at the threads of process %d: %w", pid, os.ErrProcessDone)
	}
	return seen, nil
}

func (t *Threads) add(status string) {
	t.All++
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); {
		case name == "NoNewPrivs" && value == "1":
			t.NoNewPrivs++
		case name == "Seccomp" && value == filtered:
			t.Seccomp++
		}
	}
}
