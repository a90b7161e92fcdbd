package machine

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMemory(t *testing.T) {
	n, err := Memory()
	if err != nil || n < 64<<20 {
		t.Errorf("%d, %v", n, err)
	}
}

// What is touched shows.
func TestResident(t *testing.T) {
	before, err := Resident()
	if err != nil {
		t.Fatal(err)
	}
	// Not Go's own memory: the race detector doubles that.
	b, err := syscall.Mmap(-1, 0, 64<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	after, err := Resident()
	if err != nil {
		t.Fatal(err)
	}
	if grown := after - before; grown < 60<<20 || grown > 80<<20 {
		t.Errorf("64 MiB show as %d bytes", grown)
	}
	if err := syscall.Munmap(b); err != nil {
		t.Error(err)
	}
}

func TestMemTotal(t *testing.T) {
	if n, err := memTotal("MemFree: 5 kB\nMemTotal:       16384 kB\n"); n != 16<<20 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := memTotal("nothing"); err == nil {
		t.Error("no error for a text without MemTotal")
	}
}

func TestBoundFiles(t *testing.T) {
	for _, c := range []struct {
		name, groups string
		want         []string
	}{
		{"version 2", "0::/a/b\n", []string{"/g/a/b/memory.max", "/g/a/memory.max", "/g/memory.max"}},
		{"version 1", "9:name=systemd:/x\n4:cpu,memory:/a\n", []string{"/g/memory/a/memory.limit_in_bytes", "/g/memory/memory.limit_in_bytes"}},
		{"none", "nonsense\n", nil},
	} {
		if d := cmp.Diff(c.want, boundFiles("/g", c.groups)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

func TestLowest(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for name, text := range map[string]string{"max": "max\n", "low": "4096\n", "high": "9223372036854771712\n", "zero": "0"} {
		f := filepath.Join(dir, name)
		if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	if n := lowest(1<<20, append(files, filepath.Join(dir, "absent"))); n != 4096 {
		t.Errorf("%d, want 4096", n)
	}
}
