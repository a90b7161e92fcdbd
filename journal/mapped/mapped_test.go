package mapped_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/algocline/algocline/journal/mapped"
	"golang.org/x/sys/unix"
)

const size = 24

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// A file that is too short, by nature or by hand, keeps what it has and gets the rest written.
func TestShortFile(t *testing.T) {
	for _, had := range []string{"", "abc", "what is longer than the mapping"} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(had), 0o600); err != nil {
			t.Fatal(err)
		}
		mem, err := mapped.Map(open(t, path), size)
		if err != nil {
			t.Fatal(err)
		}
		mem[size-1] = 'z'
		if err := unix.Munmap(mem); err != nil {
			t.Error(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want := make([]byte, max(size, len(had)))
		copy(want, had)
		want[size-1] = 'z'
		if string(got) != string(want) {
			t.Errorf("a file of %q became %q, want %q", had, got, want)
		}
	}
}

// Somebody who found the file short just before another filled it takes nothing back.
func TestAppendsBesideAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	late := open(t, path)
	mem, err := mapped.Map(open(t, path), size)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mem)
	mem[0] = 'a'
	if _, err := late.Write(make([]byte, size)); err != nil { // what Map does after a stale look
		t.Fatal(err)
	}
	again, err := mapped.Map(late, size)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(again)
	if again[0] != 'a' {
		t.Error("what was stored is gone")
	}
}
