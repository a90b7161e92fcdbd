package confine

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// marker names the variable by which the first stage tells the second, its own process after the
// exec, what it did: the pid, the version of Landlock, and why there is none. The pid keeps a marker
// that was inherited from being believed.
const marker = "ALC_POOL_CONFINED"

// Enter confines the process. It must be called before anything is open that does not survive an
// exec: the first call sets no-new-privs and Landlock on its thread, which executes the process's own
// program anew with the same arguments; the second call, in there, checks that they hold and
// returns. An error means that the process must not go on.
func Enter(r Rules) (*Report, error) {
	said, ok := os.LookupEnv(marker)
	if err := os.Unsetenv(marker); err != nil {
		return nil, err
	}
	own, rest, _ := strings.Cut(said, ":")
	if !ok || own != strconv.Itoa(os.Getpid()) {
		return nil, firstStage(r)
	}
	version, why, _ := strings.Cut(rest, ":")
	abi, err := strconv.Atoi(version)
	if err != nil {
		return nil, fmt.Errorf("%s is %q, which no first stage says", marker, said)
	}
	return secondStage(abi, why)
}

const ownProgram = "/proc/self/exe"

// firstStage returns only when it fails.
func firstStage(r Rules) error {
	// Never unlocked: the thread must not run anything else any more.
	runtime.LockOSThread()
	if err := errors.Join(forbidCore(), limitFiles()); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("setting no-new-privs: %w", err)
	}
	abi, unavailable, err := restrict(r)
	if err != nil {
		return err
	}
	why := ""
	if unavailable != nil {
		why = unavailable.Error()
	}
	env := append(os.Environ(), fmt.Sprintf("%s=%d:%d:%s", marker, os.Getpid(), abi, why))
	return fmt.Errorf("running %s again, confined: %w", ownProgram, syscall.Exec(ownProgram, os.Args, env))
}

// maxFiles bounds the descriptors of a worker, however many the system would let it have.
const maxFiles = 65536

// limitFiles gives a worker descriptors for its callers, within reason. Go has raised the number in
// force to what is allowed, and would lower it again for the program that is executed, if it were not set here.
func limitFiles() error {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return fmt.Errorf("asking for the limit of descriptors: %w", err)
	}
	files.Max = min(files.Max, maxFiles)
	files.Cur = files.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return fmt.Errorf("limiting descriptors: %w", err)
	}
	return nil
}

// secondStage checks what the first says.
func secondStage(abi int, why string) (*Report, error) {
	seen, err := Look(os.Getpid())
	if err != nil {
		return nil, err
	}
	if seen.NoNewPrivs != seen.All {
		return nil, fmt.Errorf("no-new-privs does not hold on %d of %d threads", seen.All-seen.NoNewPrivs, seen.All)
	}
	r := &Report{NoNewPrivs: true, Landlock: abi}
	if abi == 0 {
		r.Missing = append(r.Missing, "landlock: "+why)
		return r, nil
	}
	return r, tryWriting()
}

// forbiddenFile is one that every process may open for writing, unless Landlock forbids it. Opening
// it changes nothing.
const forbiddenFile = "/proc/self/comm"

func tryWriting() error {
	f, err := os.OpenFile(forbiddenFile, os.O_WRONLY, 0)
	if err == nil {
		return errors.Join(fmt.Errorf("landlock does not hold: %s could be opened for writing", forbiddenFile), f.Close())
	}
	if !errors.Is(err, unix.EACCES) {
		return fmt.Errorf("trying whether Landlock holds: %w", err)
	}
	return nil
}
