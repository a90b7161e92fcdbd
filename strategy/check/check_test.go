package check

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func lines(t *testing.T, name string, src []byte) string {
	t.Helper()
	found, err := Source(name, src)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range found {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

// Each testdata/NAME.lua leads to the findings in NAME.golden.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.lua")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := lines(t, filepath.Base(file), src)
			golden := strings.TrimSuffix(file, ".lua") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// The bundled strategies are clean.
func TestBundledStrategies(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../strategies/*/*.lua")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := lines(t, file, src); got != "" {
			t.Error(got)
		}
	}
}

func TestBinarySource(t *testing.T) {
	t.Parallel()
	got := lines(t, "x.lua", []byte("\x1bLua\x54\x00"))
	if !strings.HasPrefix(got, "x.lua:1: error: ") || !strings.HasSuffix(got, "[syntax]\n") {
		t.Errorf("got %s", got)
	}
}

// Whatever Lua reads, the lint reads too, and its findings lie within the source.
func FuzzSource(f *testing.F) {
	files, err := filepath.Glob("testdata/*.lua")
	if err != nil || len(files) == 0 {
		f.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Add([]byte("local a <const> = 0x.p1 goto e ::e:: return a//1, ~1, [==[\n]]]==], '\\z \\x41\\u{7FFFFFFF}'"))
	f.Add([]byte("f'x'{}:m[[y]] ; repeat local z until z return ..."))
	f.Fuzz(func(t *testing.T, src []byte) {
		found, err := Source("fuzz.lua", src)
		if err != nil {
			t.Fatal(err)
		}
		last := strings.Count(string(src), "\n") + 1 + strings.Count(string(src), "\r")
		for _, x := range found {
			if x.Rule == Unread {
				t.Errorf("Lua reads this and the lint does not: %v\n%q", x, src)
			}
			if x.Line < 1 || x.Line > last {
				t.Errorf("%v is not within %d lines", x, last)
			}
		}
	})
}
