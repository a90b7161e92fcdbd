package service

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/pool"
)

func TestRunSendsWhatWasGiven(t *testing.T) {
	f := &fakePool{feed: pool.Feed{SessionID: "mine", Type: pool.FeedAccepted}}
	s := testService(t, f)
	s.libs = []string{"/lib/b"}
	dir := t.TempDir()
	file := filepath.Join(dir, "s.lua")
	if err := os.WriteFile(file, []byte("return 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	feed, err := s.Run(t.Context(), RunInput{
		CodeFile: &file, Ctx: json.RawMessage(` {"a":1} `), SessionID: "mine", Strategy: "cot",
		Limits: map[string]any{"memory": "64MiB"}, LibPaths: []string{dir, filepath.Join(dir, "none")},
	})
	if err != nil || feed.SessionID != "mine" {
		t.Fatalf("Run = %+v, %v", feed, err)
	}
	want := pool.RunRequest{
		SID: "mine", Code: ptr("return 1"), Name: "s.lua", Ctx: json.RawMessage(`{"a":1}`), Strategy: "cot",
		Limits: map[string]any{"memory": "64MiB"}, LibPaths: []string{dir},
	}
	if d := cmp.Diff(want, f.ran); d != "" {
		t.Errorf("request (-want +got):\n%s", d)
	}
}

func TestRunNamesTheSessionFirst(t *testing.T) {
	lost := errors.New("connection lost")
	f := &fakePool{err: lost}
	s := testService(t, f)
	feed, err := s.Run(t.Context(), RunInput{Code: ptr("")})
	if !errors.Is(err, lost) {
		t.Fatalf("error %v, want %v", err, lost)
	}
	if !regexp.MustCompile(`^s-[0-9a-f]{15,16}-[0-9a-f]{16}$`).MatchString(feed.SessionID) {
		t.Errorf("session id %q", feed.SessionID)
	}
	if f.ran.SID != feed.SessionID {
		t.Errorf("sent %q, reported %q", f.ran.SID, feed.SessionID)
	}
	if again, _ := s.Run(t.Context(), RunInput{Code: ptr("")}); again.SessionID == feed.SessionID {
		t.Error("two sessions got one id")
	}
}

func TestRunRefuses(t *testing.T) {
	s := testService(t, &fakePool{})
	dir := t.TempDir()
	write := func(name string, b []byte) *string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return &p
	}
	none := filepath.Join(dir, "none.lua")
	cases := []struct {
		name string
		in   RunInput
		want string
		is   error
	}{
		{"both", RunInput{Code: ptr("x"), CodeFile: ptr("y")}, "Provide either `code` or `code_file`, not both.", ErrCodeAndFile},
		{"neither", RunInput{}, "Either `code` or `code_file` must be provided.", ErrNoCode},
		{"missing file", RunInput{CodeFile: &none}, "Failed to read " + none + ": no such file or directory", fs.ErrNotExist},
		{"directory", RunInput{CodeFile: &dir}, "Failed to read " + dir + ": it is not a regular file", nil},
		{"device", RunInput{CodeFile: ptr("/dev/zero")}, "Failed to read /dev/zero: it is not a regular file", nil},
		{"not text", RunInput{CodeFile: write("bin.lua", []byte("return '\xff'"))}, "is not UTF-8 text", nil},
		{"large", RunInput{CodeFile: write("big.lua", make([]byte, maxCode+1))}, "is larger than 16 MiB", nil},
		{"bad sid", RunInput{Code: ptr("x"), SessionID: "a b"}, `session_id "a b" cannot be used; take 1 to 64`, nil},
		{"long sid", RunInput{Code: ptr("x"), SessionID: strings.Repeat("a", 65)}, "cannot be used", nil},
		{"ctx", RunInput{Code: ptr("x"), Ctx: json.RawMessage(`{`)}, "ctx is not JSON", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Run(t.Context(), c.in)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v is not %v", err, c.is)
			}
		})
	}
}

func TestUnwrapCtx(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"nothing", ``, ``},
		{"null", ` null `, ``},
		{"object", `{"a":1}`, `{"a":1}`},
		{"text of an object", `"{\"a\": 5}"`, `{"a": 5}`},
		{"text of an array", `" [1,2] "`, `[1,2]`},
		{"text of a number stays text", `"42"`, `"42"`},
		{"plain text", `"hello"`, `"hello"`},
		{"text that only begins like an object", `"{a}"`, `"{a}"`},
		{"number", `7`, `7`},
		{"text of a text of an object is unwrapped once", `"\"{}\""`, `"\"{}\""`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := unwrapCtx(json.RawMessage(c.in))
			if err != nil || string(got) != c.want {
				t.Errorf("unwrapCtx(%s) = %s, %v; want %s", c.in, got, err, c.want)
			}
		})
	}
}

func TestPackagePaths(t *testing.T) {
	home, lib := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(home, "packages"), 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := Config{Home: home, Version: "1", PackagePaths: []string{lib, "", filepath.Join(lib, "none"), lib}}.checked()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{lib, filepath.Join(home, "packages")}, c.PackagePaths); d != "" {
		t.Errorf("paths (-want +got):\n%s", d)
	}
}

func TestConfigRefuses(t *testing.T) {
	for _, c := range []struct {
		c    Config
		want string
	}{{Config{Version: "1"}, "home is empty; set ALC_HOME"}, {Config{Home: "/x"}, "version is empty"}} {
		if _, err := c.c.checked(); err == nil || err.Error() != c.want {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

func TestContinue(t *testing.T) {
	f := &fakePool{}
	s := testService(t, f)
	one := pool.Answer{QueryID: ptr("q-0"), Response: ptr("a")}
	two := pool.Answer{QueryID: ptr("q-1"), Response: ptr("b")}
	cases := []struct {
		name    string
		answers []pool.Answer
		want    pool.ContinueRequest
		err     string
	}{
		{"one", []pool.Answer{one}, pool.ContinueRequest{SID: "s", Answer: one}, ""},
		{"two", []pool.Answer{one, two}, pool.ContinueRequest{SID: "s", Responses: []pool.Answer{one, two}}, ""},
		{"none", nil, pool.ContinueRequest{}, "answers there are none; give at least one response"},
		{"empty", []pool.Answer{one, {}}, pool.ContinueRequest{}, "answer 2 has no response"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f.continued = pool.ContinueRequest{}
			_, err := s.Continue(t.Context(), "s", c.answers)
			if got := errText(err); got != c.err {
				t.Errorf("error %q, want %q", got, c.err)
			}
			if d := cmp.Diff(c.want, f.continued); d != "" {
				t.Errorf("request (-want +got):\n%s", d)
			}
		})
	}
}

func TestCancelAndClose(t *testing.T) {
	f := &fakePool{feed: pool.Feed{SessionID: "s", Type: pool.FeedFinished, Status: "cancelled"}}
	s := testService(t, f)
	if got, err := s.Cancel(t.Context(), "s", "enough"); err != nil || got.Status != "cancelled" {
		t.Errorf("Cancel = %+v, %v", got, err)
	}
	if want := (pool.CancelRequest{SID: "s", Reason: "enough"}); f.cancelled != want {
		t.Errorf("sent %+v, want %+v", f.cancelled, want)
	}
	if err := s.Close(); err != nil || !f.closed {
		t.Errorf("Close: %v, pool closed: %v", err, f.closed)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
