package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/algocline/algocline/llm/terminal"
	"github.com/algocline/algocline/strategy/check"
)

func newCheck(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "check FILE…",
		GroupID: groupAuthors,
		Short:   "Check Lua files for what a session refuses or cannot replay",
		Long: `Reads Lua files, of directories all that end in .lua, and tells what a session would
refuse and what a replay cannot hold steady. It runs nothing.

An error will fail when it is reached: a syntax error, a member that alc does not
have, something that no session may do, a question to the model where a script
cannot wait. A warning may surprise: weak tables, finalizers, texts made of a
table's identity, decisions by the memory in use. A note names a grant that
whoever runs the file must give. The word in brackets is the rule.

A finding is left out where a comment on its line, or alone on the line before,
says "alc check: ignore". The exit code is 1 when there are errors or warnings.`,
		Example: `  alc check strategy.lua
  alc check ~/.algocline/packages/mine --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			return exactly("FILE")(cmd, args[:min(1, len(args))])
		},
		RunE: func(_ *cobra.Command, args []string) error {
			files, err := luaFiles(args)
			if err != nil {
				return err
			}
			found, err := checkFiles(files)
			if err != nil {
				return err
			}
			if err := a.showFindings(files, found); err != nil {
				return err
			}
			if slices.ContainsFunc(found, func(f check.Finding) bool { return f.Level != check.Note }) {
				return exitStatus(exitError)
			}
			return nil
		},
	}
}

// luaFiles are the files that arguments name; a directory stands for those below it.
func luaFiles(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		err := filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case path == arg && !d.IsDir(), !d.IsDir() && strings.HasSuffix(path, ".lua"):
				files = append(files, path)
			}
			return nil
		})
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &usageError{Err: err, Cmd: "alc check"}
		}
		if err != nil {
			return nil, fmt.Errorf("looking for Lua files: %w", err)
		}
	}
	if len(files) == 0 {
		return nil, &usageError{Err: fmt.Errorf("no .lua file in %s", strings.Join(args, ", ")), Cmd: "alc check"}
	}
	return files, nil
}

func checkFiles(files []string) ([]check.Finding, error) {
	all := []check.Finding{}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("checking: %w", err)
		}
		found, err := check.Source(file, src)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func (a *app) showFindings(files []string, found []check.Finding) error {
	if a.flags.json {
		doc, err := json.Marshal(struct {
			Files    int             `json:"files"`
			Findings []check.Finding `json:"findings"`
		}{len(files), found})
		if err != nil {
			return err
		}
		return a.voice.raw(doc)
	}
	p := a.voice.outPaint
	paint := map[check.Level]func(string) string{check.Error: p.bad, check.Warning: p.warn, check.Note: p.faint}
	for _, f := range found {
		level := string(f.Level)
		line := strings.Replace(terminal.Printable(f.String()), ": "+level+": ", ": "+paint[f.Level](level)+": ", 1)
		if err := a.voice.print("%s\n", line); err != nil {
			return err
		}
	}
	if len(found) == 0 {
		a.voice.note("%s nothing found; files checked: %d", a.voice.errPaint.good("ok:"), len(files))
	}
	return nil
}
