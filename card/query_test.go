package card

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fill writes the cards that the queries ask about.
func fill(t *testing.T, b *bed) {
	t.Helper()
	for _, c := range []string{
		`{"card_id":"c1","pkg":{"name":"cot"},"created_at":"2026-01-01T00:00:00Z","model":{"id":"opus"},"scenario":{"name":"gsm"},"stats":{"pass_rate":0.5,"n":10}}`,
		`{"card_id":"c2","pkg":{"name":"cot"},"created_at":"2026-01-02T00:00:00Z","stats":{"pass_rate":1,"n":20}}`,
		`{"card_id":"c3","pkg":{"name":"sc"},"created_at":"2026-01-03T00:00:00Z","stats":{"pass_rate":0.7,"n":10},"run":{"status":"failed","flow":"f","reason":"it\nbroke"}}`,
		`{"card_id":"c4","pkg":{"name":"sc"},"created_at":"2026-01-03T00:00:00Z","stats":{"pass_rate":"none"}}`,
		`{"card_id":"c5","pkg":{"name":"sc"},"created_at":5}`,
	} {
		if _, err := b.tryCreate(c); err != nil {
			t.Fatal(err)
		}
	}
	b.settle()
}

func ids(list []Summary) string {
	var names []string
	for _, s := range list {
		names = append(names, s.CardID)
	}
	return strings.Join(names, " ")
}

