package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"

	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/pool/worker"
)

// settings is what flags, environment and config.toml say together, in this order of weight.
type settings struct {
	Home         string         // absolute
	Durability   string         // "full" or "process"
	Isolation    pool.Isolation // of sessions that are started
	PackagePaths []string       // of ALC_PACKAGES_PATH
	IdleTimeout  *time.Duration // nil: the worker's own default
	Limits       engine.Limits  // the operator's
	RunCards     bool           // whether cards of runs are written
	WorkerMemory int64          // bytes that a worker may have; 0: the worker's own default
}

// configFile is config.toml in the home. Hub and Setting belong to other commands.
type configFile struct {
	Durability   string         `toml:"durability"`
	Isolation    string         `toml:"isolation"`
	IdleTimeout  *int64         `toml:"idle_timeout"` // seconds
	WorkerMemory any            `toml:"worker_memory"`
	Limits       map[string]any `toml:"limits"`
	Hub          map[string]any `toml:"hub"`
	Setting      map[string]any `toml:"setting"`
}

// settingsError is a setting that cannot be used, and where it stands.
type settingsError struct {
	Where string
	Why   string
}

func (e *settingsError) Error() string { return e.Where + ": " + e.Why }

const (
	durabilityFull    = "full"
	durabilityProcess = "process"
)

// limitNames are the limits of a session, in the order in which help lists them.
var limitNames = []string{"memory", "step_cpu", "wall", "llm_calls", "batch", "prompt_size", "result_size", "log_size"}

// settings reads what is in force for this run.
func (a *app) settings() (settings, error) {
	home, err := homeDir(a.flags.home)
	if err != nil {
		return settings{}, err
	}
	s := settings{Home: home}
	file := filepath.Join(home, "config.toml")
	config, err := readConfig(file)
	if err != nil {
		return s, err
	}
	if s.RunCards, err = config.runCards(file); err != nil {
		return s, err
	}
	s.PackagePaths = filepath.SplitList(os.Getenv("ALC_PACKAGES_PATH"))
	if s.IdleTimeout, err = idleTimeout(os.Getenv(idleVariable), config.IdleTimeout); err != nil {
		return s, err
	}
	if s.Limits, err = operatorLimits(file, config.Limits); err != nil {
		return s, err
	}
	if s.WorkerMemory, err = workerMemory(file, os.Getenv(memoryVariable), config.WorkerMemory); err != nil {
		return s, err
	}
	if s.Isolation, err = pickIsolation(file, os.Getenv("ALC_ISOLATION"), config.Isolation); err != nil {
		return s, err
	}
	s.Durability, err = pickDurability(file, a.flags.durability, os.Getenv("ALC_DURABILITY"), config.Durability)
	return s, err
}

// operatorLimits are the usual limits with those of the file and the environment in place.
func operatorLimits(file string, config map[string]any) (engine.Limits, error) {
	limits, err := engine.DefaultLimits().Raise(config)
	if err != nil {
		return limits, &settingsError{file, err.Error()}
	}
	for _, name := range limitNames {
		v := os.Getenv(limitVariable(name))
		if v == "" {
			continue
		}
		if limits, err = limits.Raise(map[string]any{name: v}); err != nil {
			return limits, &settingsError{limitVariable(name), err.Error()}
		}
	}
	return limits, nil
}

// idleTimeout is what the environment says, else the file, both in seconds; nil is neither.
func idleTimeout(env string, file *int64) (*time.Duration, error) {
	seconds := file
	if env != "" {
		n, err := strconv.ParseInt(env, 10, 32)
		if err != nil || n < 0 {
			return nil, &settingsError{idleVariable, fmt.Sprintf("%q is not a number of seconds, 0 for never", env)}
		}
		seconds = &n
	}
	if seconds == nil {
		return nil, nil
	}
	d := time.Duration(*seconds) * time.Second
	return &d, nil
}

// workerMemory is what the environment says, else the file; 0 is neither.
func workerMemory(file, env string, config any) (int64, error) {
	where, v := memoryVariable, any(env)
	if env == "" {
		where, v = file+": worker_memory", config
	}
	if v == nil {
		return 0, nil
	}
	n, err := engine.ParseSize(v)
	if err != nil {
		return 0, &settingsError{where, err.Error()}
	}
	if n < worker.MinMemory {
		return 0, &settingsError{where, fmt.Sprintf("%v is too little: a worker needs at least %d MiB", v, worker.MinMemory>>20)}
	}
	return n, nil
}

const memoryVariable = "ALC_WORKER_MEMORY"

const idleVariable = "ALC_POOL_IDLE_TIMEOUT"

func limitVariable(name string) string { return "ALC_LIMIT_" + strings.ToUpper(name) }

// pickDurability takes the weightiest of what was said and checks it.
func pickDurability(file, flag, env, config string) (string, error) {
	for _, said := range []struct{ where, value string }{
		{"--durability", flag}, {"ALC_DURABILITY", env}, {file + ": durability", config},
	} {
		switch said.value {
		case "":
		case durabilityFull, durabilityProcess:
			return said.value, nil
		default:
			return "", &settingsError{said.where, fmt.Sprintf(`%q is not known, take "full" or "process"`, said.value)}
		}
	}
	return durabilityFull, nil
}

