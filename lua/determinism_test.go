package lua

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/algocline/algocline/value"
)

const (
	corpusEnv       = "LUA_TEST_CORPUS" // makes the test binary run the corpus; holds the heap's seed
	corpusPrograms  = 1000
	corpusProcesses = 20
)

// fragments are pieces of programs whose outcome depends on addresses, on the hash seed, on when
// garbage is collected or on the clock, unless the VM sees to it that it does not. %d is filled
// with small random numbers. Each adds what it saw to out.
var fragments = []string{
	// orders of tables with keys of all kinds
	`local t = {} for i = 1, %d do t["k" .. i * 7919 %% 1000] = i end for k in pairs(t) do add(k) end`,
	`local t = {} for i = 1, %d do t[{}] = i end for _, v in pairs(t) do add(v) end`,
	`local t = {} for i = 1, %d do t[function() return i end] = i end for _, v in pairs(t) do add(v) end`,
	`local t = {} for i = 1, %d do t[coroutine.create(next)] = i t[i + 0.5] = i t[i %% 2 == 0] = i end for _, v in pairs(t) do add(v) end`,
	`local t = {} for n, f in pairs(string) do t[f] = n end for n, f in pairs(math) do t[f] = n end for _, n in pairs(t) do add(n) end`,
	`local t = {[pairs({})] = "next", [ipairs({})] = "ipairs", [utf8.codes("")] = "codes", [("a"):gmatch("a")] = "gmatch", [getmetatable("").__add] = "add"} for _, v in pairs(t) do add(v) end`,
	`for k in pairs(_G) do add(k) end for k in pairs(table) do add(k) end for k in pairs(coroutine) do add(k) end`,
	// borders of tables with holes
	`local t, r = {}, rnd(%d) for i = 1, 400 do local k = r(4) if k == 0 then t["k" .. r(40)] = 1 elseif k == 1 then t["k" .. r(40)] = nil elseif k == 2 then t[r(14) + 1] = 1 else t[r(14) + 1] = nil end add(#t) end for k in pairs(t) do add(k) end`,
	`local t, n = {}, %d for i = 1, n do t[i] = i end for i = 1, n, 2 do t[i] = nil add(#t) end t.x = 1 t[n + 3] = 2 add(#t)`,
	// next while fields go
	`local t = {} for i = 1, %d do t["k" .. i] = i t[i] = i end for k in pairs(t) do t[k] = nil add(k) end add(next(t))`,
	// sorts with ties and with comparators that make no sense
	`local t, r = {}, rnd(%d) for i = 1, 150 do t[i] = {k = r(5), i = i} end table.sort(t, function(a, b) return a.k < b.k end) for _, v in ipairs(t) do add(v.i) end`,
	`local t, r = {}, rnd(%d) for i = 1, 150 do t[i] = {k = i, i = i} end pcall(table.sort, t, function(a, b) return r(2) == 0 end) for _, v in ipairs(t) do add(v.i) end`,
	`local t, r = {}, rnd(%d) for i = 1, 200 do t[i] = r(50) / (r(3) + 1) end table.sort(t) for _, v in ipairs(t) do add(v) end add(pcall(table.sort, {1, "x", %d}))`,
	// weak tables
	`local c, miss = setmetatable({}, {__mode = "v"}), 0 local keep = {} for r = 1, %d do for i = 1, 50 do if not c[i] then miss = miss + 1 c[i] = {} end keep["k" .. r %% 13 .. i] = tostring(r * i) end end add(miss)`,
	`local c = setmetatable({}, {__mode = "k"}) for i = 1, %d do c[{}] = {i} end local n = 0 for _ in pairs(c) do n = n + 1 end add(n) collectgarbage("step") for _, v in pairs(c) do add(v[1]) end`,
	`local c = setmetatable({}, {__mode = "kv"}) for i = 1, 300 do c["k" .. i] = {} c[{}] = i local s = ("x"):rep(i) end local n = 0 for _ in pairs(c) do n = n + 1 end add(n)`,
	// what the collector and the memory show
	`local t = {} for i = 1, %d do t[i] = {i, tostring(i)} end add(collectgarbage("count")) t = nil collectgarbage("step", 10) add(collectgarbage("count"))`,
	`for i = 1, 50 do local s = ("y"):rep(i * 100) end add(collectgarbage("count"), sys.memory())`,
	// texts of objects and of errors
	`add(tostring({}), tostring(print), tostring(pcall), tostring(coroutine.create(pcall)), tostring(io))`,
	`add(string.format("%%s %%p %%p %%p", {}, {}, next, 1)) for i = 1, %d do local t = {} add(tostring(t)) end`,
	`local m1, m2, m3 = {f = string.rep}, {g = string.rep}, {h = string.rep} sys.loaded.m1, sys.loaded.m2, sys.loaded.m3 = m1, m2, m3 add(pcall(string.rep)) add(pcall(m2.g)) add(select(2, xpcall(function() m1.f() end, sys.traceback)))`,
	`local x = {} add(pcall(function() return x.y.z end)) add(pcall(function() return x + 1 end)) add(pcall(function() return #nil end)) add(pcall(function() x() end)) add(pcall(ipairs)) add(pcall(setmetatable, 1, 2))`,
	`add(pcall(error, {})) add(pcall(error, setmetatable({}, {__tostring = function() return "E%d" end}))) add(select(2, pcall(error)))`,
	`local function f(n) if n == 0 then error("deep") end return f(n - 1) + 1 end add(select(2, xpcall(f, sys.traceback, %d)))`,
	`add(load("x = = %d")) add(load("return ...", "=n")(%d)) add(pcall(load, "x", "n", "b"))`,
	// random numbers
	`for i = 1, %d do add(math.random(), math.random(100), math.random(-5, 5)) end math.randomseed(%d) add(math.random(0)) add(math.randomseed()) add(math.random(0))`,
	// coroutines
	`local ws = {} for i = 1, %d do ws[i] = coroutine.wrap(function() for j = 1, 3 do coroutine.yield(i * j) end end) end for j = 1, 3 do for _, w in pairs(ws) do add(w()) end end add(tostring(coroutine.running()))`,
	// strings
	`local t = {} for w in ("the quick brown fox %d"):gmatch("%%a+") do t[w] = #w end for k, v in pairs(t) do add(k, v) end`,
	`local parts = {} for i = 1, %d do parts[#parts + 1] = ("%%d:%%s"):format(i, ("ab"):rep(i %% 5)) end add(#table.concat(parts)) for k, v in pairs(parts) do add(v) end`,
	// JSON
	`local t = {} for i = 1, %d do t["k" .. i] = {i, i / 3, x = {}} end add(sys.json_encode(t)) for k in pairs(sys.json_decode(sys.json_encode(t))) do add(k) end`,
	`local t = sys.json_decode('{"a":[1,null,3],"b":{"c":1.5e300,"d":[]},"e":"x"}') for k in pairs(t) do add(k) end for k, v in pairs(t.b) do add(k, v) end add(#t.a)`,
}

