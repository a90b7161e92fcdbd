package engine

import (
	"context"
	"fmt"

	"github.com/algocline/algocline/value"
)

// fork is the children of one alc.fork, in the order of their strategies. They run in that order,
// each up to its suspension, and all queries that are open then are one pause.
type fork struct {
	names    []string
	children []*strand
	asked    int64 // queries of the session before the fork
}

// minChildMemory is the least a child's VM is started with, in bytes.
const minChildMemory = 1 << 20

// forked starts the children of a strand and runs each to its first suspension. The reply, when
// all have ended, is how many queries they asked and then, for each, true and the JSON text of
// its result, or false and the text of its error.
func (s *Session) forked(ctx context.Context, t *strand, args value.List) (value.List, bool, error) {
	r := value.NewReader(args)
	js, err := r.String()
	f := &fork{asked: s.metrics.llmCalls}
	for err == nil && !r.Done() {
		var name string
		name, err = r.String()
		f.names = append(f.names, name)
	}
	if err != nil || len(f.names) == 0 {
		return nil, false, fmt.Errorf("reading the arguments of a fork of %d: %w", len(f.names), err)
	}
	if int64(len(f.names)) > s.start.Limits.Batch {
		return nil, false, s.exceed(ctx, "batch", fmt.Sprint(s.start.Limits.Batch))
	}
	share := (s.start.Limits.Memory - s.root.held()) / int64(len(f.names))
	if share < minChildMemory {
		return nil, false, s.exceed(ctx, "memory", sharedMemory(s.start.Limits.Memory))
	}
	s.forks++
	t.fork = f
	for i, name := range f.names {
		c, err := s.child(t, i, share)
		if err != nil {
			return nil, false, err
		}
		f.children = append(f.children, c)
		code := fmt.Sprintf(childCode, name)
		seed := s.start.Seed ^ (s.forks<<20 | int64(i+1))
		if err := s.drive(ctx, c, s.welcome(code, "fork:"+name, js, seed, fmt.Sprintf("fork-%d", i))); err != nil {
			return nil, true, err
		}
	}
	if !f.done() {
		return nil, true, nil
	}
	return s.reap(t), false, nil
}

func sharedMemory(n int64) string {
	return fmt.Sprintf("%d bytes, shared with the children of alc.fork", n)
}

// childCode runs a package; its name has been checked by the library.
const childCode = `local name = "%s" local pkg = require(name) ` +
	`if type(pkg) ~= "table" or type(pkg.run) ~= "function" then error("package '" .. name .. "' has no run function", 0) end ` +
	`return pkg.run(ctx)`

func (s *Session) child(t *strand, i int, memory int64) (*strand, error) {
	c := &strand{path: fmt.Sprint(i), ids: fmt.Sprintf("f-%d", i), modules: map[string]module{}}
	if t.path != "" {
		c.path = t.path + "." + c.path
	}
	if s.forks > 1 {
		c.ids = fmt.Sprintf("f%d-%d", s.forks, i)
	}
	var err error
	if c.vm, err = s.vms.with(s.lib); err != nil {
		return nil, fmt.Errorf("forking session %s: %w", s.start.SID, err)
	}
	s.limit(c, memory)
	return c, nil
}

// held is the memory of a strand and its children, in bytes.
func (t *strand) held() int64 {
	if t == nil {
		return 0
	}
	n := int64(0)
	if t.vm != nil {
		n = t.vm.Memory()
	}
	if t.fork != nil {
		for _, c := range t.fork.children {
			n += c.held()
		}
	}
	return n
}

func (f *fork) done() bool {
	for _, c := range f.children {
		if c.end == nil {
			return false
		}
	}
	return true
}

// reap ends a fork and returns what its parent is told.
func (s *Session) reap(t *strand) value.List {
	f := t.fork
	t.fork = nil
	out := value.Of(s.metrics.llmCalls - f.asked)
	for _, c := range f.children {
		ok := c.end.code == "completed"
		text := c.end.text
		if !ok {
			text = cleanText(text)
		}
		out = value.AppendString(value.AppendBool(out, ok), text)
	}
	return out
}

// proceed gives a strand the answers that it waits for, or its children theirs, and runs them on.
func (s *Session) proceed(ctx context.Context, t *strand, given map[string]string) error {
	if t.end != nil {
		return nil
	}
	if t.fork == nil {
		var in value.List
		for _, q := range t.asks {
			in = value.AppendString(in, given[q.ID])
		}
		t.asks = nil
		return s.drive(ctx, t, in)
	}
	for _, c := range t.fork.children {
		if err := s.proceed(ctx, c, given); err != nil {
			return err
		}
	}
	if !t.fork.done() {
		return nil
	}
	return s.drive(ctx, t, s.reap(t))
}
