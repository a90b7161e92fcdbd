package luadoc_test

import (
	"maps"
	"testing"

	"github.com/algocline/algocline/journal"
	"github.com/algocline/algocline/luadoc"
)

// elsewhere are members whose examples leave something else, each with its reason.
var elsewhere = map[string]string{
	"ctx":                    "it is part of the session's start",
	"alc.env":                "it is part of the session's start",
	"alc.env:get":            "it is part of the session's start",
	"alc.env:use":            "it is part of the session's start",
	"alc._dirs":              "it is part of the session's start",
	"alc.llm_safe":           "the example shows a call that fails",
	"alc.card.open":          "run cards are off",
	"alc.card.close":         "run cards are off",
	"alc.card.sink_backfill": "the example shows a mirror that is not there",
	"io.open":                "the example shows a file that was not granted",
	"alc.log":                "what a script says is no event",
	"alc.log_fmt":            "what a script says is no event",
	"alc.progress":           "what a script says is no event",
	"alc.stats.record":       "what a script says is no event",
	"print":                  "what a script says is no event",
	"warn":                   "what a script says is no event",
	"require":                "a module is an event of its own kind",
	"package.searchpath":     "a module is an event of its own kind",
	"alc.cache_info":         "the example asks, to have something to count",
	"alc.stats.llm_calls":    "the example asks, to have something to count",
	"evalframe.suite":        "the example runs the suite, which reads the clock",
}

// agrees tells whether what an example left fits the class of its member.
func agrees(class luadoc.Class, left map[journal.Kind]bool) bool {
	switch class {
	case luadoc.Pure:
		return !left[journal.Read] && !left[journal.Effect] && !left[journal.Asked]
	case luadoc.Read:
		return left[journal.Read]
	case luadoc.Effect:
		return left[journal.Effect]
	case luadoc.Ask:
		return left[journal.Asked]
	}
	return true // composite: whatever it runs; refused: nothing that would tell
}

// The class of a member is what its example leaves in the journal.
func TestClasses(t *testing.T) {
	t.Parallel()
	packages := map[string]string{}
	for _, th := range api(t).Themes {
		maps.Copy(packages, th.Packages)
	}
	home := sessions(t, packages)
	for _, m := range api(t).Members() {
		if m.Spec {
			continue // a spec file is no session: nothing is recorded
		}
		_, sid := record(t, home, m.Example, m.Ctx, m.Answers...)
		_, events, err := home.store.Events(t.Context(), sid, 0)
		if err != nil {
			t.Fatal(err)
		}
		left := map[journal.Kind]bool{}
		for _, e := range events {
			left[e.Kind] = true
		}
		switch fits, why := agrees(m.Class, left), elsewhere[m.Name]; {
		case !fits && why == "":
			t.Errorf("%s is called %s, and its example leaves %v", m.Name, m.Class, left)
		case fits && why != "":
			t.Errorf("%s is listed as an exception (%s) and is none", m.Name, why)
		}
	}
}
