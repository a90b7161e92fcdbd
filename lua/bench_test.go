package lua

import (
	"fmt"
	"strings"
	"testing"

	"github.com/algocline/algocline/value"
)

// library is about 100 KB of source, as a stand-in for what an engine loads.
func library() []byte {
	var b strings.Builder
	b.WriteString("local sys = ...\nlocal lib = {}\n")
	for i := 0; b.Len() < 100<<10; i++ {
		fmt.Fprintf(&b, `function lib.f%d(a, b, opts)
	if type(a) ~= "string" then error("f%d: a string is needed, got " .. type(a), 2) end
	local out = {name = "n%d", size = #a, value = opts and opts.value or b}
	for k, v in pairs(opts or {}) do out[k] = tostring(v):upper() end
	return out, #a + %d
end
`, i, i, i, i)
	}
	b.WriteString("return sys.request('ready')\n")
	return []byte(b.String())
}

func compileB(b *testing.B, source string) *Program {
	b.Helper()
	p, err := Compile("bench.lua", []byte(source))
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func stateB(b *testing.B, source string) *State {
	b.Helper()
	s, err := New(compileB(b, source), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	if _, err := s.Resume(nil); err != nil {
		b.Fatal(err)
	}
	return s
}

func benchmarkNew(b *testing.B, p *Program) {
	for b.Loop() {
		s, err := New(p, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNew(b *testing.B) { benchmarkNew(b, compileB(b, "return 1")) }

func BenchmarkNewWithLibrary(b *testing.B) {
	p := compileB(b, string(library()))
	s, err := New(p, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(s.Memory()), "B/state")
	s.Close()
	b.ResetTimer()
	benchmarkNew(b, p)
}

func BenchmarkResume(b *testing.B) {
	s := stateB(b, "local sys = ... while true do sys.request('prompt') end")
	args := value.Of("answer")
	for b.Loop() {
		if _, err := s.Resume(args); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResumeInCoroutine(b *testing.B) {
	s := stateB(b, `local sys = ...
		local co = coroutine.wrap(function() while true do sys.request('prompt') end end)
		while true do co() end`)
	args := value.Of("answer")
	for b.Loop() {
		if _, err := s.Resume(args); err != nil {
			b.Fatal(err)
		}
	}
}

const records = `local t = {} for i = 1, 1000 do t[i] = {id = i, name = "name" .. i, score = i * 1.5} end `

func BenchmarkTransferOut(b *testing.B) {
	s := stateB(b, "local sys = ... "+records+"while true do sys.request(t) end")
	var n int
	for b.Loop() {
		ev, err := s.Resume(nil)
		if err != nil {
			b.Fatal(err)
		}
		n = len(ev.Values)
	}
	b.SetBytes(int64(n))
}

func BenchmarkTransferIn(b *testing.B) {
	s := stateB(b, "local sys = ... "+records+"sys.request(t) while true do sys.request() end")
	out := stateB(b, "local sys = ... "+records+"while true do sys.request(t) end")
	ev, err := out.Resume(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(ev.Values)))
	for b.Loop() {
		if _, err := s.Resume(ev.Values); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkScript(b *testing.B, setup, step string, bytes int) {
	s := stateB(b, "local sys = ... "+setup+" sys.request() while true do "+step+" sys.request() end")
	b.SetBytes(int64(bytes))
	for b.Loop() {
		if _, err := s.Resume(nil); err != nil {
			b.Fatal(err)
		}
	}
}

const document = `local t = {} for i = 1, 10000 do t[i] = {id = i, name = "name " .. i, score = i * 1.37,
	tags = {"alpha", "beta"}, text = ("some text with \"quotes\" and é "):rep(2)} end local s = sys.json_encode(t) `

const documentSize = 1420000

func BenchmarkJSONEncode(b *testing.B) {
	benchmarkScript(b, document, "sys.json_encode(t)", documentSize)
}

func BenchmarkJSONDecode(b *testing.B) {
	benchmarkScript(b, document, "sys.json_decode(s)", documentSize)
}

func BenchmarkSort(b *testing.B) {
	setup := `local src = {} local x = 1 for i = 1, 100000 do x = (x * 1103515245 + 12345) & 0x7fffffff src[i] = x end `
	for _, c := range []struct{ name, setup, step string }{
		{"Numbers", setup, "local t = table.move(src, 1, #src, 1, {}) table.sort(t)"},
		{"Comparator", setup, "local t = table.move(src, 1, #src, 1, {}) table.sort(t, function(a, b) return a < b end)"},
		{"Strings", setup + "for i, v in ipairs(src) do src[i] = tostring(v) end ", "local t = table.move(src, 1, #src, 1, {}) table.sort(t)"},
	} {
		b.Run(c.name, func(b *testing.B) { benchmarkScript(b, c.setup, c.step, 0) })
	}
}
