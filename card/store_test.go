package card

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/journal/sqlite"
)

// bed is a store over a real journal.
type bed struct {
	*Store
	t       testing.TB
	journal journal.Store
	head    journal.Head
	maker   Maker
}

func newBed(t testing.TB, o Options) *bed {
	t.Helper()
	dir := t.TempDir()
	j, err := sqlite.Open(t.Context(), filepath.Join(dir, "journal"), sqlite.Options{Durability: "process"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := Open(filepath.Join(dir, "cards"), o)
	if err != nil {
		t.Fatal(err)
	}
	return &bed{Store: s, t: t, journal: j, maker: Maker{
		Now: time.Date(2026, 3, 1, 12, 30, 15, 0, time.FixedZone("", 3600)), Version: "1.2.3", Unique: "s-1/7",
	}}
}

// commit runs a transaction as a session does.
func (b *bed) commit(fn func(tx journal.Tx) error) error {
	b.t.Helper()
	batch := journal.Batch{SID: "s-1", Epoch: 1, After: b.head.Seq, Apply: func(tx journal.Tx) ([]journal.Event, error) { return nil, fn(tx) }}
	if b.head.Seq == 0 {
		batch.Events = []journal.Event{{Kind: journal.Started, At: b.maker.Now}}
	}
	head, err := b.journal.Append(b.t.Context(), batch)
	if err == nil {
		b.head = head
	}
	return err
}

func (b *bed) settle() {
	b.t.Helper()
	last, err := b.Settle(b.t.Context(), b.journal.View)
	if err != nil {
		b.t.Fatal(err)
	}
	if last == "" {
		return
	}
	if err := b.commit(func(tx journal.Tx) error { return Forget(tx, last) }); err != nil {
		b.t.Fatal(err)
	}
}

// create writes a card and returns its id.
func (b *bed) create(text string) string {
	b.t.Helper()
	id, err := b.tryCreate(text)
	if err != nil {
		b.t.Fatalf("%s: %v", text, err)
	}
	b.settle()
	return id
}

func (b *bed) tryCreate(text string) (id string, err error) {
	in := table(b.t, text)
	if err := b.Prepare(in); err != nil {
		return "", err
	}
	err = b.commit(func(tx journal.Tx) error {
		id, _, err = b.Create(tx, in, b.maker)
		return err
	})
	return id, err
}

func wantRefusal(t testing.TB, err error, text string) {
	t.Helper()
	var r Refusal
	if !errors.As(err, &r) || !strings.Contains(string(r), text) {
		t.Errorf("got %v, want a refusal with %q", err, text)
	}
}

// files returns the names below the root and what is in them.
func (b *bed) files() map[string]string {
	b.t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(b.root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == lockFile {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(b.root, path)
		found[name] = string(data)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

func TestCreate(t *testing.T) {
	t.Parallel()
	b := newBed(t, Options{})
	id := b.create(`{"pkg":{"name":"cot"},"model":{"id":"claude-opus-4-6"},"params":{"b":2,"a":"x"},"gone":null}`)
	if !strings.HasPrefix(id, "cot_opus46_20260301T113015_") || len(id) != len("cot_opus46_20260301T113015_")+6 {
		t.Errorf("id %s", id)
	}
	got, err := b.Get(id)
	if err != nil {
		t.Fatal(err)
	}
	want := table(t, `{"pkg":{"name":"cot"},"model":{"id":"claude-opus-4-6"},"params":{"b":2,"a":"x"},"schema_version":"card/v0",
		"created_at":"2026-03-01T11:30:15Z","created_by":"alc@1.2.3","param_fingerprint":"1f71ae11cb220636"}`)
	want["card_id"] = id
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if names := slices.Collect(maps.Keys(b.files())); len(names) != 1 || names[0] != "cot/"+id+".toml" {
		t.Errorf("files %v", names)
	}
	if missing, err := b.Get("none"); missing != nil || err != nil {
		t.Errorf("an unknown card: %v, %v", missing, err)
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	b := newBed(t, Options{})
	for card, want := range map[string]string{
		`{"pkg":{"name":"p"}}`:                                                               "p_model_",
		`{"pkg":{"name":"p"},"model":{"id":"gpt-4o.mini"}}`:                                  "p_4omini_",
		`{"pkg":{"name":"p"},"model":{"id":"Llama/3-8B"}}`:                                   "p_Llama38B_",
		`{"pkg":{"name":"p"},"model":{"id":"claude-"}}`:                                      "p_model_",
		`{"pkg":{"name":"p"},"model":{"id":5}}`:                                              "p_model_",
		`{"pkg":{"name":"p"},"model":{"id":"m"},"run":{"flow":"my-flow","status":"failed"}}`: "p_myflow_",
		`{"pkg":{"name":"p"},"card_id":""}`:                                                  "p_model_",
		`{"pkg":{"name":"p"},"card_id":"own"}`:                                               "own",
	} {
		if id := b.create(card); !strings.HasPrefix(id, want) {
			t.Errorf("%s: %s", card, id)
		}
	}
	// The same card again within a second gets a name of its own, the same one for the same maker.
	ids := map[string]bool{}
	for range 3 {
		ids[b.create(`{"pkg":{"name":"again"}}`)] = true
	}
	if len(ids) != 3 {
		t.Errorf("ids %v", ids)
	}
	again := newBed(t, Options{})
	for range 3 {
		if id := again.create(`{"pkg":{"name":"again"}}`); !ids[id] {
			t.Errorf("%s is not one of %v", id, ids)
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	b := newBed(t, Options{})
	b.create(`{"pkg":{"name":"p"},"card_id":"taken"}`)
	before := b.files()
	for card, want := range map[string]string{
		`{}`:                                                  "pkg.name is required",
		`{"pkg":{"name":5}}`:                                  "pkg.name is required",
		`{"pkg":{"name":""}}`:                                 "Invalid pkg name: ''",
		`{"pkg":{"name":"a/b"}}`:                              "Invalid pkg name: 'a/b'",
		`{"pkg":{"name":".."}}`:                               "Invalid pkg name: '..'",
		`{"pkg":{"name":".hidden"}}`:                          "Invalid pkg name",
		`{"pkg":{"name":"_aliases.toml"}}`:                    "Invalid pkg name",
		`{"pkg":{"name":"a\u0000"}}`:                          "Invalid pkg name",
		`{"pkg":{"name":"p"},"card_id":"x\\y"}`:               `Invalid card_id name: 'x\y'`,
		`{"pkg":{"name":"p"},"card_id":"taken"}`:              "alc.card.create: card 'taken' already exists (immutable)",
		`{"pkg":{"name":"` + strings.Repeat("p", 201) + `"}}`: "Invalid pkg name",
		`{"pkg":{"name":"` + strings.Repeat("p", 190) + `"}}`: "Invalid card_id name", // with the model and the time
	} {
		_, err := b.tryCreate(card)
		wantRefusal(t, err, want)
	}
	b.settle()
	if d := cmp.Diff(before, b.files()); d != "" {
		t.Errorf("a refusal wrote something:\n%s", d)
	}
	if id := b.create(`{"pkg":{"name":"q"},"card_id":"taken"}`); id != "taken" {
		t.Errorf("another package's card: %s", id)
	}
	if err := os.WriteFile(filepath.Join(b.root, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := b.tryCreate(`{"pkg":{"name":"file"}}`)
	wantRefusal(t, err, "cannot write below")
}

func TestRunSections(t *testing.T) {
	t.Parallel()
	for run, want := range map[string]string{
		`{"status":"succeeded"}`: "", `{"status":"failed","reason":"x"}`: "", `{"status":"skipped"}`: "",
		`{"status":"weird"}`: `got "weird"`, `{}`: "status is missing", `5`: "got number", `{"status":5}`: "got 5",
	} {
		err := CheckRun(map[string]any{"run": parse(t, run)})
		if want == "" && err != nil {
			t.Errorf("%s: %v", run, err)
		} else if want != "" {
			wantRefusal(t, err, want)
		}
		if err := CheckOutcome(parse(t, run)); (err == nil) != (want == "") {
			t.Errorf("outcome %s: %v", run, err)
		}
	}
	if err := CheckRun(map[string]any{}); err != nil {
		t.Error(err)
	}
	wantRefusal(t, CheckOutcome(parse(t, `{"status":"failed","error":5}`)), "error must be a string")
}

// What others wrote, and how: files of the original, damaged ones, cards of one name.
func TestForeignFiles(t *testing.T) {
	t.Parallel()
	b := newBed(t, Options{})
	for name, content := range map[string]string{
		"zz/x.toml": "card_id = \"other\"\nd = 2026-01-02\n", "zz/bad.toml": "card_id =", "zz/.tmp.toml": "", "zz/notes.txt": "",
		"aa/x.toml": "v = 1\n", "loose.toml": "", "zz/y.samples.jsonl": "{}\n",
	} {
		path := filepath.Join(b.root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if c, err := b.Get("x"); err != nil || string(Encode(c)) != `{"v":1}` {
		t.Errorf("the first package wins: %s, %v", Encode(c), err)
	}
	found, err := b.Find(Query{})
	want := []Summary{{CardID: "x", Pkg: "aa"}, {CardID: "other", Pkg: "zz"}}
	if d := cmp.Diff(want, found); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	_, err = b.Get("bad")
	wantRefusal(t, err, "Failed to parse card 'bad'")
	for _, pkg := range []string{"", "none", "a/b"} {
		rows, err := b.rows(pkg)
		if pkg == "a/b" {
			wantRefusal(t, err, "Invalid pkg name")
		} else if err != nil || (len(rows) == 0) != (pkg == "none") {
			t.Errorf("%q: %v, %v", pkg, rows, err)
		}
	}
}

// A file that changes is read again.
func TestCache(t *testing.T) {
	t.Parallel()
	b := newBed(t, Options{})
	b.create(`{"pkg":{"name":"p"},"card_id":"a"}`)
	for i := range 3 {
		if _, err := b.append("a", fmt.Sprintf(`{"k%d":%d}`, i, i)); err != nil {
			t.Fatal(err)
		}
		b.settle()
		c, err := b.Get("a")
		if err != nil || c[fmt.Sprintf("k%d", i)] != int64(i) {
			t.Errorf("after %d appends: %v, %v", i+1, c, err)
		}
	}
}

// Settle waits no longer than its context.
func TestSettleCancelled(t *testing.T) {
	t.Parallel()
	b := newBed(t, Options{})
	if _, err := b.tryCreate(`{"pkg":{"name":"p"},"card_id":"a"}`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Settle(ctx, b.journal.View); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	b.settle()
	if c, err := b.Get("a"); c == nil || err != nil {
		t.Errorf("%v, %v", c, err)
	}
}