// pickIsolation takes what the environment says, else the file.
func pickIsolation(file, env, config string) (pool.Isolation, error) {
	where, said := "ALC_ISOLATION", env
	if env == "" {
		where, said = file+": isolation", config
	}
	isolation, err := pool.ParseIsolation(said)
	if err != nil {
		return "", &settingsError{where, err.Error()}
	}
	return isolation, nil
}

// homeDir returns the home's absolute path.
func homeDir(flag string) (string, error) {
	home := flag
	if home == "" {
		home = os.Getenv("ALC_HOME")
	}
	if home == "" {
		base, err := os.UserHomeDir()
		if err != nil {
			base = "."
		}
		home = filepath.Join(base, ".algocline")
	}
	abs, err := filepath.Abs(home)
	if err != nil {
		return "", fmt.Errorf("finding the home %s: %w", home, err)
	}
	return abs, nil
}

// readConfig reads config.toml; a file that is not there says nothing.
func readConfig(file string) (configFile, error) {
	var c configFile
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotADirectory) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("reading the configuration: %w", err)
	}
	defer f.Close()
	if err := toml.NewDecoder(f).DisallowUnknownFields().Decode(&c); err != nil {
		return c, configError(file, err)
	}
	return c, c.check(file)
}

// check refuses what TOML allows and alc does not.
func (c configFile) check(file string) error {
	if c.IdleTimeout != nil && *c.IdleTimeout < 0 {
		return &settingsError{file, "idle_timeout is negative; it is in seconds, 0 for never"}
	}
	return nil
}

// runCards is [setting.card].run.
func (c configFile) runCards(file string) (bool, error) {
	section, _ := c.Setting["card"].(map[string]any)
	run, there := section["run"]
	on, ok := run.(bool)
	if there && !ok {
		return false, &settingsError{file, "[setting.card] run must be true or false"}
	}
	return on, nil
}

// configError says where config.toml is wrong.
func configError(file string, err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		row, _ := unknown.Errors[0].Position()
		return &settingsError{fmt.Sprintf("%s:%d", file, row),
			fmt.Sprintf("there is no setting %q", strings.Join(unknown.Errors[0].Key(), "."))}
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		row, column := bad.Position()
		return &settingsError{fmt.Sprintf("%s:%d:%d", file, row, column), strings.TrimPrefix(bad.Error(), "toml: ")}
	}
	return &settingsError{file, err.Error()}
}

func knownLimit(name string) bool {
	for _, n := range limitNames {
		if n == name {
			return true
		}
	}
	return false
}

func configTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "configuration",
		Short: "What config.toml and the environment may say",
		Long: `alc reads config.toml in its home. All of it may be left out:

  durability = "full"       # or "process"
  isolation = "shared"      # or "process": each session in a process of its own
  idle_timeout = 1800       # seconds until an idle worker leaves, 0 for never
  worker_memory = "4GiB"    # what a worker may have, default half of the machine's memory

  [limits]                  # see alc help limits
  memory = "512MiB"
  llm_calls = 20000

  [setting.card]
  run = true                # write cards of runs; alc.toml of a project may say it too

A flag weighs more than the environment, and the environment more than the file.
Workers read the file when they start; alc pool stop makes way for new ones.

  ALC_HOME                the home, default ~/.algocline
  ALC_DURABILITY          full or process
  ALC_ISOLATION           shared or process
  ALC_PACKAGES_PATH       more package directories, separated by colons
  ALC_POOL_IDLE_TIMEOUT   seconds until an idle worker leaves, 0 for never
  ALC_SETTING_CARD_RUN    true or false: write cards of runs
  ALC_PROJECT_ROOT        the project, where a command runs outside of its directory
  ALC_WORKER_MEMORY       what a worker may have, for example 4GiB
  ALC_LIMIT_NAME          an operator's limit, for example ALC_LIMIT_MEMORY=1GiB
  ALC_LOG_LEVEL           off, error, warn, info or debug: what is told on stderr
  NO_COLOR                no colours`,
	}
}

func limitsTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "limits",
		Short: "What bounds a session",
		Long: `Every session has limits. One that is reached ends that session, and the script
cannot catch it. --limit NAME=VALUE lowers a limit for one session; the operator
sets what it is lowered from, with ALC_LIMIT_NAME or [limits] in config.toml.

  memory        256MiB  the Lua VM
  step_cpu      30s     computing from one answer to the next question
  wall          none    time since the start, pauses included
  llm_calls     10000   questions asked in all
  batch         1000    questions open at once
  prompt_size   4MiB    all text of one question: prompt, system text, role
  result_size   16MiB   the result, and each thing stored: a value, a key, a card
  log_size      1MiB    print and alc.log; the oldest lines go

Values are numbers, sizes such as 64MiB, or times such as 500ms.

All sessions of a worker together stay within worker_memory (alc help configuration).
Near it, sessions that wait let their memory go until they are answered; when that
is not enough, a start or an answer is refused with out_of_memory, and nothing is
lost: try again when others have paused or ended, or give workers more.`,
	}
}
