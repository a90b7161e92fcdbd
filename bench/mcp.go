package main

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/algocline/algocline/internal/rawmcp"
)

func splitLines(p []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for l := range bytes.Lines(p) {
			if !yield(string(bytes.TrimSpace(l))) {
				return
			}
		}
	}
}

// peer is an MCP server under measurement.
type peer struct {
	name          string
	c             *rawmcp.Client
	home          string
	hosted        bool // start sessions with host_mode
	start, answer times
	rate          float64
}

func (b *bench) peer(name, binary string, hosted bool) (*peer, error) {
	home := filepath.Join(b.dir, "mcp-"+name)
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(b.ctx, binary)
	cmd.Env = append(os.Environ(), "ALC_HOME="+home, "HOME="+home, "ALC_LOG_LEVEL=off")
	cmd.Dir = home
	c, err := rawmcp.Start(b.ctx, cmd)
	if err != nil {
		return nil, err
	}
	return &peer{name: name, c: c, home: home, hosted: hosted}, nil
}

func (p *peer) run(b *bench) (sid, query string, err error) {
	var r struct {
		SessionID string `json:"session_id"`
		QueryID   string `json:"query_id"`
	}
	args := map[string]any{"code": askForever}
	if p.hosted {
		args["host_mode"] = true
	}
	err = p.c.Tool(b.ctx, "alc_run", args, &r)
	if err == nil && r.SessionID == "" {
		err = errors.New(p.name + ": a run without a session id")
	}
	return r.SessionID, r.QueryID, err
}

func (p *peer) session(b *bench, n int) error {
	t := time.Now()
	sid, q, err := p.run(b)
	if err != nil {
		return err
	}
	p.start = append(p.start, time.Since(t))
	for range n {
		t = time.Now()
		var r struct {
			QueryID string `json:"query_id"`
		}
		if err := p.c.Tool(b.ctx, "alc_continue", map[string]any{"session_id": sid, "query_id": q, "response": "a step"}, &r); err != nil {
			return err
		}
		p.answer, q = append(p.answer, time.Since(t)), r.QueryID
	}
	return nil
}

// burst has 100 callers start sessions for a while, a bounded number of them.
func (p *peer) burst(b *bench, total int) error {
	const callers = 100
	var wg sync.WaitGroup
	errs := make([]error, callers)
	begin := time.Now()
	for c := range callers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range total / callers {
				if _, _, errs[c] = p.run(b); errs[c] != nil {
					return
				}
			}
		}()
	}
	wg.Wait()
	p.rate = float64(total) / time.Since(begin).Seconds()
	return errors.Join(errs...)
}

// end stops a server and the workers of its home, which this run alone has started. The workers
// go first: those of the reference hold the server's output open.
func (p *peer) end(*bench) error {
	var err error
	procs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range procs {
		env, rerr := os.ReadFile(f)
		if rerr != nil || !bytes.Contains(env, []byte("ALC_HOME="+p.home+"\x00")) {
			continue
		}
		var pid int
		if _, serr := fmt.Sscanf(f, "/proc/%d/environ", &pid); serr == nil && pid != p.c.PID() {
			err = errors.Join(err, syscall.Kill(pid, syscall.SIGKILL))
		}
	}
	return errors.Join(err, p.c.Kill())
}

func mcpSuite(b *bench) (err error) {
	ours, err := b.peer("ours", b.binary, false)
	if err != nil {
		return err
	}
	peers := []*peer{ours}
	if ref := os.Getenv("ALC_REFERENCE"); ref != "" {
		for _, hosted := range []bool{false, true} {
			name := "reference, in memory"
			if hosted {
				name = "reference, in its pool"
			}
			p, err := b.peer(name, ref, hosted)
			if err != nil {
				return err
			}
			peers = append(peers, p)
		}
	}
	defer func() {
		for _, p := range peers {
			err = errors.Join(err, p.end(b))
		}
	}()
	for range 30 { // turn by turn
		for _, p := range peers {
			if err := p.session(b, 20); err != nil {
				return err
			}
		}
	}
	// Of 100 callers at once the reference answers none in time, in this client's hands: its
	// starts are not measured so.
	if err := ours.burst(b, 3000); err != nil {
		return err
	}
	for _, p := range peers {
		b.table.add("MCP, "+p.name+": start to first pause, p50", ms(p.start.at(.5)))
		b.table.add("MCP, "+p.name+": continue, p50", ms(p.answer.at(.5)))
		if p == ours {
			b.table.add("MCP, "+p.name+": starts, 100 callers", fmt.Sprintf("%.0f a second", p.rate))
		}
	}
	if len(peers) == 3 {
		compare(b, ours, peers[1], peers[2])
	}
	return nil
}

// compare holds ours against the goals that are ratios.
func compare(b *bench, ours, memory, pooled *peer) {
	r := func(x, y time.Duration) float64 { return x.Seconds() / y.Seconds() }
	s := r(pooled.start.at(.5), ours.start.at(.5))
	b.table.goal("start, against the reference's pool", fmt.Sprintf("%.0f times as fast", s), "≥ 40 times", s >= 40)
	s = r(memory.start.at(.5), ours.start.at(.5))
	b.table.goal("start, against the reference in memory", fmt.Sprintf("%.1f times as fast", s), "≥ 2 times", s >= 2)
	s = r(memory.answer.at(.5), ours.answer.at(.5))
	b.table.goal("continue, against the reference in memory", fmt.Sprintf("%.2f times as fast", s), "≥ 1", s >= 1)
}
