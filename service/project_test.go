package service

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// write makes a file in dir.
func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What a project's alc.toml allows is all that alc.env shows, whatever asked for it.
func TestProjectAllows(t *testing.T) {
	t.Setenv("ALC_TEST_OS", "from the system")
	const ctx = `{"env":{"inject":{"A":"mine"},"dotenv":"some.env","allow_os":true}}`
	for name, tt := range map[string]struct {
		toml string
		want map[string]string
	}{
		"some": {"[env]\nallow = [\"A\", \"B\", \"NONE\", \"ALC_TEST_OS\"]", map[string]string{"A": "mine", "B": "file", "ALC_TEST_OS": "from the system"}},
		"one":  {"[packages]\ncot = \"*\"\n[env]\nallow = [\"B\"]\n[setting.anything]\nx = 1", map[string]string{"B": "file"}},
		"none": {"[env]\nallow = [\"NONE\"]", nil},
	} {
		t.Run(name, func(t *testing.T) {
			f, root := &fakePool{}, t.TempDir()
			write(t, root, "alc.toml", tt.toml)
			write(t, root, "some.env", "A=file\nB=file\n")
			if _, err := testService(t, f).Run(t.Context(), RunInput{Code: ptr(""), Ctx: []byte(ctx), ProjectRoot: root}); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, f.ran.Env); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestProjectAllowsAll(t *testing.T) {
	f, root := &fakePool{}, t.TempDir()
	write(t, root, "alc.toml", "[env]\nallow = []")
	s := testService(t, f)
	for _, dir := range []string{root, filepath.Join(root, "none"), ""} {
		_, err := s.Run(t.Context(), RunInput{Code: ptr(""), Ctx: []byte(`{"env":{"inject":{"A":"1","B":"2"}}}`), ProjectRoot: dir})
		if err != nil || len(f.ran.Env) != 2 {
			t.Errorf("project %q: %v, %v", dir, f.ran.Env, err)
		}
	}
}

// A project is found as tests find it: by the environment, else upwards.
func TestProjectIsFound(t *testing.T) {
	f, root := &fakePool{}, t.TempDir()
	write(t, root, "alc.toml", "[env]\nallow = [\"A\"]")
	sub := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	in := RunInput{Code: ptr(""), Ctx: []byte(`{"env":{"inject":{"A":"1","B":"2"}}}`)}
	s := testService(t, f)
	t.Run("upwards", func(t *testing.T) {
		t.Chdir(sub)
		if _, err := s.Run(t.Context(), in); err != nil || len(f.ran.Env) != 1 {
			t.Errorf("%v, %v", f.ran.Env, err)
		}
	})
	t.Run("environment", func(t *testing.T) {
		t.Setenv(projectRootEnv, root)
		if _, err := s.Run(t.Context(), in); err != nil || len(f.ran.Env) != 1 {
			t.Errorf("%v, %v", f.ran.Env, err)
		}
	})
}

func TestProjectRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ file, toml, want string }{
		"no TOML":      {"alc.toml", "[env]\nallow = [", "alc.toml:2 cannot be read"},
		"no list":      {"alc.toml", "[env]\nallow = \"A\"", "alc.toml:2 cannot be read"},
		"no boolean":   {"alc.toml", "[setting.card]\nrun = 1", "alc.toml:2 cannot be read"},
		"local":        {"alc.local.toml", "[setting.card]\nrun = \"yes\"", "alc.local.toml:2 cannot be read"},
		"is no file":   {"alc.toml/x", "", "alc.toml cannot be read: is a directory"},
		"a long story": {"alc.toml", "[env]\nallow = [1]", "alc.toml:2 cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.MkdirAll(filepath.Dir(filepath.Join(root, tt.file)), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, root, tt.file, tt.toml)
			_, err := testService(t, &fakePool{}).Run(t.Context(), RunInput{Code: ptr(""), ProjectRoot: root})
			var ie *InputError
			if !errors.As(err, &ie) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), root) {
				t.Errorf("%v", err)
			}
		})
	}
}

// The setting [setting.card].run: environment over alc.local.toml over alc.toml over the home.
func TestRunCardsSetting(t *testing.T) {
	const on, off = "[setting.card]\nrun = true", "[setting.card]\nrun = false"
	for name, tt := range map[string]struct {
		env, local, shared string
		home, want         bool
		err                string
	}{
		"nobody":      {want: false},
		"home":        {home: true, want: true},
		"project":     {shared: on, want: true},
		"project off": {shared: off, home: true},
		"local":       {local: on, shared: off, want: true},
		"local off":   {local: off, shared: on, home: true},
		"environment": {env: "TRUE", local: off, shared: off, want: true},
		"env off":     {env: "false", local: on, shared: on, home: true},
		"env wrong":   {env: "1", err: `ALC_SETTING_CARD_RUN is "1"; take "true" or "false"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(runCardsEnv, tt.env)
			f, root := &fakePool{}, t.TempDir()
			write(t, root, "alc.local.toml", tt.local)
			write(t, root, "alc.toml", tt.shared)
			s := testService(t, f)
			s.runCards = tt.home
			_, err := s.Run(t.Context(), RunInput{Code: ptr(""), ProjectRoot: root})
			if f.ran.RunCards != tt.want || errText(err) != tt.err {
				t.Errorf("%v, %v", f.ran.RunCards, err)
			}
		})
	}
}
