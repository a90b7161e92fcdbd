package pkgtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/algocline/algocline/engine"
)

// Package is a package that require finds by its exact name, whatever its directory is called.
type Package struct {
	Name string `json:"name"`
	Dir  string `json:"dir"` // absolute
}

// Plan says what to run and what it may see. Only Specs is required.
type Plan struct {
	Specs    []Spec
	Packages []Package // found by name before Search
	Search   []string  // absolute directories that require looks in, in this order
	Modules  []string  // absolute directories that require looks in after Search; only modules can be read there
	Read     []string  // further absolute directories that specs may read files from
	// Limits lower the usual limits of a session, for each file: numbers, or texts such as "5s".
	Limits map[string]any
}

// Run runs the spec files of a plan, several at a time, each in a VM of its own. A spec that fails is
// no error: it is in the report. Errors are a bad limit, trouble of this machine, or ctx's. Run blocks
// until all files are through; it may be called by several goroutines at once.
func Run(ctx context.Context, p Plan) (Report, error) {
	begun := time.Now()
	limits, err := engine.DefaultLimits().Lower(p.Limits)
	if err != nil {
		return Report{}, err
	}
	vms, err := engine.NewVMs(0, "")
	if err != nil {
		return Report{}, fmt.Errorf("preparing the test VMs: %w", err)
	}
	tmp, err := os.MkdirTemp("", "alc-pkg-test-")
	if err != nil {
		return Report{}, errors.Join(fmt.Errorf("making a directory for the specs: %w", err), vms.Close())
	}
	r := runner{p, limits, vms, tmp}
	files, err := r.all(ctx)
	if err = errors.Join(err, vms.Close(), os.RemoveAll(tmp)); err != nil {
		return Report{}, err
	}
	report := Report{Files: make([]File, 0, len(files))}
	for _, f := range files {
		report.add(f)
	}
	report.DurationMS = time.Since(begun).Milliseconds()
	return report, nil
}

// runner is one run of a plan.
type runner struct {
	Plan
	limits engine.Limits
	vms    *engine.VMs
	tmp    string // holds a directory for each file
}

// all runs the files, as many at a time as there are cores.
func (r *runner) all(ctx context.Context) ([]File, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	files := make([]File, len(r.Specs))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(r.Specs)) {
		wg.Go(func() {
			for i := range next {
				f, err := r.file(ctx, r.Specs[i], filepath.Join(r.tmp, fmt.Sprint(i)))
				if err != nil {
					cancel(fmt.Errorf("running %s: %w", r.Specs[i].Path, err))
					continue
				}
				files[i] = f
			}
		})
	}
feeding:
	for i := range r.Specs {
		select {
		case next <- i:
		case <-ctx.Done():
			break feeding
		}
	}
	close(next)
	wg.Wait()
	return files, context.Cause(ctx)
}

// file runs one spec file.
func (r *runner) file(ctx context.Context, spec Spec, tmp string) (File, error) {
	begun := time.Now()
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return File{}, err
	}
	h, err := newHost(tmp, r.readable(spec), r.Modules)
	if err != nil {
		return File{}, err
	}
	st, err := r.start(spec, h)
	if err != nil {
		return File{}, err
	}
	s, err := engine.Begin(ctx, h, r.vms, st)
	if err != nil {
		return File{}, err
	}
	f := File{Path: spec.Path, Tests: tests(spec, s)}
	f.count()
	f.DurationMS = time.Since(begun).Milliseconds()
	return f, s.Close()
}

// readable returns the directories that a spec may read from.
func (p *Plan) readable(spec Spec) []string {
	var dirs []string
	for _, pkg := range slices.Concat(spec.Packages, p.Packages) {
		dirs = append(dirs, pkg.Dir)
	}
	return slices.Concat(dirs, spec.Search, p.Search, p.Read)
}

// start is the session that runs a spec file. The file is data to the script, so that the numbers of
// its lines are its own.
func (r *runner) start(spec Spec, h *host) (engine.Start, error) {
	code, err := sandboxCode()
	if err != nil {
		return engine.Start{}, err
	}
	input, err := json.Marshal(struct {
		Source   string    `json:"source"`
		Name     string    `json:"name"`
		Tmp      string    `json:"tmp"`
		Search   []string  `json:"search,omitempty"`
		Packages []Package `json:"packages,omitempty"`
	}{string(spec.Source), spec.Name, h.tmp, slices.Concat(spec.Search, r.Search, r.Modules), slices.Concat(spec.Packages, r.Packages)})
	if err != nil {
		return engine.Start{}, err
	}
	return engine.Start{
		SID: "pkg-test", Code: code, Name: sandboxName, Ctx: input, Limits: r.limits, RunCards: true,
		Grants: engine.Grants{Read: slices.Concat(h.readable, h.modules), Write: []string{h.tmp}, Env: []string{workingDirectory}},
		Dirs: engine.Dirs{
			State: filepath.Join(h.tmp, "state"), Cards: filepath.Join(h.tmp, "cards"), Scenarios: filepath.Join(h.tmp, "scenarios"),
		},
	}, nil
}

// outcome is what the sandbox returns.
type outcome struct {
	Tests []struct {
		Suite     string `json:"suite"`
		Name      string `json:"name"`
		Passed    bool   `json:"passed"`
		Error     string `json:"error"`
		Traceback string `json:"traceback"`
	} `json:"tests"`
	Top       string `json:"top"` // why the file could not be run to its end
	Traceback string `json:"traceback"`
}

// tests returns what became of the tests of a spec file whose session has ended.
func tests(spec Spec, s *engine.Session) []Test {
	o := s.Outcome()
	switch {
	case o.Kind == engine.OutcomePaused:
		return top(spec, "the spec asked a model, past the stubs of alc.llm", "")
	case o.Failure != nil:
		text := o.Failure.Message
		if p := s.Info().Progress; p != nil && p.Message != nil && o.Failure.Code == "limit_exceeded" {
			text += "; the test that ran was: " + *p.Message
		}
		return top(spec, text, "")
	}
	var out outcome
	if err := json.Unmarshal(o.Output, &out); err != nil {
		return top(spec, "the sandbox returned no results: "+err.Error(), "")
	}
	if out.Top != "" {
		return top(spec, out.Top, out.Traceback)
	}
	list := make([]Test, 0, len(out.Tests))
	for _, t := range out.Tests {
		n := Test{Suite: t.Suite, Name: t.Name, Passed: t.Passed}
		if !t.Passed {
			n.Error, n.Traceback = &t.Error, elsewhere(spec, t.Error, t.Traceback)
		}
		list = append(list, n)
	}
	return list
}

// elsewhere returns the traceback of an error that does not already name a line of the spec file.
func elsewhere(spec Spec, text, traceback string) string {
	if strings.HasPrefix(text, spec.Name+":") {
		return ""
	}
	return traceback
}

func top(spec Spec, text, traceback string) []Test {
	suite := spec.Path
	if !strings.HasPrefix(suite, "@") {
		suite = "@" + suite
	}
	return []Test{{Suite: suite, Name: TopLevel, Error: &text, Traceback: elsewhere(spec, text, traceback)}}
}
