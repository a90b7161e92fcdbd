package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/algocline/algocline/internal/safefile"
	"github.com/algocline/algocline/luadoc"
)

func newTypes(a *app) *cobra.Command {
	var dir string
	var show bool
	cmd := &cobra.Command{
		Use:     "types [NAME]",
		GroupID: groupAuthors,
		Short:   "Write definitions of the Lua API for editors, or look one up",
		Long: `Writes alc.d.lua and evalframe.d.lua, definitions in LuaCATS annotations, from which
the Lua language server knows the members of alc, their parameters and their
documentation. Point the server's setting Lua.workspace.library at the directory.

With a NAME, such as alc.llm, it prints what the reference says about that member,
or about all below a name such as alc.state. --print prints the definitions.`,
		Example: `  alc types                      writes to the directory types of the home
  alc types --dir .luatypes
  alc types alc.llm_batch`,
		Args: atMost("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := luadoc.Load()
			if err != nil {
				return err
			}
			switch {
			case len(args) == 1:
				return a.lookUp(api, args[0])
			case show:
				return a.printDefinitions(api)
			}
			return a.writeDefinitions(api, dir)
		},
		ValidArgsFunction: completeMembers,
	}
	cmd.Flags().StringVar(&dir, "dir", "", "the directory `DIR` to write to (default: types in the home)")
	cmd.Flags().BoolVar(&show, "print", false, "print the definitions and write nothing")
	return cmd
}

func completeMembers(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	api, err := luadoc.Load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, m := range api.Members() {
		names = append(names, m.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// lookUp prints the entries of a member, or of all members below a name.
func (a *app) lookUp(api *luadoc.API, name string) error {
	found := api.Below(name)
	if len(found) == 0 {
		e := &usageError{Err: fmt.Errorf("the Lua API has no %s", name), Cmd: "alc types"}
		if near := api.Nearest(name); near != "" {
			e.Hint = "did you mean " + near + "?"
		}
		return e
	}
	if a.flags.json {
		doc, err := json.Marshal(found)
		if err != nil {
			return err
		}
		return a.voice.raw(doc)
	}
	var entries []string
	for _, m := range found {
		entries = append(entries, m.Help())
	}
	return a.voice.print("%s", strings.Join(entries, "\n"))
}

func (a *app) printDefinitions(api *luadoc.API) error {
	defs := api.Definitions()
	for _, name := range slices.Sorted(maps.Keys(defs)) {
		if err := a.voice.print("-- %s\n%s\n", name, defs[name]); err != nil {
			return err
		}
	}
	return nil
}

// writeDefinitions writes one file a module and says where.
func (a *app) writeDefinitions(api *luadoc.API, dir string) error {
	if dir == "" {
		set, err := a.settings()
		if err != nil {
			return err
		}
		dir = filepath.Join(set.Home, "types")
	}
	if err := safefile.MkdirAll(dir); err != nil {
		return fmt.Errorf("making the directory of the definitions: %w", err)
	}
	var written []string
	defs := api.Definitions()
	for _, name := range slices.Sorted(maps.Keys(defs)) {
		path := filepath.Join(dir, name)
		if err := safefile.Write(path, []byte(defs[name])); err != nil {
			return fmt.Errorf("writing the definitions: %w", err)
		}
		written = append(written, path)
	}
	if a.flags.json {
		doc, err := json.Marshal(struct {
			Files []string `json:"files"`
		}{written})
		if err != nil {
			return err
		}
		return a.voice.raw(doc)
	}
	a.voice.hint("tell the Lua language server: add " + dir + " to Lua.workspace.library")
	return a.voice.print("%s\n", strings.Join(written, "\n"))
}
