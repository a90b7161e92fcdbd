package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"syscall"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/value"
)

// Files are the files of a machine as far as grants open them. A path is as the script wrote it:
// absolute, or relative to one of the granted directories. What is not granted is a
// [*NotGrantedError]; nothing leads out of a granted directory, links included.
type Files interface {
	// ReadFile returns a regular file of at most max bytes.
	ReadFile(g Grants, path string, max int64) ([]byte, error)
	// WriteFile replaces a file, or adds to its end.
	WriteFile(g Grants, path string, data []byte, add bool) error
	RemoveFile(g Grants, path string) error
	RenameFile(g Grants, from, to string) error
}

var fileOps = map[string]op{
	"getenv":      {read: readEnv},
	"file.read":   {read: readFile},
	"file.is":     {read: isFile},
	"file.write":  {outside: writeFile},
	"file.remove": {outside: removeFile},
	"file.rename": {outside: renameFile},
}

func readEnv(_ context.Context, s *Session, a arguments) (value.List, error) {
	if !slices.Contains(s.start.Grants.Env, a.text(0)) {
		return value.Of(nil), nil
	}
	v, ok := s.host.Getenv(a.text(0))
	if !ok {
		return value.Of(nil), nil
	}
	return value.Of(v), nil
}

func readFile(_ context.Context, s *Session, a arguments) (value.List, error) {
	p, err := s.host.ReadFile(s.start.Grants, a.text(0), s.start.Limits.ResultSize)
	if err != nil {
		return refusedFile(err), nil
	}
	return value.Of(p), nil
}

func isFile(_ context.Context, s *Session, a arguments) (value.List, error) {
	_, err := s.host.ReadFile(s.start.Grants, a.text(0), s.start.Limits.ResultSize)
	return value.Of(err == nil), nil
}

func writeFile(s *Session, a arguments) value.List {
	return done(s.host.WriteFile(s.start.Grants, a.text(0), []byte(a.text(1)), a.at(2) == true))
}

func removeFile(s *Session, a arguments) value.List {
	return done(s.host.RemoveFile(s.start.Grants, a.text(0)))
}

func renameFile(s *Session, a arguments) value.List {
	return done(s.host.RenameFile(s.start.Grants, a.text(0), a.text(1)))
}

func done(err error) value.List {
	if err != nil {
		return refusedFile(err)
	}
	return value.Of(true)
}

// refusedFile is a failure as Lua's io functions give it: nil, a message, a number; and whether a
// grant is missing.
func refusedFile(err error) value.List {
	code := syscall.EIO
	errors.As(err, &code)
	text := err.Error()
	var pe *fs.PathError
	if errors.As(err, &pe) {
		text = pe.Err.Error()
	}
	var ng *NotGrantedError
	return value.Of(nil, text, int64(code), errors.As(err, &ng))
}

// outside makes a change that no transaction covers. The intent is durable before it is made,
// and that it was made is recorded after: a session that died in between ends as effect_unknown,
// for the change may have happened or not.
func (s *Session) outside(ctx context.Context, t *strand, name string, args value.List, do func() value.List) (value.List, error) {
	d := digestOf([]byte(name), args)
	if len(s.replay) > 0 {
		return s.replayOutside(ctx, t, name, d)
	}
	if err := s.bounded(ctx); err != nil {
		return nil, err
	}
	s.note(t.path, journal.Effect, call{Op: name, Digest: d, Intent: true}.encode())
	if err := s.commit(ctx, nil, true); err != nil {
		return nil, err
	}
	out := do()
	s.note(t.path, journal.Effect, call{Op: name, Digest: d, Result: out}.encode())
	return out, nil
}

func (s *Session) replayOutside(ctx context.Context, t *strand, name string, d Digest) (value.List, error) {
	e, err := s.next(t, journal.Effect, name)
	if _, err = s.replayCall(e, err, name, d); err != nil {
		return nil, err
	}
	if len(s.replay) == 0 {
		f := &Failure{Code: "effect_unknown", Message: fmt.Sprintf(
			"whether %s happened is not known: the worker died while it was done; look for yourself and start again", name)}
		if err := s.finish(ctx, journal.StateFailed, nil, f); err != nil {
			return nil, err
		}
		return nil, errEnded
	}
	if s.replay[0].Kind == journal.Finished {
		return nil, s.finishedUnknown(ctx)
	}
	e, err = s.next(t, journal.Effect, name)
	return s.replayCall(e, err, name, d)
}

// finishedUnknown follows a record that ended where an effect was not known.
func (s *Session) finishedUnknown(ctx context.Context) error {
	if err := s.finish(ctx, journal.StateFailed, nil, &Failure{Code: "effect_unknown"}); err != nil {
		return err
	}
	return errEnded
}
