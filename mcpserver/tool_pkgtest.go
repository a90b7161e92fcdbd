package mcpserver

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/algocline/algocline/service"
)

const pkgTestDescription = `Run the spec files (Lua tests) of a strategy package, one spec file, or tests given as code.

Give exactly one of pkg, code_file and code. Each spec file runs in a VM of its own with all of alc.*; state and cards begin empty and are thrown away. No model is asked: alc.llm, alc.llm_batch and alc.fork must be replaced by the spec, with with_alc({llm = function(prompt) return "..." end}, function() ... end), alc_mock.install or alc.spy. Tests are written with the global lust: lust.describe, lust.it, lust.expect.

The answer counts passed, failed and total, and lists each test under "spec_files"; "error" of a failed one has file, line, what was expected and what came. Tests that fail are an ordinary answer, not an error.`

const pkgTestSchema = `{
  "type": "object",
  "properties": {
    "pkg": {"type": "string", "description": "Name of a package: in project_root, in alc.local.toml, or installed. Its files spec/*_spec.lua are run."},
    "code_file": {"type": "string", "description": "Path of one Lua spec file, or of a directory: a package, a directory of spec files, or a collection of packages."},
    "code": {"type": "string", "description": "Lua source of a spec."},
    "spec_dir": {"type": "string", "description": "With pkg or a directory: the package's directory of spec files, \"spec\" by default."},
    "filter": {"type": "string", "description": "With pkg or a directory: run only spec files whose name, without _spec.lua, contains this."},
    "search_paths": {"type": "array", "items": {"type": "string"}, "description": "Directories in which require looks after those of the packages; the working directory comes last."},
    "project_root": {"type": "string", "description": "Directory of the project, with alc.toml or alc.local.toml."},
    "auto_search_paths": {"type": "boolean", "description": "false: require does not find installed packages, those of the project and those in the working directory."}
  }
}`

func (s *Server) pkgTestTool() tool {
	return tool{mcp.Tool{
		Name:        "alc_pkg_test",
		Title:       "Test a strategy package",
		Description: pkgTestDescription,
		InputSchema: json.RawMessage(pkgTestSchema),
		Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true, OpenWorldHint: ptr(false)},
	}, s.pkgTest}
}

func (s *Server) pkgTest(ctx context.Context, a arguments) (json.RawMessage, error) {
	in, err := packageTest(a)
	if err != nil {
		return nil, err
	}
	r, err := s.svc.TestPackage(ctx, in)
	if err != nil {
		return nil, pkgTestError(err)
	}
	return service.RenderTests(r)
}

func packageTest(a arguments) (service.PackageTest, error) {
	var in service.PackageTest
	var err error
	for name, to := range map[string]**string{"pkg": &in.Pkg, "code_file": &in.CodeFile, "code": &in.Code} {
		if *to, err = a.text(name); err != nil {
			return in, err
		}
	}
	for name, to := range map[string]*string{"spec_dir": &in.SpecDir, "filter": &in.Filter, "project_root": &in.ProjectRoot} {
		s, err := a.text(name)
		if err != nil {
			return in, err
		}
		if s != nil {
			*to = *s
		}
	}
	if raw, ok := a.get("search_paths"); ok {
		if raw[0] != '[' {
			return in, wrongType("search_paths", "an array of strings", raw)
		}
		if json.Unmarshal(raw, &in.SearchPaths) != nil {
			return in, failure("invalid type for `search_paths`: expected an array of strings")
		}
	}
	if _, ok := a.get("auto_search_paths"); ok {
		auto, err := a.flag("auto_search_paths")
		in.NoAuto = !auto
		return in, err
	}
	return in, nil
}

// pkgTestError is the text of tests that could not be run, in the words that hosts know.
func pkgTestError(err error) error {
	var read *service.ReadError
	if errors.As(err, &read) {
		return failure("pkg_test: failed to read %s: %v", read.Path, read.Err)
	}
	return failure("pkg_test: %v", err)
}
