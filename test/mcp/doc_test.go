// Package mcp tests the alc program as MCP hosts use it: as a process, over stdio.
//
// testdata/transcripts.jsonl are recorded tool calls, replayed against the program in
// [TestTranscripts]; its format is told in transcript_test.go, and which of it is still open in
// open_test.go. hosts_test.go goes through two MCP clients of other makers.
package mcp

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// alc is the program under test, built once.
var alc string

// testVersion is the version it is built with.
const testVersion = "0.0.0-transcripts"

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "alc-build")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	alc = filepath.Join(dir, "alc")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "build", "-o", alc,
		"-ldflags", "-X github.com/algocline/algocline/internal/buildinfo.version="+testVersion,
		"github.com/algocline/algocline/cmd/alc")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building alc: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
