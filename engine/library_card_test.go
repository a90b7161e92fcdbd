package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/card"
	"github.com/algocline/algocline/journal"
)

// withCards gives a host a store of its own.
func withCards(t *testing.T, o card.Options) func(*memHost) {
	return func(h *memHost) {
		var err error
		if h.cards, err = card.Open(filepath.Join(t.TempDir(), "cards"), o); err != nil {
			t.Fatal(err)
		}
	}
}

func runCards(t *testing.T, written bool, tests []libraryTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := start(tt.code)
			st.RunCards = written
			out, _ := play(t, withCards(t, card.Options{}), st, tt.answers...)
			checkOutcome(t, out, tt.want)
		})
	}
}

func TestCards(t *testing.T) {
	runCards(t, false, []libraryTest{
		{name: "create and get over a pause", answers: []string{"x"}, want: `[true,"p","t",1,"float",true]`, code: `
			local r = alc.card.create{pkg = {name = "p"}, note = "t", n = 1, f = 1.0}
			alc.llm("p")
			local c = alc.card.get(r.card_id)
			return {c.card_id == r.card_id, c.pkg.name, c.note, c.n, math.type(c.f), r.path:match("/p/[^/]+%.toml$") ~= nil}`},
		{name: "an id is the same before and after a pause", answers: []string{"x", "y"}, want: `[true,2]`, code: `
			local a = alc.card.create{pkg = {name = "p"}} alc.llm("p")
			local b = alc.card.create{pkg = {name = "p"}} alc.llm("q")
			return {a.card_id ~= b.card_id, #alc.card.list()}`},
		{name: "create refuses", want: `["alc.card.create: input must be a table","alc.card.create: input must be a table","alc.card.create: input must be a table",
			"alc.card.create: pkg.name is required","Invalid pkg name: 'a/b'","alc.card: invalid run field (status must be one of: succeeded, failed, skipped): got \"weird\""]`,
			code: messages + `
			local c = alc.card.create
			return {raised(c), raised(c, 5), raised(c, {1, 2}), raised(c, {}), raised(c, {pkg = {name = "a/b"}}), raised(c, {pkg = {name = "p"}, run = {status = "weird"}})}`},
		{name: "create refuses what is no data", code: `alc.card.create{pkg = {name = "p"}, f = print}`, want: `lua_error: `},
		{name: "a refusal is recorded", answers: []string{"x"}, want: `["alc.card.create: card 'a' already exists (immutable)",1]`, code: messages + `
			alc.card.create{card_id = "a", pkg = {name = "p"}}
			local e = raised(alc.card.create, {card_id = "a", pkg = {name = "p"}})
			alc.llm("p")
			return {e, #alc.card.list()}`},
		{name: "arguments of the readers", want: `["bad argument #1 to 'get' (string expected, got no value)","Invalid card_id name: ''","bad argument #1 to 'list' (table expected, got number)",
			"Invalid pkg name: ''","bad argument #1 to 'find' (table expected, got number)","alc.card: limit must be a number that is not negative, got -1",
			"alc.card: offset must be a number that is not negative, got x","where clause must be a table","order_by must be a string or array of strings",
			"bad argument #1 to 'alias_list' (table expected, got number)","Invalid alias name: ''","card 'zz' not found","bad argument #2 to 'read_samples' (table expected, got number)",
			"bad argument #1 to 'lineage' (table expected, got no value)","bad argument #1 to 'lineage' (string expected, got no value)","direction must be 'up', 'down', or 'both' (got 'x')",
			"alc.card.lineage: relation_filter must be a list of strings"]`, code: messages + `
			local c = alc.card
			return {raised(c.get), raised(c.get, ""), raised(c.list, 5), raised(c.list, {pkg = ""}), raised(c.find, 5), raised(c.find, {limit = -1}),
				raised(c.find, {offset = "x"}), raised(c.find, {where = "x"}), raised(c.find, {order_by = {}}), raised(c.alias_list, 5), raised(c.get_by_alias, ""),
				raised(c.read_samples, "zz"), raised(c.read_samples, "a", 5), raised(c.lineage), raised(c.lineage, {}), raised(c.lineage, {card_id = "a", direction = "x"}),
				raised(c.lineage, {card_id = "a", relation_filter = "x"})}`},
		{name: "arguments of the writers", want: `["bad argument #1 to 'append' (string expected, got no value)","alc.card.append: fields must be a table","alc.card.append: fields must be a table",
			"alc.card.append: card 'zz' not found","alc.card.append: key 'pkg' already set on card 'a' (immutable)","Invalid alias name: 'x/y'","alc.card.alias_set: card 'zz' not found",
			"bad argument #3 to 'alias_set' (table expected, got number)","alc.card.write_samples: samples must be an array","alc.card.write_samples: samples must be an array","card 'zz' not found",
			"bad argument #1 to 'sink_backfill' (table expected, got no value)","bad argument #1 to 'sink_backfill' (string expected, got no value)","unknown sink: file:///x"]`, code: messages + `
			local c = alc.card
			c.create{card_id = "a", pkg = {name = "p"}}
			return {raised(c.append), raised(c.append, "a", 5), raised(c.append, "a", {1}), raised(c.append, "zz", {}), raised(c.append, "a", {pkg = 1}), raised(c.alias_set, "x/y", "a"),
				raised(c.alias_set, "x", "zz"), raised(c.alias_set, "x", "a", 5), raised(c.write_samples, "a"), raised(c.write_samples, "a", {i = 1}), raised(c.write_samples, "zz", {1}),
				raised(c.sink_backfill), raised(c.sink_backfill, {}), raised(c.sink_backfill, {sink = "file:///x"})}`},
		{name: "everything over pauses", answers: []string{"1", "2", "3"}, want: `[{"x":1},["b=b"],"b",[{"i":2}],2,["b","a"]]`, code: `
			local c = alc.card
			for _, id in ipairs{"a", "b"} do c.create{card_id = id, pkg = {name = "p"}, metadata = id == "b" and {prior_card_id = "a"} or nil} end
			alc.llm("one")
			local merged = c.append("a", {note = {x = 1}})
			c.alias_set("b", "b", {pkg = "p", note = "why"})
			alc.llm("two")
			local w = c.write_samples("a", {{i = 1}, {i = 2}})
			alc.llm("three")
			local names, nodes = {}, {}
			for i, x in ipairs(c.alias_list{pkg = "p"}) do names[i] = x.name .. "=" .. x.card_id end
			for i, n in ipairs(c.lineage{card_id = "b"}.nodes) do nodes[i] = n.card_id end
			return {merged.note, names, c.get_by_alias("b").card_id, c.read_samples("a", {where = {i = {gt = 1}}}), w.count, nodes}`},
		{name: "no samples", want: `[0,0]`, code: `
			alc.card.create{card_id = "a", pkg = {name = "p"}}
			local w = alc.card.write_samples("a", {})
			return {w.count, #alc.card.read_samples("a")}`},
		{name: "numbers as texts", want: `["5","5",1]`, code: `
			alc.card.create{card_id = "5", pkg = {name = "5"}}
			return {alc.card.get(5).card_id, alc.card.list{pkg = 5}[1].pkg, #alc.card.find{limit = "1.7"}}`},
		{name: "cards of runs are off", want: `[true,true,true,true,0]`, code: `
			local c = alc.card
			c.create{card_id = "a", pkg = {name = "q"}}
			local n = #c.list{pkg = "p"}
			return {c.create{pkg = {name = "p"}, run = {status = "failed"}} == nil, c.append("a", {run = {status = "failed"}}) == nil,
				c.open{pkg = {name = "p"}} == nil, c.close("a", {status = "failed"}) == nil, n}`},
		{name: "an outcome is always checked", want: `lua_error: alc.card.close: invalid outcome (status must be one of`,
			code: `alc.card.close("a", {status = "weird"})`},
	})
}

