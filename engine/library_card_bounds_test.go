package engine

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/algocline/algocline/card"
)

// Answers are bounded.
func TestLargeCardAnswer(t *testing.T) {
	st := start(messages + `
		alc.card.create{card_id = "a", pkg = {name = "p"}}
		for i = 1, 3 do alc.card.append("a", {["k" .. i] = ("x"):rep(700)}) end
		return {raised(alc.card.get, "a"):sub(1, 22), #alc.card.list()}`)
	st.Limits.ResultSize = 1500
	o, _ := play(t, withCards(t, card.Options{}), st)
	if d := cmp.Diff(`["alc.card: an answer of",1]`, string(o.Output)); d != "" {
		t.Errorf("(-want +got):\n%s\n%+v", d, o.Failure)
	}
}

// What is written is bounded by a limit, which nothing catches.
func TestLargeCard(t *testing.T) {
	for _, call := range []string{
		`alc.card.create, {pkg = {name = "p"}, note = big}`, `alc.card.append, "a", {big = big}`,
		`alc.card.write_samples, "a", {big}`, `alc.card.alias_set, "best", "a", {note = big}`,
	} {
		st := start(`local big = ("x"):rep(2000) alc.card.create{card_id = "a", pkg = {name = "p"}} pcall(` + call + `)`)
		st.Limits.ResultSize = 1500
		o, _ := play(t, withCards(t, card.Options{}), st)
		if o.Failure == nil || !strings.HasPrefix(o.Failure.Message, "limit result_size (1500 bytes) reached") {
			t.Errorf("%s: %s %+v", call, o.Output, o.Failure)
		}
	}
}
