package lua

import (
	"math/rand/v2"
	"testing"
)

const lettersDriver = show + `
local function driver(input)
	local s, i, j, k = string.unpack("s4jjj", input)
	local out = {}
	local function try(f, ...) out[#out + 1] = show(pcall(f, ...)) end
	try(s.lower, s) try(s.upper, s) try(s.reverse, s)
	try(string.char, s:byte(1, -1)) try(string.char, i, j)
	try(utf8.len, s) try(utf8.len, s, i) try(utf8.len, s, i, j) try(utf8.len, s, i, j, true) try(utf8.len, s, 1, -1, true)
	local long = s:rep(9)
	try(string.byte, long, i, j) try(string.byte, long, i) try(string.byte, long, j, i * k) try(string.byte, s, i, nil) try(string.byte, i, j, k)
	try(utf8.codepoint, long, i, j) try(utf8.codepoint, ("é"):rep(99), 1, i) try(utf8.codepoint, long, i, j, true) try(utf8.codepoint, s, i, {})
	try(utf8.char, i) try(utf8.char, k, k // 3) try(utf8.char)
	try(string.pack, "s1zc" .. k % 20 .. "!4i3j", s, s, s:sub(1, 5), i, j)
	try(string.pack, s, i)
	return table.concat(out, "\n")
end
`

// The functions that were written anew, and those that look for room first, are the stock ones to
// a script.
func TestLettersAsInStockLua(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	differential(t, lettersDriver, func(yield func(string) bool) {
		for range cases(t) {
			s := randomText(r, "a", "B", "é", "日", "😀", "\x00", "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xfc\x84\x80\x80\x80\x80", "\xfe", "\x80", "\xe0\x80\x80", "\xf8\x88\x80\x80\x80", "\xc3", "i4", "z")
			if !yield(packed(s, r.IntN(40)-20, r.IntN(40)-20, r.IntN(1<<31))) {
				return
			}
		}
	})
}

func BenchmarkUpper(b *testing.B) {
	for name, n := range map[string]string{"20 B": "20", "1 KB": "1000", "50 KB": "50000", "1 MB": "1 << 20"} {
		b.Run(name, func(b *testing.B) {
			s := stateB(b, `local sys = ... local s = ("x"):rep(`+n+`) while true do for i = 1, 20 do local _ = s:upper() end sys.request() end`)
			for b.Loop() {
				if _, err := s.Resume(nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