func TestRunCards(t *testing.T) {
	runCards(t, true, []libraryTest{
		{name: "are written", want: `["f","p_f_20260301T"]`, code: `
			local r = alc.card.create{pkg = {name = "p"}, run = {status = "failed", flow = "f"}, model = {id = "m"}}
			return {alc.card.list()[1].flow, r.card_id:sub(1, 13)}`},
		{name: "are appended", want: `"skipped"`, code: `
			alc.card.create{card_id = "a", pkg = {name = "p"}}
			return alc.card.append("a", {run = {status = "skipped"}}).run.status`},
		{name: "cannot be open", want: `["alc.card.open: cards in files cannot be open; write the finished one with alc.card.create",
			"alc.card.close: cards in files cannot be open; write the finished one with alc.card.create"]`,
			code: messages + `return {raised(alc.card.open, {pkg = {name = "p"}}), raised(alc.card.close, "a", {status = "failed"})}`},
	})
}

func TestCompare(t *testing.T) {
	const setup = messages + `
		for id, xs in pairs{a = {1, 2, 3, 4}, b = {5, 6, 7, 9}} do
			alc.card.create{card_id = id, pkg = {name = "p"}}
			local rows = {}
			for i, x in ipairs(xs) do rows[i] = {score = x, keep = x < 7, word = "w"} end
			alc.card.write_samples(id, rows)
		end
		alc.card.create{card_id = "none", pkg = {name = "p"}}
		local compare = alc.card.compare
	`
	runCards(t, false, []libraryTest{
		{name: "score", want: `{"metric":"score","alpha":0.05,"a":{"card_id":"a","n":4,"mean":2.5},"b":{"card_id":"b","n":4,"mean":6.75},"delta":-4.25,
			"t_stat":-3.9703,"df":5.5846,"p_value":0.0085,"significant":true,"winner":"b"}`, code: setup + `
			local r = compare("a", "b")
			for _, k in ipairs{"t_stat", "df", "p_value"} do r[k] = tonumber(string.format("%.4f", r[k])) end
			return r`},
		{name: "the other way round", want: `["a",4.25]`, code: setup + `local r = compare("b", "a") return {r.winner, r.delta}`},
		{name: "function, where and alpha", want: `["<function>",5.0,2,0.001,"none",false]`, code: setup + `
			local r = compare("a", "b", {metric = function(row) return row.score * 2 end, where = {keep = true}, alpha = 0.001})
			return {r.metric, r.a.mean, r.b.n, r.alpha, r.winner, r.significant}`},
		{name: "errors", want: `["alc.card.compare: card_a and card_b must be card_id strings","alc.card.compare: none has no samples to compare",
			"alc.card.compare: metric must be a sample field name or function(row), got number","alc.card.compare: alpha must be a number in (0, 1)",
			"alc.card.compare: alpha must be a number in (0, 1)","alc.card.compare: row 1 of a has no numeric 'word' (got string)",
			"alc.card.compare: row 1 of a has no numeric metric (got nil)","bad argument #3 to 'compare' (table expected, got number)","card 'zz' not found"]`, code: setup + `
			return {raised(compare, "a"), raised(compare, "a", "none"), raised(compare, "a", "b", {metric = 5}), raised(compare, "a", "b", {alpha = 1}),
				raised(compare, "a", "b", {alpha = "x"}), raised(compare, "a", "b", {metric = "word"}), raised(compare, "a", "b", {metric = function() end}),
				raised(compare, "a", "b", 5), raised(compare, "a", "zz")}`},
	})
}

