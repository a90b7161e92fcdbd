package card

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/journal"
)

// story makes one change of each kind.
func story(t *testing.T, b *bed) {
	t.Helper()
	if _, err := b.tryCreate(`{"pkg":{"name":"p"},"card_id":"a"}`); err != nil {
		t.Fatal(err)
	}
	if _, err := b.append("a", `{"k":1}`); err != nil {
		t.Fatal(err)
	}
	if err := b.samples("a", `[{"i":1}]`); err != nil {
		t.Fatal(err)
	}
	if err := b.alias("x", "a", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := b.tryCreate(`{"pkg":{"name":"p"},"card_id":"b"}`); err != nil {
		t.Fatal(err)
	}
	if err := b.alias("x", "b", ""); err != nil {
		t.Fatal(err)
	}
}

// A process dies after some of the changes are in the files, and the next one begins again: the
// files end as if nothing had happened.
func TestSettleAgain(t *testing.T) {
	t.Parallel()
	whole := newBed(t, Options{})
	story(t, whole)
	whole.settle()
	want := whole.files()
	for done := range 7 {
		b := newBed(t, Options{})
		story(t, b)
		_, changes := outbox(t, b)
		if len(changes) != 6 {
			t.Fatalf("%d changes wait, want 6", len(changes))
		}
		for _, c := range changes[:done] {
			if err := b.carry(c); err != nil {
				t.Fatal(err)
			}
		}
		other := &bed{Store: &Store{root: b.root, parsed: map[string]parsed{}}, t: t, journal: b.journal, head: b.head}
		if _, err := other.Settle(t.Context(), b.journal.View); err != nil { // and dies before it forgets
			t.Fatal(err)
		}
		other.settle()
		if d := cmp.Diff(want, b.files()); d != "" {
			t.Errorf("after %d of the changes (-want +got):\n%s", done, d)
		}
		if keys, _ := outbox(t, b); len(keys) != 0 {
			t.Errorf("still in the outbox: %v", keys)
		}
	}
}

func outbox(t testing.TB, b *bed) (keys []string, changes []Change) {
	t.Helper()
	err := b.journal.View(t.Context(), func(tx journal.Tx) (err error) {
		keys, changes, err = pending(tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys, changes
}

// Numbers never come twice: who settled the changes before others were made forgets only those.
func TestForgetLeavesWhatIsNew(t *testing.T) {
	t.Parallel()
	b := newBed(t, Options{})
	story(t, b)
	late, err := b.Settle(t.Context(), b.journal.View)
	if err != nil {
		t.Fatal(err)
	}
	b.settle()
	if _, err := b.tryCreate(`{"pkg":{"name":"p"},"card_id":"new"}`); err != nil {
		t.Fatal(err)
	}
	if err := b.commit(func(tx journal.Tx) error { return Forget(tx, late) }); err != nil {
		t.Fatal(err)
	}
	if keys, _ := outbox(t, b); len(keys) != 1 || keys[0] <= late {
		t.Errorf("in the outbox: %v", keys)
	}
	b.settle()
	if c, err := b.Get("new"); c == nil || err != nil {
		t.Errorf("%v, %v", c, err)
	}
}

// A place that cannot be written to loses nothing.
func TestSettleFails(t *testing.T) {
	t.Parallel()
	b := newBed(t, Options{})
	story(t, b)
	blocked := b.samplesPath("p", "a")
	if err := os.MkdirAll(filepath.Join(b.root, lockFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Settle(t.Context(), b.journal.View); err == nil || !strings.Contains(err.Error(), "writing cards") {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(filepath.Join(b.root, lockFile)); err != nil {
		t.Fatal(err)
	}
	b.settle()
	if _, err := os.Stat(blocked); err != nil {
		t.Error(err)
	}
}

// A change of a kind that a newer version makes stops an older one, which says so.
func TestUnknownChange(t *testing.T) {
	t.Parallel()
	b := newBed(t, Options{})
	if err := b.commit(func(tx journal.Tx) error { return post(tx, Change{Kind: "rename", Pkg: "p", ID: "a"}) }); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Settle(t.Context(), b.journal.View); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("got %v", err)
	}
}

// Many transactions decide on the same names before anything is in a file: each name has one
// winner, and what the winners wrote is in the files.
func TestDecidedInTheJournal(t *testing.T) {
	t.Parallel()
	b := newBed(t, Options{})
	wins := 0
	for i := range 8 {
		_, err := b.tryCreate(fmt.Sprintf(`{"pkg":{"name":"p"},"card_id":"same","by":%d}`, i))
		if err == nil {
			wins++
			continue
		}
		wantRefusal(t, err, "already exists")
	}
	for i := range 4 {
		if _, err := b.append("same", fmt.Sprintf(`{"first":%d}`, i)); i > 0 {
			wantRefusal(t, err, "already set")
		} else if err != nil {
			t.Fatal(err)
		}
	}
	b.settle()
	c, err := b.Get("same")
	if wins != 1 || err != nil || c["by"] != int64(0) || c["first"] != int64(0) {
		t.Errorf("%d winners; %v, %v", wins, c, err)
	}
}

// What waits reads the same after a round through the journal.
func TestChangeIsStored(t *testing.T) {
	t.Parallel()
	for _, c := range []Change{
		{Kind: created, Pkg: "p", ID: "a", Content: json.RawMessage(`{"f":1.0}`)},
		{Kind: named, ID: "a", Alias: &Alias{Name: "n", CardID: "a", SetAt: "t", Note: "é"}},
	} {
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var got Change
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
}
