//go:build !linux

package confine

import (
	"errors"
	"runtime"
)

// Enter forbids core files; the system offers no more.
func Enter(Rules) (*Report, error) {
	return &Report{Missing: []string{"landlock, seccomp and no-new-privs: " + runtime.GOOS + " has none of them"}}, forbidCore()
}

// Seal does nothing on this system.
func (r *Report) Seal() error { return nil }

// ABI is 0: this system has no Landlock.
func ABI() (int, error) { return 0, errors.ErrUnsupported }

// Look cannot look at threads on this system.
func Look(int) (Threads, error) { return Threads{}, errors.ErrUnsupported }
