package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/service"
	"github.com/algocline/algocline/strategies"
)

type runFlags struct {
	code      string
	ctx       string
	limits    []string
	sessionID string
	libs      []string
	grants    grantFlags
	isolation string
	answers   answerFlags
}

func newRun(a *app) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:     "run FILE | -e CODE",
		GroupID: groupSessions,
		Short:   "Start a session and, if somebody answers, see it to its end",
		Long: `Starts a session from a Lua file, a package (its directory), a bundled strategy
(its name), standard input (-) or the code after -e.

At a terminal, prompts are shown and you type the answers; Ctrl-C leaves the
session paused. Elsewhere the first pause is printed and the exit code is 3.`,
		Example: `  alc run strategy.lua --ctx '{"task": "Why is the sky blue?"}'
  alc run cot --ctx @task.json --answers recording:answers.jsonl
  alc run -e 'return alc.llm("What is 2+2?")'`,
		Args: atMost("FILE"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return strategies.Names(), cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := a.runInput(cmd, f, args)
			if err != nil {
				return &usageError{Err: err, Cmd: cmd.CommandPath()}
			}
			return a.withService(func(s *service.Service) error { return a.run(cmd.Context(), s, in, f) })
		},
	}
	fl := cmd.Flags()
	fl.StringVarP(&f.code, "execute", "e", "", "run this Lua `CODE`")
	fl.StringVar(&f.ctx, "ctx", "", "the script's global ctx: `JSON`, or @FILE")
	fl.StringArrayVar(&f.limits, "limit", nil, "lower a limit, `NAME=VALUE`; see alc help limits")
	fl.StringVar(&f.sessionID, "session-id", "", "the session's id, `SID`; the same id and code again are the same session")
	fl.StringArrayVar(&f.libs, "lib", nil, "a directory `DIR` that require searches first")
	addGrantFlags(cmd, &f.grants)
	fl.StringVar(&f.isolation, "isolation", "", "what the session shares its worker process with: \"process\" is nobody, \"shared\" other sessions (`MODE`; ALC_ISOLATION, default shared)")
	addAnswerFlags(cmd, &f.answers)
	registerCompletions(cmd, map[string][]string{"limit": withSuffix(limitNames, "=")})
	return cmd
}

func addAnswerFlags(cmd *cobra.Command, f *answerFlags) {
	cmd.Flags().StringVar(&f.from, "answers", "", answersHelp)
	cmd.Flags().StringVar(&f.record, "record", "", "write the exchanges to a new recording `FILE`")
	registerCompletions(cmd, map[string][]string{"answers": {"terminal", "recording:", "none"}})
}

// runInput puts together what the command line says to run.
func (a *app) runInput(cmd *cobra.Command, f runFlags, args []string) (service.RunInput, error) {
	var in service.RunInput
	home, err := homeDir(a.flags.home)
	if err != nil {
		return in, err
	}
	var code *string
	if cmd.Flags().Changed("execute") {
		code = &f.code
	}
	name := strings.Join(args, "")
	p, err := loadProgram(home, name, code, a.in)
	if err != nil {
		return in, err
	}
	ctx, err := ctxArgument(f.ctx, a)
	if err != nil {
		return in, err
	}
	limits, err := parseLimits(f.limits)
	if err != nil {
		return in, err
	}
	grants, err := f.grants.grants()
	if err != nil {
		return in, err
	}
	isolation, err := pool.ParseIsolation(f.isolation)
	if err != nil {
		return in, err
	}
	return service.RunInput{
		Isolation: isolation, Code: &p.Code, Name: p.Name, Strategy: p.Strategy,
		Ctx: ctx, Limits: limits, Grants: grants, SessionID: f.sessionID,
		LibPaths: append(f.libs, p.LibPaths...),
	}, nil
}

func ctxArgument(arg string, a *app) (json.RawMessage, error) {
	if arg == "" {
		return nil, nil
	}
	text, err := textArgument(arg, a.in)
	if err != nil {
		return nil, fmt.Errorf("reading --ctx: %w", err)
	}
	var v json.RawMessage
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return nil, &hinted{fmt.Errorf("--ctx is not JSON: %w", err), []string{`for example --ctx '{"task": "…"}', or --ctx @FILE`}}
	}
	return v, nil
}

// parseLimits reads NAME=VALUE; what looks like a number is one.
func parseLimits(args []string) (map[string]any, error) {
	if len(args) == 0 {
		return nil, nil
	}
	limits := make(map[string]any, len(args))
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		switch {
		case !ok || value == "":
			return nil, fmt.Errorf("--limit %s is not NAME=VALUE, for example memory=64MiB", arg)
		case !knownLimit(name):
			return nil, fmt.Errorf("there is no limit %q; there are %s", name, strings.Join(limitNames, ", "))
		}
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			limits[name] = n
		} else {
			limits[name] = value
		}
	}
	return limits, nil
}

// run starts the session and shows it, answered as far as there is somebody to answer.
func (a *app) run(ctx context.Context, s *service.Service, in service.RunInput, f runFlags) error {
	who, err := a.answerer(f.answers, in.SessionID != "")
	if err != nil && !errors.Is(err, errNobody) {
		return err
	}
	feed, err := s.Run(ctx, in)
	if err != nil {
		err = lostSession(err, feed.SessionID)
	} else {
		err = a.see(ctx, s, feed, who)
	}
	if cerr := who.close(); err == nil {
		err = cerr
	}
	return err
}

// lostSession says which session a start may have left behind whose outcome is not known.
func lostSession(err error, sid string) error {
	var broken *pool.IOError
	if !errors.As(err, &broken) && !errors.Is(err, context.Canceled) {
		return err
	}
	return &hinted{err, []string{"the session may have started: alc status " + sid}}
}
