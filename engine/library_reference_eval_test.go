package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// evaluating makes a call of alc.eval without judges, whose words are ours, and what of its report
// is compared: times, the texts of errors and the last decimal of the summary are not.
func (r random) evaluating() string {
	text := func() string { return r.one("'a'", "'answer 1'", "'answer'", "'{}'", "''", "'7'", "'é'") }
	list := func() string { return r.one("nil", text(), "{"+text()+", "+text()+"}") }
	evalCase := func() string {
		return fmt.Sprintf("{ input = %s, expected = %s, tags = %s, name = %s, context = %s }", text(), list(),
			r.one("nil", "{ 'x' }", "{ 'x', 'y' }"), r.one("nil", "'n'"), r.one("nil", "{ pattern = 'a' }"))
	}
	cases := "{ " + strings.Join([]string{evalCase(), evalCase(), evalCase(), evalCase(), evalCase()}[:1+r.IntN(5)], ", ") + " }"
	graders := r.one("nil", "{ 'exact_match' }", "{ 'contains', 'not_empty' }", "{ 'regex', 'json_valid', 'length' }", "{ 'nothing' }", "{ 5 }")
	scenario := fmt.Sprintf("{ name = %s, graders = %s, cases = %s }", r.one("nil", "'mine'"), graders, cases)
	if r.IntN(2) == 0 {
		scenario = fmt.Sprintf("{ ef.bind { ef.graders.%s, weight = %s }, ef.bind { ef.graders.%s, ef.scorers.%s }, name = 'full', cases = %s }",
			r.one("contains", "exact_match"), r.one("0.6", "1", "0"), r.one("length", "not_empty", "starts_with", "flexible_match"), r.one("linear_1_10", "bool", "pass_50", "band_1_5"), cases)
	}
	run := r.one("ctx.result = alc.llm(ctx.task) return ctx", "return alc.llm(ctx.task .. (ctx.extra or ''))", "return { result = { answer = 'a', n = ctx.extra } }",
		"error('broken')", "return nil", "ctx.result = { x = ctx.task } return ctx", "return { answer = ctx.task }", "alc.llm(ctx.task) alc.llm('again') return { result = '7' }")
	return fmt.Sprintf(`function()
		local ef = require("evalframe")
		package.preload.strategy, package.loaded.strategy = function() return { run = function(ctx) %s end } end, nil
		local r = alc.eval(%s, %s, { strategy_opts = %s })
		local function short(v)
			if math.type(v) == "float" then return tonumber(string.format("%%.9e", v)) end
			if type(v) ~= "table" then return v end
			local out = {}
			for k, x in pairs(v) do out[k] = short(x) end
			return out
		end
		local out = { r.name, short(r.aggregated), (r.summary:gsub("(%%d%%.%%d%%d)%%d", "%%1")), #r.failures }
		for i, x in ipairs(r.results) do
			local grades = {}
			for j, g in ipairs(x.grades) do grades[j] = { g.grader, short(g.score), type(g.grade), g.weight, g.error ~= nil, g.warning ~= nil } end
			out[#out + 1] = { short(x.score), x.passed, x.response.text, x.response.error ~= nil, x.response.model, x.case.name, x.case.expected, grades }
		end
		return out
	end`, run, scenario, r.one("'strategy'", "'strategy'", "'strategy'", "'none'"), r.one("nil", "nil", "{ extra = '!' }", "{ task = 'other' }"))
}

// Evaluations ask what the original asks and come to the same numbers.
func TestEvalAgainstReference(t *testing.T) {
	c, r := reference(t)
	for range 120 {
		code := comparing + "try(" + r.evaluating() + ")\nreturn out"
		theirs := askReference(t, c, code, map[string]any{})
		ours := askOurs(t, code, map[string]any{})
		if d := cmp.Diff(theirs, ours); d != "" {
			t.Errorf("%s\n(-reference +ours)\n%s", code[len(comparing):], d)
		}
	}
}
