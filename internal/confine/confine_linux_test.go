package confine

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain is a process that confines itself when the test binary was started as one.
func TestMain(m *testing.M) {
	if without := os.Getenv("CONFINE_TEST"); without != "" {
		if err := confined(without); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// confined confines this process, on a kernel without the call that has a name, and prints what
// came of it.
func confined(without string) error {
	missing := map[string]uint32{"landlock": unix.SYS_LANDLOCK_CREATE_RULESET, "seccomp": unix.SYS_SECCOMP}
	if call, ok := missing[without]; ok && strings.HasPrefix(os.Getenv(marker), "0:") {
		if err := errors.Join(
			unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
			install(filter(architectures[runtime.GOARCH], []uint32{call}, unix.ENOSYS)),
		); err != nil {
			return err
		}
	}
	r, err := Enter(Rules{Write: []string{os.Getenv("CONFINE_DIR"), "/not/there"}})
	if err == nil {
		err = r.Seal()
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// confinedReport runs such a process. Its environment has a marker that is not its own.
func confinedReport(t *testing.T, without string) Report {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "CONFINE_TEST="+without, "CONFINE_DIR="+t.TempDir(), marker+"=0:99:")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	return r
}

// needLandlock skips what this machine's kernel cannot show.
func needLandlock(t *testing.T, atLeast int) int {
	t.Helper()
	abi, err := ABI()
	if abi < atLeast {
		t.Skipf("needs Landlock %d, this kernel has %d: %v", atLeast, abi, err)
	}
	return abi
}

// A process confines itself in two stages, and a marker that it inherited does not keep it from it.
func TestEnter(t *testing.T) {
	abi, err := ABI()
	r := confinedReport(t, "nothing")
	if r.Landlock != abi || !r.NoNewPrivs || !r.Seccomp || (abi > 0) != (len(r.Missing) == 0) {
		t.Errorf("%+v; the kernel has %d, %v", r, abi, err)
	}
}

// What the kernel does not have is left out, and said.
func TestOldKernel(t *testing.T) {
	r := confinedReport(t, "landlock")
	if r.Landlock != 0 || !r.NoNewPrivs || !r.Seccomp || len(r.Missing) != 1 || !strings.Contains(r.Missing[0], "landlock: the kernel has no Landlock") {
		t.Errorf("without Landlock: %+v", r)
	}
	r = confinedReport(t, "seccomp")
	if !r.NoNewPrivs || r.Seccomp || len(r.Missing) == 0 || !strings.Contains(r.Missing[len(r.Missing)-1], "seccomp: the kernel has no filters") {
		t.Errorf("without seccomp: %+v", r)
	}
}

// restricted runs fn on a thread that ends with it, under rules that let it write to dir.
func restricted(t *testing.T, dir string, fn func() error) error {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		if err == nil {
			var unavailable error
			_, unavailable, err = restrict(Rules{Write: []string{dir}})
			err = errors.Join(err, unavailable)
		}
		if err == nil {
			err = fn()
		}
		done <- err
	}()
	return <-done
}

// Landlock alone, on one thread: what it forbids, and that other threads are as free as before,
// which is why a process has to be confined by its first thread.
func TestLandlockIsOfOneThread(t *testing.T) {
	needLandlock(t, 1)
	in, out := t.TempDir(), t.TempDir()
	write := func(dir string) error { return os.WriteFile(filepath.Join(dir, "f"), nil, 0o600) }
	if err := restricted(t, in, func() error { return write(in) }); err != nil {
		t.Errorf("writing where it may: %v", err)
	}
	if err := restricted(t, in, func() error { return write(out) }); !errors.Is(err, unix.EACCES) {
		t.Errorf("writing where it may not: %v", err)
	}
	if err := write(out); err != nil {
		t.Errorf("writing on another thread: %v", err)
	}
}

func TestLandlockClosesTCP(t *testing.T) {
	needLandlock(t, 4)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	local := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: ln.Addr().(*net.TCPAddr).Port}
	for name, try := range map[string]func(fd int) error{
		"connecting": func(fd int) error { return unix.Connect(fd, local) },
		"binding":    func(fd int) error { return unix.Bind(fd, &unix.SockaddrInet4{Addr: local.Addr}) },
	} {
		err := restricted(t, t.TempDir(), func() error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return try(fd)
		})
		if !errors.Is(err, unix.EACCES) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLandlockClosesAbstractSockets(t *testing.T) {
	needLandlock(t, 6)
	name := fmt.Sprintf("@confine-test-%d", os.Getpid())
	ln, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	err = restricted(t, t.TempDir(), func() error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Connect(fd, &unix.SockaddrUnix{Name: name})
	})
	if !errors.Is(err, unix.EPERM) {
		t.Errorf("connecting: %v", err)
	}
}

// Every version forbids what those before it do.
func TestRulesetGrows(t *testing.T) {
	t.Parallel()
	before := ruleset(1)
	for abi := 2; abi < 12; abi++ {
		r := ruleset(abi)
		if before.Handled_access_fs&^r.Handled_access_fs != 0 || before.Handled_access_net&^r.Handled_access_net != 0 || before.Scoped&^r.Scoped != 0 {
			t.Errorf("version %d forbids %+v, the one before %+v", abi, r, before)
		}
		before = r
	}
	if before.Handled_access_fs&(unix.LANDLOCK_ACCESS_FS_READ_FILE|unix.LANDLOCK_ACCESS_FS_READ_DIR) != 0 {
		t.Error("reading needs a rule")
	}
}
