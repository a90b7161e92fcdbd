package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/algocline/algocline/llm/terminal"
	"github.com/algocline/algocline/service"
	"github.com/algocline/algocline/strategy/pkgtest"
)

func newPkg(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "pkg",
		GroupID: groupAuthors,
		Short:   "Work on strategy packages",
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPkgTest(a))
	return cmd
}

type pkgTestFlags struct {
	code    string
	filter  string
	specDir string
	libs    []string
	limits  []string
	noAuto  bool
}

func newPkgTest(a *app) *cobra.Command {
	var f pkgTestFlags
	cmd := &cobra.Command{
		Use:   "test [PATH | NAME | -e CODE]",
		Short: "Run the spec files of a package",
		Long: `Runs tests written in Lua: the files spec/*_spec.lua of a package, which is given
by its directory or by its name; all packages of a directory; one file; or the
code after -e. Without an argument, what is in the working directory.

No model is asked. A spec gives the answers itself, with with_alc or alc.spy.
The exit code is 0 when all tests passed, and 1 when one failed.`,
		Example: `  alc pkg test ./vote
  alc pkg test vote --filter edge
  alc pkg test spec/vote_spec.lua --lib ..
  alc pkg test -e 'lust.it("adds", function() lust.expect(1 + 1).to.equal(2) end)'`,
		Args: atMost("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := packageTest(cmd, f, args)
			if err != nil {
				return &usageError{Err: err, Cmd: cmd.CommandPath()}
			}
			return a.withService(func(s *service.Service) error { return a.testPackage(cmd.Context(), s, in) })
		},
	}
	fl := cmd.Flags()
	fl.StringVarP(&f.code, "execute", "e", "", "run the tests in this Lua `CODE`")
	fl.StringVar(&f.filter, "filter", "", "only spec files with `TEXT` in their name before _spec.lua")
	fl.StringVar(&f.specDir, "spec-dir", "", "the package's directory `NAME` of spec files (default \"spec\")")
	fl.StringArrayVar(&f.libs, "lib", nil, "a directory `DIR` that require searches too")
	fl.BoolVar(&f.noAuto, "no-auto", false, "do not search installed packages, those of the project and the working directory")
	fl.StringArrayVar(&f.limits, "limit", nil, "lower a limit of each spec file, `NAME=VALUE`; see alc help limits")
	registerCompletions(cmd, map[string][]string{"limit": withSuffix(limitNames, "=")})
	return cmd
}

// packageTest puts together what the command line says to test. An argument is a path if there is
// such a file, else a name.
func packageTest(cmd *cobra.Command, f pkgTestFlags, args []string) (service.PackageTest, error) {
	in := service.PackageTest{Filter: f.filter, SpecDir: f.specDir, SearchPaths: f.libs, NoAuto: f.noAuto}
	var err error
	if in.Limits, err = parseLimits(f.limits); err != nil {
		return in, err
	}
	if cmd.Flags().Changed("execute") {
		if len(args) > 0 {
			return in, errors.New("give a PATH or -e CODE, not both")
		}
		in.Code = &f.code
		return in, nil
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	info, err := os.Stat(args[0])
	switch {
	case err == nil && info.IsDir():
		in.Dir = &args[0]
	case err == nil, strings.HasSuffix(args[0], ".lua"):
		in.CodeFile = &args[0]
	case errors.Is(err, fs.ErrNotExist):
		in.Pkg = &args[0]
	default:
		return in, fmt.Errorf("looking for the package: %w", err)
	}
	return in, nil
}

// testPackage runs the tests and tells what became of them.
func (a *app) testPackage(ctx context.Context, s *service.Service, in service.PackageTest) error {
	r, err := s.TestPackage(ctx, in)
	if err != nil {
		return err
	}
	if a.flags.json {
		doc, err := service.RenderTests(r)
		if err == nil {
			err = a.voice.raw(doc)
		}
		if err != nil {
			return err
		}
	} else if err := a.showTests(r); err != nil {
		return err
	}
	if r.Failed > 0 {
		return exitStatus(exitError)
	}
	return nil
}

// showTests lists the spec files, and under each the tests that failed.
func (a *app) showTests(r service.TestReport) error {
	for _, w := range r.Warnings {
		a.voice.note("%s %s", a.voice.errPaint.warn("warning:"), terminal.Printable(w))
	}
	var b strings.Builder
	for _, f := range r.Files {
		a.showSpec(&b, f)
	}
	verdict := a.voice.outPaint.good("passed")
	if r.Failed > 0 {
		verdict = a.voice.outPaint.bad("failed")
	}
	fmt.Fprintf(&b, "%s: %d of %s passed in %s, %d ms\n", verdict, r.Passed,
		counted(r.Total, "test"), counted(len(r.Files), "file"), r.DurationMS)
	return a.voice.print("%s", b.String())
}

// deeper is put before the lines of a failure.
const deeper = "      "

func (a *app) showSpec(b *strings.Builder, f pkgtest.File) {
	path := terminal.Printable(strings.TrimPrefix(f.Path, "@"))
	if f.Failed == 0 {
		fmt.Fprintf(b, "%s    %s  %s, %d ms\n", a.voice.outPaint.good("ok"), path, counted(f.Total, "test"), f.DurationMS)
		return
	}
	fmt.Fprintf(b, "%s  %s  %d of %s failed, %d ms\n", a.voice.outPaint.bad("FAIL"), path, f.Failed, counted(f.Total, "test"), f.DurationMS)
	for _, t := range f.Tests {
		if t.Passed {
			continue
		}
		title := t.Name
		if t.Suite != "" && t.Name != pkgtest.TopLevel {
			title = t.Suite + " > " + t.Name
		}
		fmt.Fprintf(b, "  %s\n", a.voice.outPaint.strong(terminal.Printable(title)))
		if t.Error != nil {
			b.WriteString(indent(*t.Error+"\n", deeper, deeper))
		}
		if t.Traceback != "" {
			b.WriteString(indent(t.Traceback+"\n", deeper, deeper))
		}
	}
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
