package service

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/algocline/algocline/pool"
)

// maxCode bounds a code file: together with its context it must fit a line of the pool's protocol.
const maxCode = 16 << 20

// RunInput is what a session is started from. Exactly one of Code and CodeFile is set.
type RunInput struct {
	Code     *string // Lua source; may be empty, the result is null then
	CodeFile *string // path of a Lua file, UTF-8, at most 16 MiB
	Name     string  // the chunk's name in error messages; the base name of CodeFile by default
	// Ctx is any JSON, or empty. A JSON string that holds a JSON object or array stands for that.
	Ctx json.RawMessage
	// ProjectRoot is the directory of the project that the session is for. When it is empty or no
	// directory, ALC_PROJECT_ROOT is, or the nearest directory upwards that has an alc.toml. Its
	// files say which variables alc.env may show and whether cards of runs are written.
	ProjectRoot string
	// SessionID makes a start that may be sent again: the same id and code are the same session.
	// One is made when it is empty.
	SessionID string
	Limits    map[string]any // numbers, or texts such as "64MiB" and "500ms"
	Grants    map[string]any
	LibPaths  []string // searched by require before the configured ones
	Strategy  string   // shown by status
	Isolation pool.Isolation
}

// request turns the input into what a worker is asked. The request has its SID on an error too
// when the input named one.
func (s *Service) request(in RunInput) (pool.RunRequest, error) {
	r := pool.RunRequest{
		SID:       in.SessionID,
		Name:      in.Name,
		Strategy:  in.Strategy,
		Limits:    in.Limits,
		Grants:    in.Grants,
		Isolation: in.Isolation,
		LibPaths:  s.libs,
	}
	if len(in.LibPaths) > 0 {
		r.LibPaths = existingDirs(append(append([]string(nil), in.LibPaths...), s.libs...))
	}
	switch {
	case in.Code != nil && in.CodeFile != nil:
		return r, ErrCodeAndFile
	case in.Code == nil && in.CodeFile == nil:
		return r, ErrNoCode
	case in.Code != nil:
		r.Code = in.Code
	default:
		code, err := readCode(*in.CodeFile)
		if err != nil {
			return r, &ReadError{Path: *in.CodeFile, Err: err}
		}
		r.Code = &code
		if r.Name == "" {
			r.Name = filepath.Base(*in.CodeFile)
		}
	}
	if r.SID == "" {
		r.SID = pool.NewSID()
	} else if err := checkSID(r.SID); err != nil {
		return r, err
	}
	var err error
	if r.Ctx, err = unwrapCtx(in.Ctx); err != nil {
		return r, err
	}
	p, err := readProject(projectRoot(in.ProjectRoot))
	if err != nil {
		return r, err
	}
	if r.RunCards, err = p.runCards(s.runCards); err != nil {
		return r, err
	}
	env, err := Environment(r.Ctx, p.root)
	r.Env = p.visible(env)
	return r, err
}

// readCode reads a file that a person or host named: a regular one, so that a pipe or a device
// cannot hold the caller up, and text, since the wire carries nothing else.
func readCode(path string) (string, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return "", cause(err)
	}
	if !fi.Mode().IsRegular() {
		return "", errors.New("it is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", cause(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxCode+1))
	if err != nil {
		return "", cause(err)
	}
	if len(b) > maxCode {
		return "", fmt.Errorf("it is larger than %d MiB", maxCode>>20)
	}
	if !utf8.Valid(b) {
		return "", errors.New("it is not UTF-8 text; write other bytes as escapes such as \\xFF")
	}
	return string(b), nil
}

// cause drops the operation and path that the caller's message has already.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// unwrapCtx replaces a JSON string that holds an object or array by that: some hosts send
// objects as text. Anything else is kept as it is.
func unwrapCtx(raw json.RawMessage) (json.RawMessage, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil, nil
	}
	if raw[0] == '"' {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return nil, &InputError{What: "ctx", Why: "is not JSON: " + err.Error()}
		}
		if inner := bytes.TrimSpace([]byte(s)); len(inner) > 0 && (inner[0] == '{' || inner[0] == '[') && json.Valid(inner) {
			raw = inner
		}
		return raw, nil
	}
	if !json.Valid(raw) {
		return nil, &InputError{What: "ctx", Why: "is not JSON"}
	}
	return raw, nil
}

// checkSID holds a caller's session id to what file names, URLs and logs can carry.
func checkSID(sid string) error {
	ok := len(sid) <= 64
	for i := 0; ok && i < len(sid); i++ {
		c := sid[i]
		ok = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
	}
	if !ok {
		return &InputError{What: fmt.Sprintf("session_id %.80q", sid), Why: "cannot be used; take 1 to 64 of A-Z a-z 0-9 . _ -"}
	}
	return nil
}
