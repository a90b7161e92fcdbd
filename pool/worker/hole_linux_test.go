package worker_test

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A hole in a worker of this test binary: a signal makes it try, on many threads at once, what an
// attacker would who has taken the process over, and say what came of it.

// attempts is what the worker is to try, in the places that the test made.
type attempts struct {
	Home, Outside, Granted, Sink string
	TCP, Unix                    string // addresses that somebody listens on
	Front                        int    // a process that is not confined
}

// holeThreads is how many threads try everything.
const holeThreads = 8

const (
	holeVariable = "TEST_HOLE" // attempts in JSON
	holePipe     = "hole"      // in the home's state directory: where the outcome is written
)

func init() {
	openHole = func() {
		text := os.Getenv(holeVariable)
		if text == "" {
			return
		}
		var a attempts
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			panic(err)
		}
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, syscall.SIGUSR2)
		go func() {
			for range asked {
				a.report()
			}
		}()
	}
}

func (a attempts) report() {
	text, err := json.Marshal(a.everywhere())
	if err != nil {
		panic(err)
	}
	f, err := os.OpenFile(filepath.Join(a.Home, "state", holePipe), os.O_WRONLY, 0)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := f.Write(text); err != nil {
		panic(err)
	}
}

// everywhere returns the outcomes of each attempt, on all threads.
func (a attempts) everywhere() map[string][]string {
	out := map[string][]string{}
	var mu sync.Mutex
	var started, done sync.WaitGroup
	started.Add(holeThreads)
	for range holeThreads {
		done.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			started.Done()
			started.Wait() // so that each has a thread of its own
			mu.Lock()
			defer mu.Unlock()
			for name, try := range a.all() {
				out[name] = append(out[name], outcome(try()))
			}
		})
	}
	done.Wait()
	return out
}

func outcome(err error) string {
	var errno syscall.Errno
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	}
	return err.Error()
}

func (a attempts) all() map[string]func() error {
	all := map[string]func() error{
		"read a file outside":     func() error { _, err := os.ReadFile(a.outside("file")); return err },
		"read the front's memory": func() error { return readMemory(a.Front) },
		"signal the front":        func() error { return signalTo(a.Front) },
		"run a program":           func() error { return run("/bin/true") },
		"run a file in memory":    runMemory,
		"connect by TCP":          func() error { return connectTo("tcp", a.TCP) },
		"send by UDP":             func() error { return connectTo("udp", a.TCP) },
		"connect to a socket":     func() error { return connectTo("unix", a.Unix) },
		"listen":                  func() error { return listen("tcp", "127.0.0.1:0") },
		"listen on a socket":      func() error { return listen("unix", filepath.Join(a.Home, "state", "other.sock")) },
		"open an io_uring":        ioUring,
		"control a device":        controlDevice,
		"have core files":         coreFiles,
		"change the settings":     func() error { return create(filepath.Join(a.Home, "config.toml")) },
		"plant a package":         func() error { return os.MkdirAll(filepath.Join(a.Home, "packages", "p"), 0o700) },
		"follow a link outside":   a.throughLink,
	}
	for name, try := range map[string]func() error{
		"make a file outside":      func() error { return create(a.outside("new")) },
		"overwrite a file outside": func() error { return open(a.outside("file"), os.O_WRONLY) },
		"append to a file outside": func() error { return open(a.outside("file"), os.O_WRONLY|os.O_APPEND) },
		"truncate a file outside":  func() error { return os.Truncate(a.outside("file"), 0) },
		"remove a file outside":    func() error { return os.Remove(a.outside("file")) },
		"remove a directory":       func() error { return os.Remove(a.outside("dir")) },
		"make a directory outside": func() error { return os.Mkdir(a.outside("newdir"), 0o700) },
		"rename outside":           func() error { return os.Rename(a.outside("file"), a.outside("other")) },
		"move a file in":           func() error { return os.Rename(a.outside("file"), filepath.Join(a.Home, "state", "moved")) },
		"move a file out":          a.moveOut,
		"link a file in":           func() error { return os.Link(a.outside("file"), filepath.Join(a.Home, "state", "linked")) },
		"make a link outside":      func() error { return os.Symlink("file", a.outside("link")) },
		"make a pipe outside":      func() error { return syscall.Mkfifo(a.outside("pipe"), 0o600) },
		"make a device":            func() error { return syscall.Mknod(a.outside("null"), syscall.S_IFCHR|0o600, 1<<8|3) },
		"make a device in the home": func() error {
			return syscall.Mknod(filepath.Join(a.Home, "state", "null"), syscall.S_IFCHR|0o600, 1<<8|3)
		},
	} {
		all[name] = try
	}
	for name, dir := range map[string]string{
		"state": filepath.Join(a.Home, "state"), "journal": filepath.Join(a.Home, "journal"), "cards": filepath.Join(a.Home, "cards"),
		"granted directory": a.Granted, "sink": a.Sink,
	} {
		all["work in the "+name] = func() error { return work(dir) }
	}
	return all
}

