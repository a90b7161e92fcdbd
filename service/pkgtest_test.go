package service

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// collection makes a directory of two packages, the second with a spec that fails.
func collection(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"one/init.lua": "return 1", "one/spec/a_spec.lua": `lust.it("a", function() lust.expect(require("one")).to.equal(1) end)`,
		"two/init.lua": "return 2", "two/spec/b_spec.lua": `lust.it("b", function() lust.expect(require("one") + require("two")).to.equal(4) end)`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// One source is named in four ways, and a directory also as a file.
func TestTestPackage(t *testing.T) {
	s := testService(t, &fakePool{})
	dir := collection(t)
	one, spec := filepath.Join(dir, "one"), filepath.Join(dir, "two", "spec", "b_spec.lua")
	for name, tt := range map[string]struct {
		in             PackageTest
		passed, failed int
	}{
		"code":         {PackageTest{Code: ptr(`lust.it("x", function() end)`)}, 1, 0},
		"file":         {PackageTest{CodeFile: &spec, SearchPaths: []string{dir}}, 0, 1},
		"package":      {PackageTest{Dir: &one}, 1, 0},
		"collection":   {PackageTest{Dir: &dir}, 1, 1},
		"as a file":    {PackageTest{CodeFile: &dir}, 1, 1},
		"filter":       {PackageTest{CodeFile: &dir, Filter: "b"}, 0, 1},
		"in a project": {PackageTest{Pkg: ptr("two"), ProjectRoot: dir, SearchPaths: []string{dir}}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := s.TestPackage(t.Context(), tt.in)
			if err != nil || r.Passed != tt.passed || r.Failed != tt.failed {
				t.Errorf("%d passed, %d failed, %v", r.Passed, r.Failed, err)
			}
		})
	}
}

// Packages in the working directory are found last of all, unless nothing is to be found by itself.
func TestTestPackageWorkingDirectory(t *testing.T) {
	s := testService(t, &fakePool{})
	dir := collection(t)
	spec := filepath.Join(dir, "two", "spec", "b_spec.lua")
	t.Chdir(dir)
	for name, tt := range map[string]struct {
		in   PackageTest
		want string
	}{
		"a file":      {PackageTest{CodeFile: &spec}, "expected 4, got 3"},
		"a package":   {PackageTest{Pkg: ptr("two"), ProjectRoot: dir}, "expected 4, got 3"},
		"not by auto": {PackageTest{CodeFile: &spec, NoAuto: true}, "module 'one' not found"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := s.TestPackage(t.Context(), tt.in)
			if err != nil || r.Failed != 1 || !strings.Contains(*r.Files[0].Tests[0].Error, tt.want) {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

func TestTestPackageRefuses(t *testing.T) {
	s := testService(t, &fakePool{})
	empty := t.TempDir()
	for name, tt := range map[string]struct {
		in   PackageTest
		want string
	}{
		"nothing":   {PackageTest{}, "provide exactly one of pkg, code_file, code"},
		"two":       {PackageTest{Code: ptr(""), Pkg: ptr("x")}, "provide exactly one of pkg, code_file, code"},
		"no spec":   {PackageTest{CodeFile: &empty}, "no spec files"},
		"no file":   {PackageTest{CodeFile: ptr(filepath.Join(empty, "x.lua"))}, "no such file"},
		"no name":   {PackageTest{Pkg: ptr("nowhere")}, "package 'nowhere' not found"},
		"escape":    {PackageTest{Pkg: ptr("../x")}, "package '../x' not found"},
		"bad limit": {PackageTest{Code: ptr(""), Limits: map[string]any{"memory": "much"}}, "memory"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.TestPackage(t.Context(), tt.in)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v", err)
			}
		})
	}
	var read *ReadError
	if _, err := s.TestPackage(t.Context(), PackageTest{CodeFile: ptr(filepath.Join(empty, "x.lua"))}); !errors.As(err, &read) {
		t.Errorf("%v", err)
	}
}
