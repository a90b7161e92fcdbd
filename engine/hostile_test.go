package engine

import (
	"strings"
	"testing"
)

// Whatever a script passes is an error of the script: the session goes on.
func TestArgumentsNeverBreakASession(t *testing.T) {
	for code, want := range map[string]string{
		`alc.fork({nil, "m"}, {})`: "invalid strategy name nil",
		`alc.fork(setmetatable({}, {__len = function() return 1 end}), {})`:  "invalid strategy name nil",
		`alc.fork(setmetatable({}, {__len = function() return -1 end}), {})`: "must be a non-empty array",
		`package.searchers[1](5.5)`:                                          "no file '5.5.lua'",
		`package.searchers[1]({})`:                                           "string expected, got table",
		`package.searchers[1]()`:                                             "string expected, got no value",
		`package.searchers[2]({})`:                                           "string expected, got table",
	} {
		o := begin(t, newMemHost(), start("error(("+code+"), 0)")).Outcome()
		if o.Failure == nil || !strings.Contains(o.Failure.Message, want) {
			t.Errorf("%s: %+v, want %s", code, o.Failure, want)
		}
	}
}

// A message longer than the border takes is cut as any long one.
func TestLongMessagesAreCut(t *testing.T) {
	for _, code := range []string{
		`print(("x"):rep(5 << 20))`,
		`alc.log("info", ("x"):rep(5 << 20))`,
	} {
		s := begin(t, newMemHost(), start(code+` alc.llm("p")`))
		logs := s.Info().Logs
		if len(logs) != 1 || logs[0].Message != strings.Repeat("x", maxMessage)+"…" {
			t.Errorf("%s: %d lines; the session: %+v", code, len(logs), s.Outcome().Failure)
		}
	}
	s := begin(t, newMemHost(), start(`alc.progress(1, 2, ("x"):rep(5 << 20)) alc.llm("p")`))
	if p := s.Info().Progress; p == nil || p.Message == nil {
		t.Errorf("no progress; the session: %+v", s.Outcome().Failure)
	}
}
