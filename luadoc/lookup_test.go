package luadoc

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBelow(t *testing.T) {
	api := loaded(t)
	names := func(of string) []string {
		var out []string
		for _, m := range api.Below(of) {
			out = append(out, m.Name)
		}
		return out
	}
	for of, want := range map[string][]string{
		"alc.llm":        {"alc.llm"},
		"alc.stats":      {"alc.stats.record", "alc.stats.get", "alc.stats.llm_calls"},
		"alc.env":        {"alc.env", "alc.env:get", "alc.env:use"},
		"evalframe.bind": {"evalframe.bind", "evalframe.bind.is_binding"},
		"alc.sta":        nil,
	} {
		if d := cmp.Diff(want, names(of)); d != "" {
			t.Errorf("%s (-want +got):\n%s", of, d)
		}
	}
}

func TestNearest(t *testing.T) {
	api := loaded(t)
	for name, want := range map[string]string{
		"alc.lml":          "alc.llm",
		"alc.json_decoed":  "alc.json_decode",
		"alc.stat.get":     "alc.state.get",
		"alc.mean":         "alc.math.mean",
		"alc.hash":         "",
		"alc.teleport":     "",
		"alc.math.stdevs":  "alc.math.stddev",
		"alc.card.creates": "alc.card.create",
	} {
		if got := api.Nearest(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"llm", "lml", 1}} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("%s to %s: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestHelp(t *testing.T) {
	help := loaded(t).Member("alc.llm_batch").Help()
	for _, want := range []string{"alc.llm_batch(items) → string[]\n  ask\n", "  items: alc.Query[], at least one\n", "  raises: an empty list\n", "    -- answers: [\"4\",\"6\"]\n"} {
		if !strings.Contains(help, want) {
			t.Errorf("no %q in\n%s", want, help)
		}
	}
}