// What a prompt was given of cards is asked once: a card that is written later does not change it.
func TestCardContext(t *testing.T) {
	for name, tt := range map[string]struct{ opts, want string }{
		"a card":         {`{card_context = "a"}`, "<past_cards>\nCard 01/02 pkg=p card_id=a\n</past_cards>"},
		"and system":     {`{card_context = "a", system = "sys"}`, "<past_cards>\nCard 01/02 pkg=p card_id=a\n</past_cards>\n\nsys"},
		"a package":      {`{card_context = {pkg = "p", limit = 1}}`, "<past_cards>\nCard 01/02 pkg=p card_id=a\n</past_cards>"},
		"limit 0":        {`{card_context = {pkg = "p", limit = 0}, system = "sys"}`, "sys"},
		"none found":     {`{card_context = "ghost", system = "sys"}`, "sys"},
		"no package":     {`{card_context = {limit = 1}, system = "sys"}`, "sys"},
		"another type":   {`{card_context = 5, system = "sys"}`, "sys"},
		"an unsafe name": {`{card_context = "a/b", system = "sys"}`, "sys"},
	} {
		t.Run(name, func(t *testing.T) {
			code := `alc.card.create{card_id = "a", pkg = {name = "p"}, created_at = "2026-01-02T00:00:00Z"}
				alc.llm("p", ` + tt.opts + `) alc.card.create{card_id = "b", pkg = {name = "p"}} return alc.llm("q")`
			_, h := play(t, withCards(t, card.Options{}), start(code), "x")
			s := restore(t, h)
			if o := s.Outcome(); o.Kind != OutcomePaused || o.Queries[0].Prompt != "q" {
				t.Fatalf("%+v", o)
			}
			for i := range h.events {
				if h.events[i].Kind != journal.Asked {
					continue
				}
				a, err := decodeAsked(&h.events[i])
				if err != nil {
					t.Fatal(err)
				}
				q := a.Queries[0]
				if q.System == nil || *q.System != tt.want {
					t.Errorf("system %v, want %q", q.System, tt.want)
				}
				return
			}
			t.Error("nothing was asked")
		})
	}
}