func (a attempts) outside(name string) string { return filepath.Join(a.Outside, name) }

// throughLink writes outside through a link that lies where writing is allowed.
func (a attempts) throughLink() error {
	link := filepath.Join(a.Home, "state", "link")
	if err := os.Symlink(a.outside("file"), link); err != nil {
		return err
	}
	return errors.Join(open(link, os.O_WRONLY), os.Remove(link))
}

func (a attempts) moveOut() error {
	from := filepath.Join(a.Home, "state", "mine")
	if err := create(from); err != nil {
		return err
	}
	return errors.Join(os.Rename(from, a.outside("mine")), os.Remove(from))
}

// work does what a worker does with files.
func work(dir string) error {
	if dir == "" {
		return errors.New("none")
	}
	sub := filepath.Join(dir, "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		return err
	}
	from, to := filepath.Join(sub, "a"), filepath.Join(dir, "b")
	return errors.Join(create(from), os.Rename(from, to), os.Truncate(to, 0), os.Remove(to), os.Remove(sub))
}

func create(path string) error { return os.WriteFile(path, []byte("x"), 0o600) }

func open(path string, flags int) error {
	f, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

func connectTo(network, address string) error {
	conn, err := net.Dial(network, address)
	if err != nil {
		return err
	}
	return conn.Close()
}

func listen(network, address string) error {
	ln, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	return ln.Close()
}

func runMemory() error {
	fd, err := unix.MemfdCreate("program", 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	program, err := os.ReadFile("/bin/true")
	if err != nil {
		return err
	}
	if _, err := unix.Write(fd, program); err != nil {
		return err
	}
	return run(filepath.Join("/proc/self/fd", itoa(fd)))
}

func run(program string) error {
	pid, err := syscall.ForkExec(program, []string{program}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
	if err != nil {
		return err
	}
	_, err = syscall.Wait4(pid, nil, 0, nil)
	return err
}

// signalTo sends nothing, as a worker would end another one that is stuck in a commit.
func signalTo(pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.PidfdSendSignal(fd, 0, nil, 0)
}

// readMemory asks for one byte at an address that no process has.
func readMemory(pid int) error {
	var b [1]byte
	local := []unix.Iovec{{Base: &b[0], Len: 1}}
	_, err := unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: 1, Len: 1}}, 0)
	return err
}

func ioUring() error {
	var params [120]byte
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, pointer(&params), 0)
	if errno != 0 {
		return errno
	}
	return unix.Close(int(fd))
}

func controlDevice() error {
	f, err := os.Open("/dev/null")
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err
}

// coreFiles is an error when they are forbidden, and the number of descriptors is bounded.
func coreFiles() error {
	var core, files unix.Rlimit
	if err := errors.Join(unix.Getrlimit(unix.RLIMIT_CORE, &core), unix.Getrlimit(unix.RLIMIT_NOFILE, &files)); err != nil {
		return err
	}
	if core.Max == 0 && files.Max <= 65536 && files.Cur == files.Max {
		return errors.New("limited")
	}
	return nil
}
