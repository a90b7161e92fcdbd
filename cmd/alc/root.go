package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/algocline/algocline/internal/buildinfo"
	"github.com/algocline/algocline/service"
)

// app is one run of the command line: where it reads and writes, and the flags of all commands.
type app struct {
	in    *os.File
	voice *voice
	flags globalFlags
}

// globalFlags are those that every command has.
type globalFlags struct {
	home       string
	durability string
	json       bool
}

func newApp(in, out, err *os.File) *app {
	return &app{in: in, voice: newVoice(out, err)}
}

// execute runs the command that args name and returns the exit code.
func execute(ctx context.Context, a *app, args []string) int {
	root := newRoot(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var usage *usageError // flags after a wrong one were not read
	a.voice.json = a.flags.json || errors.As(err, &usage) && slices.Contains(args, "--json")
	return a.voice.conclude(err)
}

func newRoot(a *app) *cobra.Command {
	var version bool
	root := &cobra.Command{
		Use:   "alc",
		Short: "Run LLM reasoning strategies written in Lua",
		Long: `alc runs LLM reasoning strategies written in Lua. A strategy pauses where it asks
an LLM, and goes on when it is answered, even if everything died in between.

Without a command, alc is an MCP server on standard input and output: add it to
a coding assistant as a stdio server. The other commands run strategies from a
shell.`,
		Example: `  alc demo                               see it work, without a key or a model
  alc run strategy.lua --ctx '{"task": "…"}'
  alc status
  alc continue s-18c2… --answer 'forty-two'`,
		SilenceErrors:    true,
		SilenceUsage:     true,
		PersistentPreRun: func(*cobra.Command, []string) { a.voice.json = a.flags.json },
		Args:             noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if version {
				return a.voice.print("alc %s\n", buildinfo.Version())
			}
			return a.serve(cmd)
		},
	}
	root.SetOut(a.voice.out)
	root.SetErr(a.voice.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{Err: err, Cmd: cmd.CommandPath()}
	})
	root.Flags().BoolVarP(&version, "version", "V", false, "print the version and exit")
	f := root.PersistentFlags()
	f.StringVar(&a.flags.home, "home", "", "the directory `DIR` of all sessions and packages (ALC_HOME, default ~/.algocline)")
	f.BoolVar(&a.flags.json, "json", false, "print JSON, in the shapes of the MCP server")
	f.StringVar(&a.flags.durability, "durability", "", "the durability `LEVEL` of acknowledged answers: \"full\" survives a power cut, \"process\" the death of any process (ALC_DURABILITY, default full)")

	root.AddGroup(
		&cobra.Group{ID: groupSessions, Title: "Sessions:"},
		&cobra.Group{ID: groupAuthors, Title: "Writing strategies:"},
		&cobra.Group{ID: groupCare, Title: "Care:"},
	)
	root.AddCommand(
		newRun(a), newContinue(a), newCancel(a), newStatus(a),
		newCheck(a), newTypes(a), newPkg(a),
		newState(a), newPool(a), newDoctor(a), newDemo(a), newVersion(a),
		newPoolWorker(a), exitCodesTopic(), limitsTopic(), configTopic(),
	)
	root.SetHelpCommandGroupID(groupCare)
	root.SetCompletionCommandGroupID(groupCare)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	strict(root)
	return root
}

const (
	groupSessions = "sessions"
	groupAuthors  = "authors"
	groupCare     = "care"
)

// strict lets cobra's own commands refuse what they do not know, where they would show some help.
func strict(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			show := cmd.Run
			cmd.Run, cmd.RunE = nil, func(cmd *cobra.Command, args []string) error {
				if found, rest, err := root.Find(args); err == nil && len(rest) > 0 {
					return noSuchCommand(found, rest)
				}
				show(cmd, args)
				return nil
			}
		case "completion":
			cmd.Args = noSuchCommand
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
}

// noSuchCommand refuses arguments of the bare alc: they are mistyped commands.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	e := &usageError{Err: fmt.Errorf("there is no command %q", args[0]), Cmd: cmd.CommandPath()}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		e.Hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return e
}

// exactly is cobra's check for a number of arguments, as a usage error that names them.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return &usageError{Err: fmt.Errorf("%s is missing", strings.Join(names[len(args):], " and ")), Cmd: cmd.CommandPath()}
		case len(args) > len(names):
			return &usageError{Err: fmt.Errorf("unexpected argument %q", args[len(names)]), Cmd: cmd.CommandPath()}
		}
		return nil
	}
}

// atMost allows arguments to be left out.
func atMost(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		return exactly(names[:min(len(names), len(args))]...)(cmd, args)
	}
}

// open loads the settings and opens the home's service.
func (a *app) open() (*service.Service, error) {
	set, err := a.settings()
	if err != nil {
		return nil, err
	}
	return a.openWith(set)
}

func (a *app) openWith(set settings) (*service.Service, error) {
	return service.New(service.Config{
		Home:         set.Home,
		Version:      buildinfo.Version(),
		Durability:   set.Durability,
		Isolation:    set.Isolation,
		PackagePaths: set.PackagePaths,
		RunCards:     set.RunCards,
		Log:          a.voice.logger(),
	})
}

// withService runs fn with the home's service and closes it afterwards.
func (a *app) withService(fn func(*service.Service) error) error {
	s, err := a.open()
	if err != nil {
		return err
	}
	err = fn(s)
	if cerr := s.Close(); err == nil {
		err = cerr
	}
	return err
}
