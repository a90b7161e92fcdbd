package syntax

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shape writes an expression with all its parentheses.
func shape(e Expr) string {
	switch e := e.(type) {
	case *Name:
		if e.Local != nil {
			return "local " + e.Name
		}
		return e.Name
	case *Literal:
		return e.Text
	case *Str:
		return fmt.Sprintf("%q", e.Value)
	case *Index:
		return shape(e.Table) + "[" + shape(e.Key) + "]"
	case *Call:
		var args []string
		for _, a := range e.Args {
			args = append(args, shape(a))
		}
		fn := shape(e.Fn)
		if e.Method != "" {
			fn += ":" + e.Method
		}
		return fn + "(" + strings.Join(args, ", ") + ")"
	case *Func:
		return "function"
	case *Table:
		var items []string
		for _, i := range e.Items {
			s := shape(i.Value)
			if i.Key != nil {
				s = shape(i.Key) + " = " + s
			}
			items = append(items, s)
		}
		return "{" + strings.Join(items, ", ") + "}"
	case *Binary:
		return "(" + shape(e.L) + " " + e.Op + " " + shape(e.R) + ")"
	case *Unary:
		return "(" + e.Op + " " + shape(e.X) + ")"
	}
	return "?"
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"1 + 2 * 3 ^ -4 ^ 5":               "(1 + (2 * (3 ^ (- (4 ^ 5)))))",
		"a .. b .. c == d and not e":       "(((a .. (b .. c)) == d) and (not e))",
		"a or b and c | d ~ e & f << 1":    "(a or (b and (c | (d ~ (e & (f << 1))))))",
		"a.b['c'][1]:m{x = 1, 2; [y] = z}": `a["b"]["c"][1]:m({"x" = 1, 2, y = z})`,
		"f 'x' [[y]]":                      `f("x")("y")`,
		"(a)(b)":                           "a(b)",
		"0x1p-3 + 1e+5 - 3":                "((0x1p-3 + 1e+5) - 3)",
		"#t // 2 % 3":                      "(((# t) // 2) % 3)",
		"function(a, ...) return a end":    "function",
		`'\65\x42\u{43}\z
		   \'\n'`: `"ABC'\n"`,
		"[==[\na]]b]==]": `"a]]b"`,
		"...":            "...",
		"{f(), ...}":     "{f(), ...}",
	} {
		f, err := Parse("return " + src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got := shape(f.Block.Stats[0].Values[0]); got != want {
			t.Errorf("%s: got %s, want %s", src, got, want)
		}
	}
}

// names lists the variables of a source in order, as shape writes them.
func names(f *File) []string {
	var list []string
	Walk(f.Block, func(e Expr, _ *Stat) bool {
		if n, ok := e.(*Name); ok {
			list = append(list, shape(n))
		}
		return true
	})
	return list
}

func TestScopes(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"local a = a return a":                                             "local a, a, local a",
		"do local a end return a":                                          "local a, a",
		"for i = i, 2 do f(i) end return i":                                "i, f, local i, i",
		"for k, v in pairs(k) do f(v) end":                                 "pairs, k, f, local v",
		"local function f() return f end":                                  "local f, local f",
		"local f = function() return f end":                                "local f, f",
		"function t.m(a) return a, self end":                               "t, local a, self",
		"function t:m() return self end":                                   "t, local self",
		"repeat local x = 1 until x":                                       "local x, local x",
		"if a then local b elseif b then else c() end":                     "a, local b, b, c",
		"local a <const>, b <close> = 1 goto l ::l:: while a do break end": "local a, local b, local a",
	} {
		f, err := Parse(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if d := cmp.Diff(want, strings.Join(names(f), ", ")); d != "" {
			t.Errorf("%s (-want +got):\n%s", src, d)
		}
	}
}

func TestPositions(t *testing.T) {
	t.Parallel()
	f, err := Parse("#!/usr/bin/alc\n--[[ two\nlines ]] local s = [[\n\n]] x = 'a\\\nb' y.z()\n-- said")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	Walk(f.Block, func(e Expr, _ *Stat) bool {
		got = append(got, fmt.Sprintf("%s %d:%d", shape(e), e.At().Line, e.At().Col))
		return true
	})
	want := []string{"local s 3:16", `"\n" 3:20`, "x 5:4", `"a\nb" 5:8`, `y["z"]() 6:6`, `y["z"] 6:6`, "y 6:4", `"z" 6:6`}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[int]string{2: " two\nlines ", 7: " said"}, f.Comments); d != "" {
		t.Errorf("comments (-want +got):\n%s", d)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, src := range []string{"local", "x =", "f(", "return 'a", "return [[a", "a b", "if x", "for", "return \x01", "x = {", "--[[", "f", "end"} {
		_, err := Parse(src)
		var e *Error
		if !errors.As(err, &e) || e.Line != 1 {
			t.Errorf("%s: %v", src, err)
		}
	}
	if _, err := Parse(strings.Repeat("(", 1<<20)); err == nil {
		t.Error("a million parentheses are no error")
	}
}

// The bundled strategies and the engine's own library are read without error.
func TestRealFiles(t *testing.T) {
	t.Parallel()
	read := 0
	for _, pattern := range []string{"../../../../engine/lib/*.lua", "../../../../engine/lib/theme/*.lua", "../../../../strategies/*/*.lua"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(string(src)); err != nil {
				t.Errorf("%s: %v", f, err)
			}
			read++
		}
	}
	if read < 25 {
		t.Errorf("read only %d files", read)
	}
}