func TestFind(t *testing.T) {
	t.Parallel()
	b := newBed(t, Options{})
	if found, err := b.Find(Query{}); len(found) != 0 || err != nil {
		t.Errorf("no cards at all: %v, %v", found, err)
	}
	fill(t, b)
	for _, tt := range []struct {
		name, pkg, where, order string
		offset                  int
		limit                   int // -1: none
		want                    string
	}{
		{"newest first, then by name, then without a date", "", ``, ``, 0, -1, "c4 c3 c2 c1 c5"},
		{"package", "cot", ``, ``, 0, -1, "c2 c1"},
		{"unknown package", "zzz", ``, ``, 0, -1, ""},
		{"where", "", `{"stats":{"n":10.0}}`, ``, 0, -1, "c3 c1"},
		{"where and package", "sc", `{"stats":{"exists":true}}`, ``, 0, -1, "c4 c3"},
		{"ascending, missing last", "", `{"stats":{"pass_rate":{"ne":"none"}}}`, `"stats.pass_rate"`, 0, -1, "c1 c3 c2 c5"},
		{"descending, missing first", "", `{"stats":{"pass_rate":{"ne":"none"}}}`, `"-stats.pass_rate"`, 0, -1, "c5 c2 c3 c1"},
		{"two keys", "", `{"stats":{"n":{"exists":true}}}`, `["stats.n","-stats.pass_rate"]`, 0, -1, "c3 c1 c2"},
		{"no keys", "", ``, `[]`, 0, -1, "c4 c3 c2 c1 c5"},
		{"ties keep the usual order", "", ``, `"pkg.name"`, 0, -1, "c2 c1 c4 c3 c5"},
		{"limit", "", ``, ``, 0, 2, "c4 c3"},
		{"offset and limit", "", ``, ``, 1, 2, "c3 c2"},
		{"limit 0", "", ``, ``, 0, 0, ""},
		{"beyond the end", "", ``, ``, 99, 2, ""},
	} {
		q := Query{Pkg: tt.pkg, Offset: tt.offset}
		var err error
		if tt.where != "" {
			if q.Where, err = ParseFilter(parse(t, tt.where)); err != nil {
				t.Fatal(err)
			}
		}
		if tt.order != "" {
			if q.OrderBy, err = ParseOrder(parse(t, tt.order)); err != nil {
				t.Fatal(err)
			}
		}
		if tt.limit >= 0 {
			q.Limit = &tt.limit
		}
		found, err := b.Find(q)
		if got := ids(found); got != tt.want || err != nil {
			t.Errorf("%s: got %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestSummaries(t *testing.T) {
	t.Parallel()
	b := newBed(t, Options{})
	fill(t, b)
	found, err := b.Find(Query{})
	if err != nil {
		t.Fatal(err)
	}
	var got []any
	for _, s := range found {
		got = append(got, s.Value())
	}
	want := parse(t, `[
		{"card_id":"c4","pkg":"sc","created_at":"2026-01-03T00:00:00Z"},
		{"card_id":"c3","pkg":"sc","created_at":"2026-01-03T00:00:00Z","pass_rate":0.7,"flow":"f"},
		{"card_id":"c2","pkg":"cot","created_at":"2026-01-02T00:00:00Z","pass_rate":1},
		{"card_id":"c1","pkg":"cot","created_at":"2026-01-01T00:00:00Z","pass_rate":0.5,"model":"opus","scenario":"gsm"},
		{"card_id":"c5","pkg":"sc"}]`)
	if d := cmp.Diff(want, any(got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestPast(t *testing.T) {
	t.Parallel()
	b := newBed(t, Options{})
	fill(t, b)
	for name, tt := range map[string]struct {
		id, pkg string
		limit   int
		want    string
	}{
		"package": {"", "sc", 5, "<past_cards>\nCard 01/03 pkg=sc card_id=c4\n" +
			"Card 01/03 pkg=sc card_id=c3 run.status=failed Rating 0.7 reason=it broke\nCard pkg=sc card_id=c5\n</past_cards>"},
		"limit":           {"", "cot", 1, "<past_cards>\nCard 01/02 pkg=cot card_id=c2 Rating 1.0\n</past_cards>"},
		"limit 0":         {"", "cot", 0, ""},
		"card":            {"c1", "", 0, "<past_cards>\nCard 01/01 pkg=cot card_id=c1 Rating 0.5\n</past_cards>"},
		"unknown card":    {"ghost", "", 5, ""},
		"unknown package": {"", "ghost", 5, ""},
	} {
		got, err := b.Past(tt.id, tt.pkg, tt.limit)
		if got != tt.want || err != nil {
			t.Errorf("%s: %v\ngot  %q\nwant %q", name, err, got, tt.want)
		}
	}
	_, err := b.Past("a/b", "", 5)
	wantRefusal(t, err, "Invalid card_id")
}

func TestLineage(t *testing.T) {
	t.Parallel()
	b := newBed(t, Options{})
	for _, c := range [][3]string{{"g", "", ""}, {"p", "g", "tuned"}, {"c", "p", "rerun"}, {"d", "c", ""}, {"p2", "g", "rerun"},
		{"lost", "nowhere", "r"}, {"l1", "l2", "r"}, {"l2", "l1", "r"}, {"self", "self", "r"}} {
		card := `{"card_id":"` + c[0] + `","pkg":{"name":"p"},"stats":{"n":1}`
		if c[1] != "" {
			card += `,"metadata":{"prior_card_id":"` + c[1] + `"`
			if c[2] != "" {
				card += `,"prior_relation":"` + c[2] + `"`
			}
			card += "}"
		}
		if _, err := b.tryCreate(card + "}"); err != nil {
			t.Fatal(err)
		}
	}
	b.settle()
	for _, tt := range []struct {
		name      string
		q         LineageQuery
		nodes     string
		edges     string
		truncated bool
	}{
		{"up", LineageQuery{CardID: "c", Depth: 10}, "c0 p-1 g-2", "c>p:rerun p>g:tuned", false},
		{"down, by generation", LineageQuery{CardID: "g", Direction: "down", Depth: 10}, "g0 p1 p21 c2 d3", "p>g:tuned p2>g:rerun c>p:rerun d>c:", false},
		{"both", LineageQuery{CardID: "p", Direction: "both", Depth: 10}, "p0 g-1 c1 d2", "p>g:tuned c>p:rerun d>c:", false},
		{"cut above", LineageQuery{CardID: "d", Depth: 1}, "d0 c-1", "d>c:", true},
		{"just not cut", LineageQuery{CardID: "d", Depth: 3}, "d0 c-1 p-2 g-3", "d>c: c>p:rerun p>g:tuned", false},
		{"cut below", LineageQuery{CardID: "g", Direction: "down", Depth: 1}, "g0 p1 p21", "p>g:tuned p2>g:rerun", true},
		{"depth 0", LineageQuery{CardID: "c"}, "c0", "", true},
		{"relations", LineageQuery{CardID: "c", Depth: 10, Relations: []string{"rerun"}}, "c0 p-1", "c>p:rerun", false},
		{"no relation is in no list", LineageQuery{CardID: "d", Depth: 10, Relations: []string{"", "rerun"}}, "d0", "", false},
		{"no relations", LineageQuery{CardID: "c", Depth: 10, Relations: []string{}}, "c0", "", false},
		{"a missing card", LineageQuery{CardID: "lost", Depth: 10}, "lost0", "", false},
		{"a cycle", LineageQuery{CardID: "l1", Direction: "both", Depth: 10}, "l10 l2-1", "l1>l2:r", false},
		{"a cycle of one", LineageQuery{CardID: "self", Direction: "both", Depth: 10}, "self0", "", false},
	} {
		l, err := b.Lineage(tt.q)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var nodes, edges []string
		for _, n := range l.Nodes {
			nodes = append(nodes, n.CardID+string(Encode(int64(n.Depth))))
			if n.Stats != nil {
				t.Errorf("%s: stats that nobody asked for", tt.name)
			}
		}
		for _, e := range l.Edges {
			edges = append(edges, e.From+">"+e.To+":"+e.Relation)
		}
		if got := strings.Join(nodes, " "); got != tt.nodes {
			t.Errorf("%s: nodes %q, want %q", tt.name, got, tt.nodes)
		}
		if got := strings.Join(edges, " "); got != tt.edges || l.Truncated != tt.truncated {
			t.Errorf("%s: edges %q, truncated %v", tt.name, got, l.Truncated)
		}
	}
	l, err := b.Lineage(LineageQuery{CardID: "p", Stats: true, Depth: 1})
	want := `{"edges":[{"from":"p","relation":"tuned","to":"g"}],"nodes":[` +
		`{"card_id":"p","depth":0,"pkg":"p","prior_card_id":"g","prior_relation":"tuned","stats":{"n":1}},` +
		`{"card_id":"g","depth":-1,"pkg":"p","stats":{"n":1}}],"root":"p","truncated":false}`
	if d := cmp.Diff(want, string(Encode(l.Value()))); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	if l, err := b.Lineage(LineageQuery{CardID: "ghost"}); l != nil || err != nil {
		t.Errorf("an unknown card: %v, %v", l, err)
	}
	_, err = b.Lineage(LineageQuery{CardID: "p", Direction: "sideways"})
	wantRefusal(t, err, "(got 'sideways')")
}

func TestSinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mirror, late, broken := dir+"/mirror", dir+"/late", "/dev/null/x"
	b := newBed(t, Options{Sinks: SplitSinks("file://" + mirror + "| |file://" + broken + "|file://" + late)})
	b.create(`{"pkg":{"name":"p"},"card_id":"a"}`)
	if _, err := b.append("a", `{"more":1}`); err != nil {
		t.Fatal(err)
	}
	if err := b.samples("a", `[1]`); err != nil {
		t.Fatal(err)
	}
	if err := b.alias("x", "a", ""); err != nil {
		t.Fatal(err)
	}
	b.settle()
	mirrored := &bed{Store: &Store{root: mirror}, t: t}
	if d := cmp.Diff(b.files(), mirrored.files()); d != "" {
		t.Errorf("the mirror differs (-store +mirror):\n%s", d)
	}
	if n := b.SinkFailures(); n != 4 {
		t.Errorf("%d failures, want one a change", n)
	}

	lacking := newBed(t, Options{Sinks: []string{"file://" + late + "2"}})
	lacking.root = b.root
	uri := "file://" + late + "2"
	for _, tt := range []struct {
		dry     bool
		pushed  int
		skipped int
		samples int
	}{{true, 1, 0, 1}, {false, 1, 0, 1}, {false, 0, 1, 0}} {
		got, err := lacking.Backfill(uri, tt.dry)
		if err != nil || len(got.Pushed) != tt.pushed || got.Skipped != tt.skipped || got.PushedSamples != tt.samples || len(got.Failed) != 0 {
			t.Errorf("%+v: %+v, %v", tt, got, err)
		}
	}
	if got, err := b.Backfill("file://"+broken, false); err != nil || len(got.Failed) != 1 || got.Failed[0][0] != "a" {
		t.Errorf("%+v, %v", got, err)
	}
	_, err := b.Backfill("file:///nowhere", false)
	wantRefusal(t, err, "unknown sink: file:///nowhere")
	for _, uri := range []string{"http://x/y", "/plain/path", "file://host/x", "file://relative", ":"} {
		if _, err := Open("/x", Options{Sinks: []string{uri}}); err == nil {
			t.Errorf("%q is taken for a sink", uri)
		}
	}
}
