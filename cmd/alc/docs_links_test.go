package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testLink is a test as the documents name it: its name, and the file that it is in.
var testLink = regexp.MustCompile(`\[(Test\w+|Fuzz\w+)\]\(([^)#]+_test\.go)\)`)

// Every test that the documents link to is there.
func TestLinkedTestsExist(t *testing.T) {
	t.Parallel()
	links := 0
	err := filepath.WalkDir("../../docs", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".md") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range testLink.FindAllStringSubmatch(string(text), -1) {
			links++
			code, err := os.ReadFile(filepath.Join(filepath.Dir(path), m[2]))
			if err != nil {
				t.Errorf("%s: %v", path, err)
			} else if !strings.Contains(string(code), "\nfunc "+m[1]+"(") {
				t.Errorf("%s: %s has no %s", path, m[2], m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if links == 0 {
		t.Error("no links were found; is the pattern right?")
	}
}

// Every promise of the sandbox names a test.
func TestPromisesAreTested(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/explanation/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	_, promised, ok := strings.Cut(string(text), "\n## What is promised\n")
	promised, _, end := strings.Cut(promised, "\n## What is not promised\n")
	if !ok || !end {
		t.Fatal("sandbox.md has other headings")
	}
	rows := 0
	for line := range strings.Lines(promised) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| promise") || strings.HasPrefix(line, "| ---") {
			continue
		}
		rows++
		if !testLink.MatchString(line) {
			t.Errorf("no test for: %s", line)
		}
	}
	if rows < 20 {
		t.Errorf("%d promises were found", rows)
	}
}
