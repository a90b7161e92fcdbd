package safefile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := MkdirAll(dir); err != nil {
		t.Fatalf("a directory that exists: %v", err)
	}
	file := filepath.Join(dir, "f.json")
	// What a process that died has left behind.
	if err := os.WriteFile(filepath.Join(dir, ".f.json.tmp"), []byte("half of something long"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, write := range []func(string, []byte) error{Write, WriteAlone} {
		for _, text := range []string{"one", "", "three"} {
			if err := write(file, []byte(text)); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(file)
			if err != nil || string(got) != text {
				t.Errorf("writer %d: got %q, %v; want %q", i, got, err, text)
			}
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	for path, mode := range map[string]os.FileMode{file: 0o600, dir: 0o700} {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v; want mode %o", path, st.Mode(), err, mode)
		}
	}
}

func TestWriteFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "none", "f"), filepath.Join(dir, "taken")} {
		if Write(path, []byte("x")) == nil || WriteAlone(path, []byte("x")) == nil {
			t.Errorf("%s was written", path)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	for _, dir := range []string{"/dev/null", "/dev/null/x"} {
		if err := MkdirAll(dir); err == nil {
			t.Errorf("made directory %s", dir)
		}
	}
}