const corpusHead = `local sys = ...
local n, out = 0, {}
local function add(...) for i = 1, select("#", ...) do n = n + 1 out[n] = tostring((select(i, ...))) end end
local function rnd(seed) return function(n) seed = (seed * 1103515245 + 12345) & 0x7fffffff return (seed >> 8) % n end end
`

// corpusProgram generates the i-th program.
func corpusProgram(i int) string {
	r := rand.New(rand.NewPCG(uint64(i), 7))
	var b strings.Builder
	b.WriteString(corpusHead)
	for range 1 + r.IntN(3) {
		f := fragments[r.IntN(len(fragments))]
		var args []any
		for range strings.Count(f, "%d") - strings.Count(f, "%%d") {
			args = append(args, 1+r.IntN(60))
		}
		b.WriteString("do " + fmt.Sprintf(f, args...) + " end\n")
	}
	b.WriteString("return table.concat(out, '\\n')\n")
	return b.String()
}

// corpusMain runs the corpus and prints a digest of all that it gave. The seed decides what the
// heap, and the VMs around, look like.
func corpusMain(seed string) int {
	n, err := strconv.ParseUint(seed, 10, 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	r := rand.New(rand.NewPCG(n, 3))
	h := fnv.New64a()
	var around []*State
	var junk [][]byte
	for i := range corpusPrograms {
		junk = append(junk, make([]byte, r.IntN(4096)))
		if r.IntN(8) == 0 {
			s, err := New(corpusNeighbour(), Options{})
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			s.Resume(nil)
			around = append(around, s)
		}
		if len(around) > 20 {
			around[r.IntN(5)].Close()
			around = around[5:]
		}
		out, err := corpusRun(corpusProgram(i))
		if err != nil {
			fmt.Fprintf(os.Stderr, "program %d: %v\n%s", i, err, corpusProgram(i))
			return 1
		}
		h.Write(out)
		if os.Getenv(corpusEnv+"_SHOW") != "" {
			fmt.Fprintf(os.Stderr, "%d %x\n", i, fnv.New64a().Sum(out))
		}
	}
	fmt.Printf("%x %d\n", h.Sum64(), len(junk))
	return 0
}

var corpusNeighbour = sync.OnceValue(func() *Program {
	p, err := Compile("n", []byte(`local t = {} for i = 1, 1000 do t[{}] = tostring(i) end`))
	if err != nil {
		panic(err)
	}
	return p
})

func corpusRun(source string) (value.List, error) {
	p, err := Compile("corpus.lua", []byte(source))
	if err != nil {
		return nil, err
	}
	s, err := New(p, Options{Memory: 128 << 20})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	ev, err := s.Resume(nil)
	if err != nil {
		return nil, err
	}
	out := append(value.List(nil), ev.Values...)
	return value.AppendInt(value.AppendInt(out, s.Memory()), int64(ev.Digest)), nil
}

// Equal inputs give equal runs, to the byte, in any process and beside any neighbours.
func TestDeterminism(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	digests := make([]string, corpusProcesses)
	var wg sync.WaitGroup
	slots := make(chan struct{}, 2)
	for i := range digests {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			cmd := exec.Command(exe)
			cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", corpusEnv, i))
			out, err := cmd.Output()
			if err != nil {
				t.Errorf("process %d: %v", i, err)
				if e, ok := err.(*exec.ExitError); ok {
					t.Logf("%s", e.Stderr)
				}
			}
			digests[i] = string(out)
		})
	}
	wg.Wait()
	for i, d := range digests {
		if d != digests[0] {
			t.Errorf("process %d gave %q, process 0 %q", i, d, digests[0])
		}
	}
}
