package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/algocline/algocline/internal/buildinfo"
	"github.com/algocline/algocline/service"
)

// TestMain lets the test binary be alc: to scripts by that name, and to fronts that start it as
// a worker.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "pool-worker" {
		os.Exit(Main())
	}
	testscript.Main(m, map[string]func(){"alc": func() { os.Exit(Main()) }})
}

// Every file in testdata/script is a session at a shell, in a fresh home.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: setUpScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":       exits,
			"jsonenv":     jsonEnv,
			"killworkers": killWorkers,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// setUpScript makes the home, with a path short enough for sockets, and ends its workers.
func setUpScript(env *testscript.Env) error {
	home, err := shortTempDir()
	if err != nil {
		return err
	}
	strategies, err := filepath.Abs("../../strategies")
	if err != nil {
		return err
	}
	env.Setenv("ALC_HOME", home)
	env.Setenv("ALC_POOL_IDLE_TIMEOUT", "60") // if all else fails
	env.Setenv("STRATEGIES", strategies)
	env.Setenv("VERSION", regexp.QuoteMeta(buildinfo.Version()))
	env.Defer(func() {
		if err := errors.Join(stopWorkers(home), os.RemoveAll(home)); err != nil {
			env.T().Fatal(err)
		}
	})
	return nil
}

func shortTempDir() (string, error) { return os.MkdirTemp("/tmp", "alc-test-") }

func withHome(home string, fn func(context.Context, *service.Service) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s, err := service.New(service.Config{Home: home, Version: buildinfo.Version()})
	if err != nil {
		return err
	}
	return errors.Join(fn(ctx, s), s.Close())
}

func stopWorkers(home string) error {
	return withHome(home, func(ctx context.Context, s *service.Service) error {
		_, err := s.PoolStop(ctx, nil)
		return err
	})
}

// exits CODE COMMAND … runs a command that must end with the code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARGUMENT ...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// jsonenv NAME MEMBER puts a member of the JSON that the last command printed into a variable.
func jsonEnv(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: jsonenv NAME MEMBER")
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &doc); err != nil {
		ts.Fatalf("the output is no JSON object: %v", err)
	}
	text, ok := doc[args[1]].(string)
	if !ok {
		ts.Fatalf("the output has no text %q", args[1])
	}
	ts.Setenv(args[0], text)
}

// killworkers ends every worker of the home with SIGKILL; there must be one.
func killWorkers(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: killworkers")
	}
	ts.Check(killAll(ts.Getenv("ALC_HOME")))
}

// killAll ends every worker of a home with SIGKILL; there must be one.
func killAll(home string) error {
	return withHome(home, func(ctx context.Context, s *service.Service) error {
		report, err := s.PoolStatus(ctx, nil)
		if err != nil {
			return err
		}
		if len(report.Workers) == 0 {
			return errors.New("no worker is running")
		}
		for _, w := range report.Workers {
			if err := syscall.Kill(w.PID, syscall.SIGKILL); err != nil {
				return err
			}
		}
		return nil
	})
}
