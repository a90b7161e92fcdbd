package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/value"
)

// require answers the library's search for a module: true, chunk name and source, or false and
// why not. Within a session a name keeps what was found first.
func (s *Session) require(ctx context.Context, t *strand, args value.List) (value.List, error) {
	name, err := value.NewReader(args).String()
	if err != nil {
		return nil, fmt.Errorf("reading the name of a module: %w", err)
	}
	if m, ok := t.modules[name]; ok {
		return s.source(ctx, m, nil)
	}
	e, err := s.next(t, journal.Module, name)
	if err != nil {
		return nil, err
	}
	if e != nil {
		return s.replayModule(ctx, t, e, name)
	}
	if err := s.bounded(ctx); err != nil {
		return nil, err
	}
	src, err := s.host.Module(ctx, name, s.start.LibPaths)
	m := module{Name: name, ChunkName: src.ChunkName, Hash: journal.HashContent(src.Source)}
	switch {
	case errors.Is(err, ErrNoModule):
		m = module{Name: name, Failure: err.Error()}
	case err != nil:
		return nil, fmt.Errorf("searching module %s: %w", name, err)
	default:
		s.contents = append(s.contents, Content{m.Hash, src.Source})
	}
	s.note(t.path, journal.Module, m.encode())
	t.modules[name] = m
	return s.source(ctx, m, src.Source)
}

func (s *Session) replayModule(ctx context.Context, t *strand, e *journal.Event, name string) (value.List, error) {
	m, err := decodeModule(e)
	if err != nil {
		return nil, err
	}
	if m.Name != name {
		return nil, s.diverged(e.Seq, "module "+m.Name, "module "+name)
	}
	t.modules[name] = m
	return s.source(ctx, m, nil)
}

func (s *Session) source(ctx context.Context, m module, src []byte) (value.List, error) {
	if m.Failure != "" {
		return value.Of(false, m.Failure), nil
	}
	if src == nil {
		for _, c := range s.contents {
			if c.Hash == m.Hash {
				src = c.Body
			}
		}
	}
	if src == nil {
		var err error
		if src, err = s.host.Content(ctx, m.Hash); err != nil {
			return nil, fmt.Errorf("reading module %s: %w", m.Name, err)
		}
	}
	return value.Of(true, m.ChunkName, src), nil
}
