package pool

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// startPatience is how long a worker may take to become ready.
	startPatience = 20 * time.Second
	// logLimit is the size in bytes from which the workers' log is put aside by the next start.
	logLimit = 1 << 20
	readyFD  = 3
)

// spawn starts a worker process that outlives this one: in a session of its own, with nothing
// inherited but the ready pipe, its standard error in the pool's log. It returns when the worker
// is ready. pid is set whenever a process was started; the caller reaps it.
func spawn(ctx context.Context, c Config, dir string, lone *Lone) (id identity, pid int, err error) {
	logPath := filepath.Join(dir, logName)
	log, err := openLog(logPath)
	if err != nil {
		return id, 0, err
	}
	defer log.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return id, 0, fmt.Errorf("starting a worker: %w", err)
	}
	defer r.Close()
	defer w.Close()
	cmd, err := c.command()
	if err != nil {
		return id, 0, err
	}
	if cmd.Env, err = lone.env(c.workerEnv()); err != nil {
		return id, 0, err
	}
	cmd.Dir = c.Home
	cmd.Stderr = log
	cmd.ExtraFiles = []*os.File{w} // becomes readyFD
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return id, 0, &StartError{err.Error(), logPath, err}
	}
	w.Close() // so that the worker's end is seen
	pid = cmd.Process.Pid
	cmd.Process.Release() // it is not waited for here: it lives on
	id, err = awaitReady(ctx, r, pid, logPath)
	return id, pid, err
}

// command runs a worker. Where the system allows, this process's own program is run from what
// is mapped, so that a file that was replaced by an upgrade changes nothing.
func (c Config) command() (*exec.Cmd, error) {
	if c.Exe != "" {
		exe, err := filepath.Abs(c.Exe)
		if err != nil {
			return nil, fmt.Errorf("finding the alc program to start a worker with: %w", err)
		}
		return exec.Command(exe, "pool-worker"), nil
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding the alc program to start a worker with: %w", err)
	}
	cmd := exec.Command(exe, "pool-worker")
	if _, err := os.Stat(mappedExe); err == nil {
		cmd.Path, cmd.Err = mappedExe, nil
	}
	return cmd, nil
}

// mappedExe exists on Linux.
const mappedExe = "/proc/self/exe"

func (c Config) workerEnv() []string {
	env := c.Env
	if env == nil {
		env = os.Environ()
	}
	env = append(env[:len(env):len(env)], ReadyEnv+"="+strconv.Itoa(readyFD), "ALC_HOME="+c.Home)
	if c.Durability != "" {
		env = append(env, "ALC_DURABILITY="+c.Durability)
	}
	return env
}

// awaitReady reads the worker's one line.
func awaitReady(ctx context.Context, r *os.File, pid int, logPath string) (identity, error) {
	deadline := time.Now().Add(startPatience)
	if err := r.SetReadDeadline(deadline); err != nil {
		return identity{}, fmt.Errorf("starting a worker: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { r.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	line, err := bufio.NewReader(r).ReadBytes('\n')
	var said readiness
	switch {
	case ctx.Err() != nil && err != nil:
		return identity{}, fmt.Errorf("waiting for worker %d to become ready: %w", pid, context.Cause(ctx))
	case errors.Is(err, os.ErrDeadlineExceeded):
		syscall.Kill(pid, syscall.SIGKILL) // our own child, not reaped yet: the pid is still its
		return identity{}, &StartError{fmt.Sprintf("not ready after %v", startPatience), logPath, err}
	case err != nil || json.Unmarshal(line, &said) != nil:
		return identity{}, &StartError{"it ended before it was ready" + lastLine(logPath), logPath, err}
	case !said.OK:
		return identity{}, &StartError{said.Error, logPath, nil}
	}
	id, ok := readIdentity(said.Lock)
	if !ok {
		return identity{}, &StartError{"it was gone again at once" + lastLine(logPath), logPath, io.EOF}
	}
	return id, nil
}

// openLog opens the workers' log, after putting one that has grown large aside.
func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > logLimit {
		if err := os.Rename(path, path+".1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("putting the workers' log aside: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the workers' log: %w", err)
	}
	return f, nil
}

// lastLine is what a worker that could not report wrote last, for the error's text.
func lastLine(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	const tail = 4 << 10
	if info, err := f.Stat(); err == nil && info.Size() > tail {
		f.Seek(-tail, io.SeekEnd)
	}
	text, _ := io.ReadAll(f)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return ": " + last
	}
	return ""
}
