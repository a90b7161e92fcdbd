package worker

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/algocline/algocline/engine"
)

// Nothing leads out of a granted directory.
func TestGrantedFiles(t *testing.T) {
	top := t.TempDir()
	dir, outside := filepath.Join(top, "granted"), filepath.Join(top, "outside")
	for _, d := range []string{dir, outside, filepath.Join(dir, "sub")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"granted/a": "A", "granted/sub/b": "B", "outside/secret": "S"} {
		if err := os.WriteFile(filepath.Join(top, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"file": "../outside/secret", "dir": "../outside", "abs": filepath.Join(outside, "secret"), "inside": "sub/b"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	h := &host{}
	g := engine.Grants{Read: []string{dir}, Write: []string{dir}}
	reads := []struct {
		path, want string
	}{
		{filepath.Join(dir, "a"), "A"},
		{"a", "A"},
		{"sub/../sub/b", "B"},
		{"inside", "B"},
		{filepath.Join(dir, "sub/../../outside/secret"), ""},
		{filepath.Join(outside, "secret"), ""},
		{"../outside/secret", ""},
		{"file", ""},
		{"dir/secret", ""},
		{"abs", ""},
		{"sub", ""},
		{"", ""},
		{dir + "-other/a", ""},
	}
	for _, tt := range reads {
		p, err := h.ReadFile(g, tt.path, 1<<20)
		if string(p) != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("reading %q: %q, %v", tt.path, p, err)
		}
	}
	for _, path := range []string{filepath.Join(outside, "new"), "../outside/new", "dir/new", "file", "abs", "sub"} {
		if err := h.WriteFile(g, path, []byte("X"), false); err == nil {
			t.Errorf("wrote %q", path)
		}
	}
	if err := h.RenameFile(g, "a", filepath.Join(outside, "a")); err == nil {
		t.Error("renamed out of the directory")
	}
	if err := h.RenameFile(g, filepath.Join(dir, "a"), filepath.Join(dir, "moved")); err != nil {
		t.Error(err)
	}
	if err := h.RemoveFile(g, "dir/secret"); err == nil {
		t.Error("removed a file outside")
	}
	if p, err := os.ReadFile(filepath.Join(outside, "secret")); string(p) != "S" {
		t.Errorf("the file outside holds %q, %v", p, err)
	}
	var ng *engine.NotGrantedError
	if _, err := h.ReadFile(engine.Grants{}, "a", 1); !errors.As(err, &ng) {
		t.Errorf("without a grant: %v", err)
	}
	if _, err := h.ReadFile(g, "inside", 0); err == nil {
		t.Error("read more than allowed")
	}
}

// A package's own directory may be a link; inside it nothing leads out, and names are no paths.
func TestPackagesAreClosed(t *testing.T) {
	top := t.TempDir()
	for _, dir := range []string{"packages/own", "elsewhere/linked", "outside"} {
		if err := os.MkdirAll(filepath.Join(top, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"packages/own/init.lua", "packages/own/part.lua", "elsewhere/linked/init.lua", "outside/secret.lua"} {
		if err := os.WriteFile(filepath.Join(top, name), []byte("return '"+name+"'"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"packages/linked": "../elsewhere/linked", "packages/own/out.lua": "../../outside/secret.lua",
		"packages/own/away": "../../outside", "packages/own/whole.lua": filepath.Join(top, "outside/secret.lua"), "packages/leaf.lua": "../outside/secret.lua",
	} {
		if err := os.Symlink(to, filepath.Join(top, link)); err != nil {
			t.Fatal(err)
		}
	}
	h := &host{s: &Sessions{c: SessionsConfig{PackagePaths: []string{filepath.Join(top, "packages")}}}}
	for name, found := range map[string]bool{
		"own": true, "own.part": true, "linked": true,
		"own.out": false, "own.away.secret": false, "own.whole": false, "leaf": false, "..outside.secret": false,
		"../outside/secret": false, filepath.Join(top, "outside/secret"): false, "own/part": false, "outside.secret": false,
	} {
		m, err := h.Module(t.Context(), name, nil)
		if found != (err == nil) || !found && !errors.Is(err, engine.ErrNoModule) {
			t.Errorf("%s: %q, %v", name, m.Source, err)
		}
	}
}

// A file of /proc says that it is empty, and may never end.
func TestFileOfNoSize(t *testing.T) {
	if _, err := os.Stat("/proc/self/smaps"); err != nil {
		t.Skip("there is no /proc here")
	}
	h, g := &host{}, engine.Grants{Read: []string{"/proc/self"}}
	if _, err := h.ReadFile(g, "smaps", 100); err == nil || !strings.Contains(err.Error(), "limit result_size") {
		t.Errorf("read more than allowed: %v", err)
	}
	if p, err := h.ReadFile(g, "comm", 100); err != nil || len(p) == 0 {
		t.Errorf("read %q, %v", p, err)
	}
}
