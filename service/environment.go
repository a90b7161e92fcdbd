package service

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/joho/godotenv"
)

// maxDotenv bounds a dotenv file, in bytes.
const maxDotenv = 1 << 20

// Environment is what alc.env shows to a session, as its ctx.env asks: the texts of inject, which
// win over those of the file dotenv, which win over this process's environment when allow_os is
// true. It is nil without ctx.env. A relative dotenv is taken from root, the project's directory.
//
// Errors are [*InputError].
func Environment(ctx json.RawMessage, root string) (map[string]string, error) {
	var c struct {
		Env struct {
			Inject  json.RawMessage `json:"inject"`
			Dotenv  json.RawMessage `json:"dotenv"`
			AllowOS json.RawMessage `json:"allow_os"`
		} `json:"env"`
	}
	if json.Unmarshal(ctx, &c) != nil {
		return nil, nil // a ctx that is no object, or whose env is none, asks for nothing
	}
	env := map[string]string{}
	if string(c.Env.AllowOS) == "true" {
		for _, kv := range os.Environ() {
			if k, v, ok := strings.Cut(kv, "="); ok {
				env[k] = v
			}
		}
	}
	if err := addDotenv(env, c.Env.Dotenv, root); err != nil {
		return nil, err
	}
	if err := inject(env, c.Env.Inject); err != nil {
		return nil, err
	}
	if len(env) == 0 {
		return nil, nil
	}
	return env, nil
}

func given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

func addDotenv(env map[string]string, raw json.RawMessage, root string) error {
	var path string
	if !given(raw) || json.Unmarshal(raw, &path) != nil {
		return nil
	}
	if !filepath.IsAbs(path) {
		if root == "" {
			return &InputError{What: "ctx.env.dotenv", Why: fmt.Sprintf("%q is relative, and there is no project_root that it could be relative to", path)}
		}
		path = filepath.Join(root, path)
	}
	st, err := os.Stat(path)
	if err == nil && (!st.Mode().IsRegular() || st.Size() > maxDotenv) {
		err = fmt.Errorf("it is not a file of at most %d bytes", maxDotenv)
	}
	var vars map[string]string
	if err == nil {
		vars, err = godotenv.Read(path)
	}
	if err != nil {
		return &InputError{What: "ctx.env.dotenv", Why: fmt.Sprintf("reading %s: %v", path, cause(err))}
	}
	for k, v := range vars {
		env[k] = v
	}
	return nil
}

func inject(env map[string]string, raw json.RawMessage) error {
	if !given(raw) {
		return nil
	}
	var vars map[string]json.RawMessage
	if json.Unmarshal(raw, &vars) != nil {
		return &InputError{What: "ctx.env.inject", Why: "must be an object of texts"}
	}
	for k, v := range vars {
		var s *string
		if json.Unmarshal(v, &s) != nil || s == nil {
			return &InputError{What: "ctx.env.inject", Why: fmt.Sprintf("%s must be a text", k)}
		}
		env[k] = *s
	}
	return nil
}
