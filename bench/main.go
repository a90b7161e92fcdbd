// Command bench measures the figures that algocline holds itself to and prints a table with
// each figure beside its goal. Run it with "make bench", or with -run to measure a part:
//
//	go run ./bench -run 'vm|pool'
//
// With ALC_REFERENCE set to the original's binary, the same MCP work goes through both, turn by
// turn. It starts workers in temporary homes of its own and ends them.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"time"
)

type suite struct {
	name string
	run  func(*bench) error
}

var suites = []suite{
	{"vm", vmSuite}, {"compute", computeSuite}, {"library", librarySuite}, {"pool", poolSuite}, {"cold", coldSuite},
	{"many", manySuite}, {"replay", replaySuite}, {"mcp", mcpSuite},
}

// bench is one run: where it works and what it found.
type bench struct {
	ctx      context.Context
	dir      string // temporary
	binary   string // alc
	sessions int    // of the suite many
	table    table
}

func main() { os.Exit(run()) }

func run() int {
	only := flag.String("run", ".", "regular expression of the suites to run: vm, compute, library, pool, cold, many, replay, mcp")
	markdown := flag.Bool("markdown", false, "print the table in Markdown")
	binary := flag.String("alc", "", "the alc binary to measure; built when empty")
	many := flag.Int("sessions", 20_000, "how many sessions the suite many starts")
	flag.Parse()
	re, err := regexp.Compile(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: -run:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir, err := os.MkdirTemp("", "alcb")
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	b := &bench{ctx: ctx, dir: dir, binary: *binary, sessions: *many}
	if b.binary == "" {
		b.binary = filepath.Join(dir, "alc")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", b.binary, "github.com/algocline/algocline/cmd/alc").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "bench: building alc: %v\n%s", err, out)
			return 1
		}
	}
	for _, s := range suites {
		if !re.MatchString(s.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s …\n", s.name)
		if err := s.run(b); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", s.name, err)
			return 1
		}
	}
	fmt.Printf("%s, %s/%s, %d cores, %s\n\n", time.Now().Format("2006-01-02"), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	b.table.print(os.Stdout, *markdown)
	return 0
}
