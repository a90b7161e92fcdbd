package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/algocline/algocline/strategy/pkgtest"
)

// PackageTest says which spec files to run. Exactly one of Pkg, CodeFile, Code and Dir is set.
type PackageTest struct {
	Pkg      *string // the name of a package of the project, of alc.local.toml, or an installed one
	CodeFile *string // path of one spec file, whatever its name; of a directory, it is as Dir
	Code     *string // the spec itself
	Dir      *string // path of a package, of a directory of spec files, or of a collection of packages

	SpecDir     string   // where a package keeps its spec files; "" is "spec"
	Filter      string   // a part of the spec files' names before "_spec.lua"; not for Code and CodeFile
	SearchPaths []string // directories that require looks in after all others
	ProjectRoot string
	NoAuto      bool           // require does not look for installed packages, those of the project, and in the working directory
	Limits      map[string]any // lower the limits of each spec file; as in RunInput
}

// TestReport is what became of the spec files, and where require looked by itself.
type TestReport struct {
	pkgtest.Report
	SearchPaths []SearchPath `json:"resolved_search_paths"`
	Warnings    []string     `json:"search_path_warnings,omitempty"`
}

// SearchPath is a package that require finds by itself.
type SearchPath struct {
	Name   string `json:"name"`
	Dir    string `json:"search_dir"` // the directory that holds the package's
	Source string `json:"source"`     // installed, alc.toml or alc.local.toml
}

const defaultSpecDir = "spec"

// TestPackage runs spec files in this process, without a session, a journal or a worker. Tests that
// fail are no error. It blocks until all have run.
//
// Errors: [*InputError] (nothing to run, or several things, no such package, no spec files, a bad
// limit), [*ReadError].
func (s *Service) TestPackage(ctx context.Context, in PackageTest) (TestReport, error) {
	given := 0
	for _, source := range []*string{in.Pkg, in.CodeFile, in.Code, in.Dir} {
		if source != nil {
			given++
		}
	}
	if given != 1 {
		return TestReport{}, &InputError{What: "provide exactly", Why: "one of pkg, code_file, code"}
	}
	if in.CodeFile != nil && isDir(*in.CodeFile) {
		in.Dir, in.CodeFile = in.CodeFile, nil
	}
	if in.SpecDir == "" {
		in.SpecDir = defaultSpecDir
	}
	found, err := s.searchFor(in)
	if err != nil {
		return TestReport{}, err
	}
	plan, err := found.plan(in)
	if err != nil {
		return TestReport{}, err
	}
	report, err := pkgtest.Run(ctx, plan)
	if err != nil {
		return TestReport{}, err
	}
	return TestReport{Report: report, SearchPaths: found.resolved, Warnings: found.warnings}, nil
}

// plan makes the plan of what in asks for, with what was found for require.
func (f *search) plan(in PackageTest) (pkgtest.Plan, error) {
	p := pkgtest.Plan{Limits: in.Limits}
	var err error
	switch {
	case in.Code != nil:
		p.Specs = []pkgtest.Spec{{Path: "@inline.lua", Name: "inline.lua", Source: []byte(*in.Code)}}
	case in.CodeFile != nil:
		err = planFile(&p, *in.CodeFile)
	case in.Pkg != nil:
		var dir string
		if dir, err = f.lookUp(*in.Pkg); err == nil {
			p.Specs, err = packageSpecs(*in.Pkg, dir, in.SpecDir, in)
		}
	default:
		err = planDir(&p, *in.Dir, in)
	}
	p.Packages = append(p.Packages, f.named...)
	p.Search = append(append(p.Search, f.dirs...), f.extra...)
	p.Modules = f.modules
	if root := f.root; root != "" {
		p.Read = append(p.Read, root)
	}
	return p, err
}

func isDir(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.IsDir()
}

func planFile(p *pkgtest.Plan, path string) error {
	spec, err := pkgtest.ReadSpec(path)
	if err != nil {
		return &ReadError{Path: path, Err: cause(err)}
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return &ReadError{Path: path, Err: err}
	}
	spec.Path, spec.Search = "@"+path, []string{filepath.Dir(abs)}
	p.Specs = []pkgtest.Spec{spec}
	return nil
}

// packageSpecs returns the spec files of a package, which find its modules without its name too.
// chunks is what comes before their names in messages.
func packageSpecs(name, dir, chunks string, in PackageTest) ([]pkgtest.Spec, error) {
	specs, err := pkgtest.Find(filepath.Join(dir, in.SpecDir), chunks, in.Filter)
	for i := range specs {
		specs[i].Packages = []pkgtest.Package{{Name: name, Dir: dir}}
		specs[i].Search = []string{dir}
	}
	return specs, specError(err)
}

func specError(err error) error {
	if errors.Is(err, pkgtest.ErrNoSpecs) {
		what, why, _ := strings.Cut(err.Error(), " found ")
		return &InputError{What: what, Why: "found " + why}
	}
	return err
}

// planDir adds the spec files of a directory: a package's, those that lie in it, or those of the
// packages of a collection. Its neighbours can be required.
func planDir(p *pkgtest.Plan, path string, in PackageTest) error {
	dir, err := filepath.Abs(path)
	if err != nil {
		return &ReadError{Path: path, Err: err}
	}
	if !isDir(dir) {
		return &InputError{What: "the directory " + path, Why: "does not exist"}
	}
	if isPackage(dir) {
		p.Search = []string{filepath.Dir(dir)}
		p.Specs, err = packageSpecs(filepath.Base(dir), dir, in.SpecDir, in)
		return err
	}
	p.Search = []string{dir}
	packages, err := packagesIn(dir)
	if err != nil {
		return err
	}
	var none *InputError
	for _, name := range packages {
		specs, err := packageSpecs(name, filepath.Join(dir, name), name+"/"+in.SpecDir, in)
		if err != nil && !errors.As(err, &none) {
			return err
		}
		p.Specs = append(p.Specs, specs...)
	}
	if len(p.Specs) > 0 {
		return nil
	}
	for _, sub := range []string{"", in.SpecDir} {
		if p.Specs, err = pkgtest.Find(filepath.Join(dir, sub), sub, in.Filter); err == nil {
			break
		}
	}
	return specError(err)
}

// RenderTests is a report as hosts know it.
func RenderTests(r TestReport) (json.RawMessage, error) {
	doc, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("writing the report of the tests: %w", err)
	}
	return doc, nil
}
