package worker_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/card"
	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/pool/worker"
	"github.com/algocline/algocline/value"
)

// sharedHome opens the sessions of a home that several processes share.
func sharedHome(ctx context.Context, home, name string) (s *worker.Sessions, j journal.Store, closeAll func() error, err error) {
	store, err := sqlite.Open(ctx, filepath.Join(home, "journal"), sqlite.Options{Durability: "process"})
	if err != nil {
		return nil, nil, nil, err
	}
	w := journal.Worker{LockPath: filepath.Join(home, name+".lock"), PID: os.Getpid(), Version: version, StartedAt: time.Now()}
	if w.ID, err = store.Register(ctx, w); err != nil {
		return nil, nil, nil, errors.Join(err, store.Close())
	}
	cards, err := card.Open(filepath.Join(home, "cards"), card.Options{})
	if err != nil {
		return nil, nil, nil, errors.Join(err, store.Close())
	}
	s, err = worker.NewSessions(worker.SessionsConfig{
		Store: store, Worker: w, Version: version, Durability: "process", Home: home, Cards: cards, Limits: engine.DefaultLimits(), Prewarm: 1,
	})
	if err != nil {
		return nil, nil, nil, errors.Join(err, store.Close())
	}
	return s, store, func() error { return errors.Join(s.Close(), store.Close()) }, nil
}

// sharer is a process that runs a script in a shared home, count times, and prints what it led to,
// a line each.
func sharer(home, name, code string, count int) error {
	ctx := context.Background()
	s, _, closeAll, err := sharedHome(ctx, home, name)
	if err != nil {
		return err
	}
	for range count {
		f, err := s.Run(ctx, pool.RunRequest{Code: &code, Ctx: fmt.Appendf(nil, `{"who":%q}`, name)})
		if err != nil {
			return errors.Join(err, closeAll())
		}
		if f.Error != nil {
			return errors.Join(fmt.Errorf("%s", f.Error.Message), closeAll())
		}
		fmt.Println(string(f.Output))
	}
	return closeAll()
}

func startSharer(t *testing.T, home, name, code string, count int) (cmd *exec.Cmd, out, errs *bytes.Buffer) {
	t.Helper()
	cmd = exec.Command(os.Args[0], "sharer", home, name, code, fmt.Sprint(count))
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out, errs
}

// Two worker processes at once: every increment counts, every name has one winner.
func TestSharedByProcesses(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	const code = `
		local wins, cards = 0, 0
		for i = 1, 40 do
			alc.state.incr("n")
			alc.state.update("u", function(x) return x + 1 end, 0)
			if alc.state.set_nx("slot:" .. i, ctx.who) then wins = wins + 1 end
			if pcall(alc.card.create, {card_id = "c" .. i, pkg = {name = "p"}, by = ctx.who}) then cards = cards + 1 end
		end
		return {wins, cards}`
	var outs []*bytes.Buffer
	var cmds []*exec.Cmd
	for _, name := range []string{"a", "b"} {
		cmd, out, errs := startSharer(t, home, name, code, 1)
		cmds, outs = append(cmds, cmd), append(outs, out)
		defer func() {
			if t.Failed() {
				t.Log(errs)
			}
		}()
	}
	total := [2]int{}
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		var got [2]int
		if err := json.Unmarshal(outs[i].Bytes(), &got); err != nil {
			t.Fatalf("%s: %v", outs[i], err)
		}
		total[0], total[1] = total[0]+got[0], total[1]+got[1]
	}
	if total != [2]int{40, 40} {
		t.Errorf("%v wins, want 40 of each", total)
	}
	s, _, closeAll, err := sharedHome(t.Context(), home, "c")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := closeAll(); err != nil {
			t.Error(err)
		}
	}()
	f, err := s.Run(t.Context(), pool.RunRequest{Code: ptr(`return {alc.state.get("n"), alc.state.get("u"), #alc.state.list("slot"), #alc.card.list()}`)})
	if err != nil || string(f.Output) != "[80.0,80,40,40]" {
		t.Errorf("%s, %v", f.Output, err)
	}
}

