package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/engine"
)

func clearEnvironment(t *testing.T) {
	t.Helper()
	for _, name := range append([]string{"ALC_HOME", "ALC_DURABILITY", "ALC_ISOLATION", "ALC_PACKAGES_PATH", "ALC_POOL_IDLE_TIMEOUT", "ALC_WORKER_MEMORY"}, limitVariables()...) {
		t.Setenv(name, "")
	}
}

func limitVariables() []string {
	var names []string
	for _, l := range limitNames {
		names = append(names, limitVariable(l))
	}
	return names
}

func writeConfig(t *testing.T, text string) (home string) {
	t.Helper()
	home = t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "config.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return home
}

func TestSettingsWeigh(t *testing.T) {
	clearEnvironment(t)
	home := writeConfig(t, `
durability = "process"
isolation = "process"
idle_timeout = 60
worker_memory = "1GiB"
[limits]
memory = "64MiB"
llm_calls = 5
[hub]
collection_url = "x"
`)
	a := &app{flags: globalFlags{home: home}}
	got, err := a.settings()
	if err != nil {
		t.Fatal(err)
	}
	idle := time.Minute
	limits := engine.DefaultLimits()
	limits.Memory, limits.LLMCalls = 64<<20, 5
	want := settings{Home: home, Durability: "process", Isolation: "process", PackagePaths: []string{}, IdleTimeout: &idle, Limits: limits, WorkerMemory: 1 << 30}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("file alone (-want +got):\n%s", diff)
	}

	t.Setenv("ALC_DURABILITY", "full")
	t.Setenv("ALC_ISOLATION", "shared")
	t.Setenv("ALC_LIMIT_MEMORY", "1GiB")
	t.Setenv("ALC_WORKER_MEMORY", "512MiB")
	t.Setenv("ALC_PACKAGES_PATH", "/a:/b")
	t.Setenv("ALC_POOL_IDLE_TIMEOUT", "0")
	if got, err = a.settings(); err != nil {
		t.Fatal(err)
	}
	want.Durability, want.Isolation, want.PackagePaths = "full", "shared", []string{"/a", "/b"}
	want.Limits.Memory, want.WorkerMemory = 1<<30, 512<<20
	idle = 0
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("with an environment (-want +got):\n%s", diff)
	}

	a.flags.durability = "process"
	if got, err = a.settings(); err != nil || got.Durability != "process" {
		t.Errorf("with a flag: durability %q, error %v", got.Durability, err)
	}
}

func TestSettingsErrors(t *testing.T) {
	clearEnvironment(t)
	for _, c := range []struct {
		name, config string
		flags        globalFlags
		says         []string
	}{
		{"unknown key", "\nduribility = \"full\"", globalFlags{}, []string{"config.toml:2", `"duribility"`}},
		{"unknown limit", "[limits]\nmemroy = 1", globalFlags{}, []string{`"memroy"`, "step_cpu"}},
		{"a limit that is none", "[limits]\nmemory = true", globalFlags{}, []string{"config.toml", "memory", "true"}},
		{"more than a VM can have", "[limits]\nmemory = \"4GiB\"", globalFlags{}, []string{"memory", "2GiB"}},
		{"memory for a worker that is no size", "worker_memory = \"much\"", globalFlags{}, []string{"worker_memory", `"much"`}},
		{"too little memory for a worker", "worker_memory = \"1MiB\"", globalFlags{}, []string{"worker_memory", "128 MiB"}},
		{"not TOML", "durability = ", globalFlags{}, []string{"config.toml:1"}},
		{"wrong type", "idle_timeout = \"long\"", globalFlags{}, []string{"config.toml"}},
		{"negative idle timeout", "idle_timeout = -1", globalFlags{}, []string{"negative"}},
		{"durability in the file", `durability = "none"`, globalFlags{}, []string{"config.toml", `"none"`}},
		{"isolation in the file", `isolation = "thread"`, globalFlags{}, []string{"config.toml", `"thread"`, `"process"`}},
		{"durability as a flag", "", globalFlags{durability: "often"}, []string{"--durability", `"often"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &app{flags: c.flags}
			a.flags.home = writeConfig(t, c.config)
			_, err := a.settings()
			var bad *settingsError
			if !errors.As(err, &bad) {
				t.Fatalf("error %v, want a settings error", err)
			}
			for _, s := range c.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
			if v := judge(err); v.exit != exitUsage {
				t.Errorf("exit code %d", v.exit)
			}
		})
	}
}

func TestSettingsErrorsOfTheEnvironment(t *testing.T) {
	for name, value := range map[string]string{
		"ALC_LIMIT_MEMORY": "lots", "ALC_WORKER_MEMORY": "12", "ALC_POOL_IDLE_TIMEOUT": "-1", "ALC_DURABILITY": "none", "ALC_ISOLATION": "thread",
	} {
		t.Run(name, func(t *testing.T) {
			clearEnvironment(t)
			t.Setenv(name, value)
			a := &app{flags: globalFlags{home: t.TempDir()}}
			_, err := a.settings()
			var bad *settingsError
			if !errors.As(err, &bad) || bad.Where != name || !strings.Contains(bad.Why, value) {
				t.Errorf("error %v, want one of %s that quotes %q", err, name, value)
			}
		})
	}
}

func TestHomeDir(t *testing.T) {
	clearEnvironment(t)
	user := t.TempDir()
	t.Setenv("HOME", user)
	check := func(flag, want string) {
		t.Helper()
		if got, err := homeDir(flag); err != nil || got != want {
			t.Errorf("homeDir(%q) = %q, %v, want %q", flag, got, err, want)
		}
	}
	check("", filepath.Join(user, ".algocline"))
	t.Setenv("ALC_HOME", "/elsewhere")
	check("", "/elsewhere")
	check("/flag/../home", "/home")
}

func TestLimitNamesAreTheEngines(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(engine.LimitNames(), slices.Sorted(slices.Values(limitNames))); diff != "" {
		t.Errorf("(-engine +help):\n%s", diff)
	}
}
