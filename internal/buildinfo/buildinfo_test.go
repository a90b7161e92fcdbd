package buildinfo

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
)

func TestCompose(t *testing.T) {
	t.Parallel()
	settings := func(kv ...string) *debug.BuildInfo {
		info := &debug.BuildInfo{}
		for i := 0; i < len(kv); i += 2 {
			info.Settings = append(info.Settings, debug.BuildSetting{Key: kv[i], Value: kv[i+1]})
		}
		return info
	}
	for _, c := range []struct {
		name string
		info *debug.BuildInfo
		want string
	}{
		{"nothing known", nil, "0.0.0-dev+abc"},
		{"no revision", settings("GOOS", "linux"), "0.0.0-dev+abc"},
		{"clean", settings("vcs.revision", "0123456789abcdef0123", "vcs.modified", "false"), "0.0.0-dev+0123456789ab.abc"},
		{"dirty", settings("vcs.revision", "0123456789abcdef0123", "vcs.modified", "true"), "0.0.0-dev+0123456789ab.dirty.abc"},
		{"short revision", settings("vcs.revision", "0123"), "0.0.0-dev+0123.abc"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := compose(c.info, "abc"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestVersionOfThisBinary(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^0\.0\.0-dev\+([0-9a-f]{12}\.)?(dirty\.)?[0-9a-f]{12}$`)
	if v := Version(); !form.MatchString(v) {
		t.Errorf("Version() = %q, want the form %s", v, form)
	}
}

// Two programs that differ in one constant must have different fingerprints, whether Go left a
// build id in them or not, and a copy must have the same.
func TestFingerprintTellsBuildsApart(t *testing.T) {
	t.Parallel()
	for _, mode := range []struct{ name, ldflags string }{
		{"build id", ""},
		{"no build id", "-buildid="},
	} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			one := build(t, mode.ldflags, `package main; func main() { println("one") }`)
			two := build(t, mode.ldflags, `package main; func main() { println("two") }`)
			if hasID := goBuildID(one) != ""; hasID != (mode.ldflags == "") {
				t.Errorf("build id found: %v", hasID)
			}
			if fingerprint(one) == fingerprint(two) {
				t.Errorf("both have the fingerprint %s", fingerprint(one))
			}
			p, err := os.ReadFile(one)
			if err != nil {
				t.Fatal(err)
			}
			same := filepath.Join(t.TempDir(), "copy")
			if err := os.WriteFile(same, p, 0o600); err != nil {
				t.Fatal(err)
			}
			if a, b := fingerprint(one), fingerprint(same); a != b {
				t.Errorf("a copy has the fingerprint %s, the program %s", b, a)
			}
		})
	}
}

func build(t *testing.T, ldflags, source string) string {
	t.Helper()
	dir := t.TempDir()
	src := filepath.Join(dir, "main.go")
	if err := os.WriteFile(src, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "prog")
	out, err := exec.Command("go", "build", "-ldflags", ldflags, "-o", exe, src).CombinedOutput()
	if err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	return exe
}

func TestFingerprintOfNoExecutable(t *testing.T) {
	t.Parallel()
	if got := fingerprint(filepath.Join(t.TempDir(), "absent")); got != "unknown" {
		t.Errorf("absent file: %q", got)
	}
}

func TestTextBuildID(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                      "",
		"junk":                                  "",
		"x\xff Go build ID: \"a/b\"\n \xffcode": "a/b",
		"x\xff Go build ID: \"a/b":              "",
	} {
		if got := textBuildID(strings.NewReader(in)); got != want {
			t.Errorf("textBuildID(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzNoteBuildID(f *testing.F) {
	good := binary.LittleEndian.AppendUint32(nil, 4)
	good = binary.LittleEndian.AppendUint32(good, 3)
	good = binary.LittleEndian.AppendUint32(good, elfGoNote)
	good = append(good, "Go\x00\x00a/b\x00"...)
	f.Add(good)
	f.Add(good[:13])
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\x04\x00\x00\x00Go\x00\x00"))
	f.Fuzz(func(t *testing.T, notes []byte) {
		id := noteBuildID(notes, binary.LittleEndian)
		if !strings.Contains(string(notes), id) {
			t.Errorf("%q is not in the notes", id)
		}
	})
}
