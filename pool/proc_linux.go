package pool

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// processStart tells when a process was started, in a form that two processes with the same pid
// do not share within one boot.
func processStart(pid int) (string, error) {
	p, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", err
	}
	// The name, in parentheses, may hold anything; field 22 counts from before it.
	fields := bytes.Fields(p[bytes.LastIndexByte(p, ')')+1:])
	if len(fields) < 20 {
		return "", fmt.Errorf("/proc/%d/stat has an unknown form", pid)
	}
	return string(fields[19]), nil
}