// Sessions of one worker at once, each in a goroutine of its own.
func TestSharedBySessions(t *testing.T) {
	t.Parallel()
	s, _, closeAll, err := sharedHome(t.Context(), t.TempDir(), "one")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := closeAll(); err != nil {
			t.Error(err)
		}
	}()
	const sessions, code = 8, `
		local won = 0
		for i = 1, 5 do
			alc.state.update("u", function(x) return x + 1 end, 0)
			alc.card.create{pkg = {name = "p"}, i = i}
			if pcall(alc.card.create, {card_id = "c" .. i, pkg = {name = "q"}}) then won = won + 1 end
		end
		return won`
	won := make(chan string)
	for range sessions {
		go func() {
			f, err := s.Run(t.Context(), pool.RunRequest{Code: ptr(code)})
			if err != nil || f.Status != "completed" {
				t.Errorf("%+v, %v", f, err)
			}
			won <- string(f.Output)
		}()
	}
	total := 0
	for range sessions {
		var n int
		if err := json.Unmarshal([]byte(<-won), &n); err != nil {
			t.Error(err)
		}
		total += n
	}
	f, err := s.Run(t.Context(), pool.RunRequest{Code: ptr(`return {alc.state.get("u"), #alc.card.list{pkg = "p"}, #alc.card.list{pkg = "q"}}`)})
	if err != nil || string(f.Output) != "[40,40,5]" || total != 5 {
		t.Errorf("%s, %d won, %v", f.Output, total, err)
	}
}

// killAtWork starts a sharer and kills it a while after its first session has ended.
func killAtWork(t *testing.T, home, name, code string, after time.Duration) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "sharer", home, name, code, "100000")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatalf("%v\n%s", errors.Join(err, cmd.Wait()), &errs)
	}
	killer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer killer.Stop()
	_, err = io.Copy(io.Discard, lines)
	var exit *exec.ExitError
	if werr := cmd.Wait(); err != nil || !errors.As(werr, &exit) || exit.Exited() {
		t.Fatalf("not killed: %v, %v\n%s", err, werr, &errs)
	}
}

// A process that makes cards is killed again and again, wherever it is: each card that the journal
// has is in the files once it is looked for, whole, and no other.
func TestCardsSurviveKills(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	const code = `
		for i = 1, 3 do
			local r = alc.card.create{pkg = {name = "p"}, i = i}
			alc.card.append(r.card_id, {more = i})
			alc.card.write_samples(r.card_id, {{i = i}})
			alc.card.alias_set("latest", r.card_id)
		end`
	for n := range 12 {
		killAtWork(t, home, fmt.Sprintf("k%d", n), code, time.Duration(7*n%40)*time.Millisecond)
	}
	s, j, closeAll, err := sharedHome(t.Context(), home, "after")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := closeAll(); err != nil {
			t.Error(err)
		}
	}()
	if f, err := s.Run(t.Context(), pool.RunRequest{Code: ptr(`return #alc.card.list()`)}); err != nil || f.Status != "completed" {
		t.Fatalf("%+v, %v", f, err)
	}
	made := effects(t, j)
	if len(made["card.create"]) < 36 {
		t.Fatalf("only %d cards were made; each process had a whole session", len(made["card.create"]))
	}
	store, err := card.Open(filepath.Join(home, "cards"), card.Options{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := store.Find(card.Query{})
	if err != nil {
		t.Fatal(err)
	}
	var files, samples []string
	appended := 0
	for _, f := range found {
		files = append(files, f.CardID)
		c, err := store.Get(f.CardID)
		if err != nil {
			t.Fatal(err)
		}
		if c["more"] != nil {
			appended++
		}
		rows, err := store.Samples(f.CardID, card.SampleQuery{})
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) == 1 {
			samples = append(samples, f.CardID)
		}
	}
	if d := cmp.Diff(set(made["card.create"]), set(files)); d != "" || len(files) != len(made["card.create"]) {
		t.Errorf("cards (-journal +files):\n%s", d)
	}
	if appended != len(made["card.append"]) || len(samples) != len(made["card.samples"]) {
		t.Errorf("%d appended to, %d with samples; the journal has %d and %d", appended, len(samples), len(made["card.append"]), len(made["card.samples"]))
	}
	if left, err := filepath.Glob(filepath.Join(home, "cards", "*", ".*")); len(left) != 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func set(list []string) map[string]bool {
	m := map[string]bool{}
	for _, s := range list {
		m[s] = true
	}
	return m
}

// effects returns the first result of each effect in a journal, by its name.
func effects(t *testing.T, j journal.Store) map[string][]string {
	t.Helper()
	heads, err := j.List(t.Context(), journal.Filter{Limit: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	made := map[string][]string{}
	for _, h := range heads {
		_, events, err := j.Events(t.Context(), h.SID, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Kind != journal.Effect {
				continue
			}
			body, err := value.Decode(value.List(e.Body))
			if err != nil {
				t.Fatal(err)
			}
			member := func(name string) string { s, _ := body[0].(*value.Table).Get(name).(string); return s }
			result, err := value.NewReader(value.List(member("result"))).Any()
			if err != nil {
				t.Fatal(err)
			}
			text, _ := result.(string)
			made[member("op")] = append(made[member("op")], strings.TrimSpace(text))
		}
	}
	return made
}
