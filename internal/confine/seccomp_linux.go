package confine

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sealed are the system calls that a process does without once its sockets are open: running a
// program, opening another socket, reaching out, and a door that leads around filters.
var sealed = []uint32{unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_SOCKET, unix.SYS_CONNECT, unix.SYS_IO_URING_SETUP}

// architectures are the names that the kernel has for ours.
var architectures = map[string]uint32{
	"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64, "riscv64": unix.AUDIT_ARCH_RISCV64,
	"ppc64le": unix.AUDIT_ARCH_PPC64LE, "s390x": unix.AUDIT_ARCH_S390X, "loong64": unix.AUDIT_ARCH_LOONGARCH64,
}

// Where the filter finds the number of a call and the architecture (struct seccomp_data).
const (
	numberAt       = 0
	architectureAt = 4
	// foreign is the bit in the number of a call that x86-64 takes in its x32 form.
	foreign = 0x40000000
)

// filter refuses some calls, and every call in the form of another architecture.
func filter(arch uint32, calls []uint32, with syscall.Errno) []unix.SockFilter {
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	answer := func(with uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: with} }
	refuse := unix.SECCOMP_RET_ERRNO | uint32(with)
	p := []unix.SockFilter{
		load(architectureAt),
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: arch, Jt: 1},
		answer(refuse),
		load(numberAt),
		{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: foreign, Jf: 1},
		answer(refuse),
	}
	for _, call := range calls {
		p = append(p, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jf: 1}, answer(refuse))
	}
	return append(p, answer(unix.SECCOMP_RET_ALLOW))
}

// Seal ends, for ever and on every thread, the running of programs and the opening of sockets. What
// is open stays usable. Where the kernel has no such filters the report says so; an error means that
// the process must not go on.
func (r *Report) Seal() error {
	arch, known := architectures[runtime.GOARCH]
	if !known {
		r.Missing = append(r.Missing, "seccomp: there is no filter for "+runtime.GOARCH)
		return nil
	}
	err := install(filter(arch, sealed, unix.EPERM))
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
		r.Missing = append(r.Missing, fmt.Sprintf("seccomp: the kernel has no filters: %v", err))
		return nil
	}
	if err != nil {
		return err
	}
	r.Seccomp = true
	return trySealed()
}

// flags put a filter on every thread, and keep kernels before 5.16 from slowing such threads down: what the
// filter is against has the whole process already, so that nobody's memory is hidden from it there.
const flags = unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW

// install puts a filter on every thread.
func install(p []unix.SockFilter) error {
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	tid, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("installing the seccomp filter: %w", errno)
	}
	if tid != 0 {
		return fmt.Errorf("installing the seccomp filter: thread %d does not take it", tid)
	}
	return nil
}

// trySealed makes two forbidden calls, with arguments that come to nothing if they are allowed.
func trySealed() error {
	if _, _, errno := unix.Syscall(unix.SYS_EXECVE, 0, 0, 0); errno != unix.EPERM {
		return fmt.Errorf("seccomp does not hold: running a program was answered with %w", errno)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		return errors.Join(errors.New("seccomp does not hold: a socket could be opened"), unix.Close(fd))
	}
	if err != unix.EPERM {
		return fmt.Errorf("trying whether seccomp holds: %w", err)
	}
	return nil
}
