package card

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/journal"
)

func (b *bed) append(id, fields string) (merged map[string]any, err error) {
	err = b.commit(func(tx journal.Tx) error {
		merged, err = b.Append(tx, id, table(b.t, fields))
		return err
	})
	return merged, err
}

func TestAppend(t *testing.T) {
	t.Parallel()
	b := newBed(t, Options{})
	b.create(`{"pkg":{"name":"p"},"card_id":"a","zz":1}`)
	merged, err := b.append("a", `{"caveat":{"text":"x"},"none":null}`)
	if err != nil {
		t.Fatal(err)
	}
	// Before it is in the file, the next transaction sees it.
	_, err = b.append("a", `{"caveat":1}`)
	wantRefusal(t, err, "alc.card.append: key 'caveat' already set on card 'a' (immutable)")
	b.settle()
	got, err := b.Get("a")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(merged, got); d != "" {
		t.Errorf("the file is not what was answered (-answered +file):\n%s", d)
	}
	if text(got, "caveat", "text") != "x" {
		t.Errorf("card %v", got)
	}
	before := b.files()
	if merged, err = b.append("a", `{}`); err != nil || len(merged) != len(got) {
		t.Errorf("nothing appended: %v, %v", merged, err)
	}
	_, err = b.append("a", `{"aa":1,"zz":2}`)
	wantRefusal(t, err, "key 'zz'")
	_, err = b.append("ghost", `{}`)
	wantRefusal(t, err, "card 'ghost' not found")
	_, err = b.append("a/b", `{}`)
	wantRefusal(t, err, "Invalid card_id")
	b.settle()
	if d := cmp.Diff(before, b.files()); d != "" {
		t.Errorf("a refusal wrote something:\n%s", d)
	}
}

func (b *bed) alias(name, id, pkg string) error {
	return b.commit(func(tx journal.Tx) error {
		return b.SetAlias(tx, Alias{Name: name, CardID: id, Pkg: pkg, SetAt: b.maker.Stamp()})
	})
}

func TestAliases(t *testing.T) {
	t.Parallel()
	b := newBed(t, Options{})
	b.create(`{"pkg":{"name":"p"},"card_id":"a"}`)
	b.create(`{"pkg":{"name":"p"},"card_id":"b"}`)
	for _, x := range [][3]string{{"one", "a", "p"}, {"two", "a", ""}, {"one", "b", ""}} {
		if err := b.alias(x[0], x[1], x[2]); err != nil {
			t.Fatal(err)
		}
	}
	b.settle()
	got, err := b.Aliases("")
	at := "2026-03-01T11:30:15Z"
	want := []Alias{{Name: "two", CardID: "a", SetAt: at}, {Name: "one", CardID: "b", SetAt: at}}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	if some, err := b.Aliases("p"); len(some) != 0 || err != nil {
		t.Errorf("of a package: %v, %v", some, err)
	}
	if c, err := b.GetByAlias("one"); err != nil || text(c, "card_id") != "b" {
		t.Errorf("%v, %v", c, err)
	}
	if c, err := b.GetByAlias("none"); c != nil || err != nil {
		t.Errorf("%v, %v", c, err)
	}
	wantRefusal(t, b.alias("x/y", "a", ""), "Invalid alias name: 'x/y'")
	wantRefusal(t, b.alias("x", "ghost", ""), "card 'ghost' not found")
	if err := os.Remove(b.cardPath("p", "b")); err != nil {
		t.Fatal(err)
	}
	_, err = b.GetByAlias("one")
	wantRefusal(t, err, "alias 'one' points at missing card 'b'")
	if err := os.WriteFile(filepath.Join(b.root, aliasFile), []byte("[[alias"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, b.alias("x", "a", ""), "mend the file")
	_, err = b.Aliases("")
	wantRefusal(t, err, "Failed to parse aliases")
}

func (b *bed) samples(id, rows string) error {
	return b.commit(func(tx journal.Tx) error {
		list, _ := parse(b.t, rows).([]any)
		_, err := b.WriteSamples(tx, id, list)
		return err
	})
}

func TestSamples(t *testing.T) {
	t.Parallel()
	b := newBed(t, Options{})
	b.create(`{"pkg":{"name":"p"},"card_id":"a"}`)
	b.create(`{"pkg":{"name":"p"},"card_id":"empty"}`)
	if rows, err := b.Samples("a", SampleQuery{}); len(rows) != 0 || err != nil {
		t.Errorf("none written: %v, %v", rows, err)
	}
	if err := errors.Join(b.samples("a", `[{"i":1,"f":1.0},"x",{"i":3}]`), b.samples("empty", `[]`)); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, b.samples("a", `[1]`), "samples already exist for card 'a' (write-once)")
	b.settle()
	wantRefusal(t, b.samples("a", `[1]`), "samples already exist for card 'a' (write-once)")
	wantRefusal(t, b.samples("empty", `[1]`), "already exist")
	wantRefusal(t, b.samples("ghost", `[1]`), "card 'ghost' not found")
	if got, want := b.files()["p/a.samples.jsonl"], "{\"f\":1.0,\"i\":1}\n\"x\"\n{\"i\":3}\n"; got != want {
		t.Errorf("file %q, want %q", got, want)
	}
	two := 2
	filter, err := ParseFilter(parse(t, `{"i":{"exists":true}}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		q    SampleQuery
		want string
	}{
		"all":    {SampleQuery{}, `[{"f":1.0,"i":1},"x",{"i":3}]`},
		"limit":  {SampleQuery{Limit: &two}, `[{"f":1.0,"i":1},"x"]`},
		"offset": {SampleQuery{Offset: 2}, `[{"i":3}]`},
		"beyond": {SampleQuery{Offset: 9}, `[]`},
		"where":  {SampleQuery{Where: filter, Offset: 1}, `[{"i":3}]`},
	} {
		rows, err := b.Samples("a", tt.q)
		if got := string(Encode(rows)); got != tt.want || err != nil {
			t.Errorf("%s: %s, %v; want %s", name, got, err, tt.want)
		}
	}
	if err := os.WriteFile(b.samplesPath("p", "a"), []byte("{\"a\":1}\n\n  \nbad\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = b.Samples("a", SampleQuery{})
	wantRefusal(t, err, "sample line 4 of card 'a'")
	_, err = b.Samples("ghost", SampleQuery{})
	wantRefusal(t, err, "card 'ghost' not found")
}