// A worker dies between the commit of a card and its file: whoever restores the session, or looks
// at cards, finishes it. What a user removes later does not come back.
func TestCardFileHeals(t *testing.T) {
	for name, heal := range map[string]func(t *testing.T, h *memHost){
		"restore": func(t *testing.T, h *memHost) { restore(t, h) },
		"another session": func(t *testing.T, h *memHost) {
			other := newMemHost()
			other.cards, other.state = h.cards, h.state
			s := begin(t, other, start(`return alc.card.get("a").v`))
			if o := s.Outcome(); string(o.Output) != "7" {
				t.Errorf("%s %+v", o.Output, o.Failure)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "cards")
			h := newMemHost()
			var err error
			if h.cards, err = card.Open(root, card.Options{}); err != nil {
				t.Fatal(err)
			}
			lock := filepath.Join(root, ".lock")
			if err := os.MkdirAll(lock, 0o700); err != nil { // nobody can lock a directory
				t.Fatal(err)
			}
			_, err = Begin(t.Context(), h, testVMs(), start(`alc.card.create{card_id = "a", pkg = {name = "p"}, v = 7} return alc.llm("p")`))
			if !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), "writing cards") {
				t.Fatalf("got %v", err)
			}
			file := filepath.Join(root, "p", "a.toml")
			if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("the file is there already: %v", err)
			}
			if err := os.Remove(lock); err != nil {
				t.Fatal(err)
			}
			heal(t, h)
			if _, err := os.Stat(file); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			restore(t, h)
			restore(t, h)
			if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
				t.Error("a removed card came back")
			}
		})
	}
}

// A replay changes no file, and Check writes none even where the record ends with a card.
func TestReplayWritesNoCards(t *testing.T) {
	_, h := play(t, withCards(t, card.Options{}), start(`
		alc.card.create{card_id = "a", pkg = {name = "p"}}
		alc.card.append("a", {k = 1})
		alc.card.write_samples("a", {1})
		alc.card.alias_set("x", "a")
		alc.llm("p")`))
	root := t.TempDir()
	var err error
	if h.cards, err = card.Open(root, card.Options{}); err != nil {
		t.Fatal(err)
	}
	restore(t, h)
	if err := Check(t.Context(), h, testVMs(), h.events); err != nil {
		t.Error(err)
	}
	cut := h.events
	for cut[len(cut)-1].Kind != journal.Effect {
		cut = cut[:len(cut)-1]
	}
	if err := Check(t.Context(), h, testVMs(), cut); !errors.Is(err, ErrRebuild) {
		t.Errorf("an unfinished step: %v", err)
	}
	if left, err := os.ReadDir(root); len(left) != 0 || err != nil {
		t.Errorf("written on replay: %v, %v", left, err)
	}
}

// The records of cards are forgotten with the next commit.
func TestOutboxEmpties(t *testing.T) {
	_, h := play(t, withCards(t, card.Options{}), start(`alc.card.create{card_id = "a", pkg = {name = "p"}} alc.llm("p")`))
	for k := range h.state {
		if strings.HasPrefix(k, "//cards/outbox") {
			t.Errorf("left: %q", k)
		}
	}
}

// What is written to a file is on disk in the journal before, with one synced commit.
func TestCardCommits(t *testing.T) {
	h := newMemHost()
	withCards(t, card.Options{})(h)
	begin(t, h, start(`alc.card.create{card_id = "a", pkg = {name = "p"}} alc.card.get("a") alc.llm("p")`))
	if h.commits != 2 || h.syncs != 2 {
		t.Errorf("%d commits, %d synced; want 2, 2", h.commits, h.syncs)
	}
}

