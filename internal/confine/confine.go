// Package confine takes from a process what it never needs, so that whoever takes the process over
// gains little.
//
// On Linux no-new-privs and Landlock belong to a thread, and what is set on one thread of a running
// program does not reach the others. [Enter] therefore sets them on one thread, which then executes
// the program anew: the new process begins as that thread, and every thread that it will ever have
// inherits them. [Report.Seal] comes later, when the sockets are open: it installs a seccomp filter,
// which the kernel itself puts on all threads at once.
//
// What the kernel does not offer is left out, and said: a [Report] tells what holds, found by
// trying, and why the rest does not. On other systems than Linux only the limits of resources hold.
package confine

import (
	"fmt"
	"syscall"
)

// Rules are what a confined process may still do.
type Rules struct {
	// Write are the directories below which it may make, change and remove files. One that
	// cannot be opened is passed over.
	Write []string
}

// Report is what holds for a confined process, as it found itself by trying.
type Report struct {
	NoNewPrivs bool     `json:"no_new_privs"`
	Landlock   int      `json:"landlock"` // the version of the kernel's interface, 0 is none
	Seccomp    bool     `json:"seccomp"`
	Missing    []string `json:"missing,omitempty"` // what does not hold, and why
}

// forbidCore keeps prompts and keys from being put on the disk in a core file. Limits, unlike the
// rest, belong to the process and not to a thread.
//
// Other limits do not fit a worker: memory is reserved by the terabyte and used by the megabyte, the
// journal may be large, and the number of processes is counted over all of a user's.
func forbidCore() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("forbidding core files: %w", err)
	}
	return nil
}
