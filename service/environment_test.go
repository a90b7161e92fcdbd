package service

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEnvironment(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "some.env"), []byte("A=file\nB=\"two words\" # why\nexport C=c\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ALC_TEST_OS", "from the system")
	tests := []struct {
		name, ctx, root string
		want            map[string]string
		err             string
	}{
		{"no ctx", ``, "", nil, ""},
		{"no env", `{"task":"t"}`, "", nil, ""},
		{"a ctx that is a list", `[1]`, "", nil, ""},
		{"inject", `{"env":{"inject":{"A":"1","E":""}}}`, "", map[string]string{"A": "1", "E": ""}, ""},
		{"a file", `{"env":{"dotenv":"some.env"}}`, root, map[string]string{"A": "file", "B": "two words", "C": "c"}, ""},
		{"an absolute file, and inject over it", `{"env":{"dotenv":"` + root + `/some.env","inject":{"A":"mine"}}}`, "",
			map[string]string{"A": "mine", "B": "two words", "C": "c"}, ""},
		{"allow_os that is no boolean", `{"env":{"allow_os":1}}`, "", nil, ""},
		{"a number", `{"env":{"inject":{"BADKEY":5}}}`, "", nil, "BADKEY"},
		{"null", `{"env":{"inject":{"BADKEY":null}}}`, "", nil, "BADKEY"},
		{"inject that is a list", `{"env":{"inject":[1]}}`, "", nil, "inject"},
		{"a relative file without a project", `{"env":{"dotenv":"some.env"}}`, "", nil, "some.env"},
		{"no such file", `{"env":{"dotenv":"none.env"}}`, root, nil, "none.env"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Environment([]byte(tt.ctx), tt.root)
			var ie *InputError
			if (tt.err != "") != errors.As(err, &ie) || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("error %v, want one about %q", err, tt.err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
	got, err := Environment([]byte(`{"env":{"allow_os":true,"inject":{"HOME":"mine"}}}`), "")
	if err != nil || got["ALC_TEST_OS"] != "from the system" || got["HOME"] != "mine" {
		t.Errorf("with allow_os: %v, HOME=%s", err, got["HOME"])
	}
}