// A session that is restored in a changed world has what it has read.
func TestReadsAreRecorded(t *testing.T) {
	const code = `
		local s, c = alc.state, alc.card
		s.set("k", 1) s.set("p:k", {data = {x = 1}})
		c.create{card_id = "a", pkg = {name = "p"}, v = 1}
		c.create{card_id = "b", pkg = {name = "p"}, metadata = {prior_card_id = "a"}}
		c.alias_set("x", "a")
		c.write_samples("a", {{n = 1}})
		local seen = {
			s.get("k"), s.has("k"), s.keys(), s.list("p"), s.show("p", "k"), s.update("k", function(x) return x + 1 end),
			c.get("a"), c.list(), c.find{where = {v = 1}}, c.alias_list(), c.get_by_alias("x"), c.read_samples("a"), c.lineage{card_id = "b"},
		}
		alc.llm("p", {card_context = "a"})
		return seen`
	h := newMemHost()
	withCards(t, card.Options{})(h)
	s := begin(t, h, start(code))
	asked := s.Outcome().Queries
	s.Close()
	live := len(h.events)
	h.state = map[string][]byte{"default\x00k": []byte(`"changed"`)}
	withCards(t, card.Options{})(h)
	s = restore(t, h)
	if d := cmp.Diff(asked, s.Outcome().Queries); d != "" {
		t.Errorf("queries (-live +restored):\n%s", d)
	}
	o, err := s.Answer(t.Context(), []Answer{{Response: "x"}})
	if err != nil || o.Failure != nil {
		t.Fatalf("%+v, %v", o, err)
	}
	for _, want := range []string{`[1,true,["k"],["k"],{"data":{"x":1}},2,`, `"v":1`, `"name":"x"`, `[{"n":1}]`, `"root":"b"`} {
		if !strings.Contains(string(o.Output), want) {
			t.Errorf("%s lacks %s", o.Output, want)
		}
	}
	if len(h.events) != live+2 {
		t.Errorf("%d events after the pause, want the answer and the end", len(h.events)-live)
	}
	if err := Check(t.Context(), h, testVMs(), h.events); err != nil {
		t.Error(err)
	}
}

func TestSinkBackfill(t *testing.T) {
	root := t.TempDir()
	full, broken := "file://"+root+"/mirror", "file:///dev/null/x"
	o, _ := play(t, func(h *memHost) {
		dir := t.TempDir()
		before, err := card.Open(dir, card.Options{})
		if err != nil {
			t.Fatal(err)
		}
		old := newMemHost()
		old.cards = before
		begin(t, old, start(`alc.card.create{card_id = "a", pkg = {name = "p"}} alc.card.write_samples("a", {1})`))
		if h.cards, err = card.Open(dir, card.Options{Sinks: []string{full, broken}}); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(root, "mirror")); err != nil {
			t.Fatal(err)
		}
	}, start(`
		local fill = alc.card.sink_backfill
		local a, b, c = fill{sink = "`+full+`", dry_run = true}, fill{sink = "`+full+`"}, fill{sink = "`+full+`"}
		local d = fill{sink = "`+broken+`"}
		return {a.pushed, a.pushed_samples, b.pushed, b.skipped, b.failed, c.pushed, c.skipped, b.sink == "`+full+`", #d.failed, d.failed[1][1], #d.failed[1]}`))
	if d := cmp.Diff(`[["a"],1,["a"],0,[],[],1,true,1,"a",2]`, string(o.Output)); d != "" {
		t.Errorf("(-want +got):\n%s\n%+v", d, o.Failure)
	}
}

// Without a home there are no cards, and a script can tell.
func TestNoCards(t *testing.T) {
	o, _ := play(t, nil, start(messages+`
		local c, out = alc.card, {}
		for i, call in ipairs{{c.create, {pkg = {name = "p"}}}, {c.append, "a", {}}, {c.list}, {c.alias_set, "a", "b"}, {c.write_samples, "a", {}}, {c.open}} do
			out[i] = raised(call[1], call[2], call[3])
		end
		return out`))
	var want []string
	for range 6 {
		want = append(want, string(errNoCards))
	}
	if d := cmp.Diff(`["`+strings.Join(want, `","`)+`"]`, string(o.Output)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
