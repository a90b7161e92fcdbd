package procid

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// lookUp reads /proc/PID/stat (proc_pid_stat(5)): the state is field 3, the start time field 22.
func lookUp(pid int) (start uint64, state State, err error) {
	p, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return 0, Running, ErrGone
	}
	if err != nil {
		return 0, Running, err
	}
	return parseStat(p)
}

func parseStat(p []byte) (start uint64, state State, err error) {
	// The second field is the program's name in parentheses and may hold anything.
	_, after, named := bytes.Cut(p[max(bytes.LastIndexByte(p, ')'), 0):], []byte(")"))
	if !named {
		return 0, Running, errors.New("its stat names no program")
	}
	fields := bytes.Fields(after)
	if len(fields) < 20 {
		return 0, Running, fmt.Errorf("its stat has %d fields", len(fields))
	}
	start, err = strconv.ParseUint(string(fields[19]), 10, 64)
	if err != nil {
		return 0, Running, fmt.Errorf("its stat has no start time: %w", err)
	}
	switch string(fields[0]) {
	case "T", "t":
		return start, Stopped, nil
	case "D":
		return start, Waiting, nil
	case "Z", "X":
		return start, Running, ErrGone
	}
	return start, Running, nil
}

// kill holds the process by a descriptor while it looks whether it is the right one.
func kill(id ID) (err error) {
	fd, err := unix.PidfdOpen(id.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return ErrGone
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	start, _, err := lookUp(id.PID)
	if err != nil {
		return err
	}
	if start != id.Start {
		return ErrGone
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); errors.Is(err, unix.ESRCH) {
		return ErrGone
	} else if err != nil {
		return err
	}
	return nil
}
