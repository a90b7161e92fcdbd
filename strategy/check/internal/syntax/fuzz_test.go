package syntax

import (
	"errors"
	"strings"
	"testing"
)

// Whatever the text, Parse ends, and what it says lies within it.
func FuzzParse(f *testing.F) {
	for _, src := range []string{
		"local a <const>, b = 1, {x = 2; [3] = 4, ...} return a // b",
		"for i = 1, 2 do goto l ::l:: end repeat until f'x':m{}.y",
		"function a.b:c(d, ...) if d then elseif e then else end end",
		"--[==[ c ]==] x = [[\n]] .. '\\z \\u{41}\\x41\\065' .. 0x.8p-1",
		"#!x\nwhile not # - ~a do break end; return",
	} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		last := strings.Count(src, "\n") + 1
		within := func(p Pos) bool { return p.Line >= 1 && p.Line <= last && p.Col >= 1 && p.Col <= len(src)+1 }
		file, err := Parse(src)
		var e *Error
		if err != nil {
			if !errors.As(err, &e) || !within(e.Pos) {
				t.Fatalf("%q: %v", src, err)
			}
			return
		}
		Walk(file.Block, func(x Expr, in *Stat) bool {
			if !within(x.At()) || !within(in.Pos) {
				t.Errorf("%q: something at %v in %v", src, x.At(), in.Pos)
			}
			return true
		})
	})
}
