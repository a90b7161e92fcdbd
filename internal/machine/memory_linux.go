package machine

import (
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
)

// Memory returns how many bytes this process and its like may have together: the machine's
// memory, or less where a control group bounds it.
func Memory() (int64, error) {
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	total, err := memTotal(string(info))
	if err != nil {
		return 0, err
	}
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return total, nil // a kernel without control groups bounds nothing
	}
	return lowest(total, boundFiles("/sys/fs/cgroup", string(groups))), nil
}

// memTotal reads the machine's memory from the text of /proc/meminfo.
func memTotal(info string) (int64, error) {
	for line := range strings.Lines(info) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "MemTotal:" {
			kib, err := strconv.ParseInt(f[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/meminfo has no MemTotal")
}

// boundFiles lists the files that may bound a process whose /proc/self/cgroup is groups, in both
// versions of control groups: those of its own group and of every group above, of which a
// container may see only the last.
func boundFiles(root, groups string) []string {
	var files []string
	for line := range strings.Lines(groups) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		base, file := "", ""
		switch {
		case parts[1] == "":
			base, file = root, "memory.max"
		case strings.Contains(","+parts[1]+",", ",memory,"):
			base, file = path.Join(root, "memory"), "memory.limit_in_bytes"
		default:
			continue
		}
		for dir := path.Join("/", parts[2]); ; dir = path.Dir(dir) {
			files = append(files, path.Join(base, dir, file))
			if dir == "/" {
				break
			}
		}
	}
	return files
}

// lowest is the lowest of total and what the files say; those that are not there, or say "max",
// say nothing.
func lowest(total int64, files []string) int64 {
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 && n < total {
			total = n
		}
	}
	return total
}

// Resident returns how many bytes of memory this process has at the moment.
func Resident() (int64, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(text))
	if len(f) < 2 {
		return 0, fmt.Errorf("/proc/self/statm holds %q", text)
	}
	pages, err := strconv.ParseInt(f[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
