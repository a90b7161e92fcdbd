package main

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/algocline/algocline/engine"
	"github.com/algocline/algocline/lua"
	"github.com/algocline/algocline/value"
)

// state makes a VM that runs a program.
func state(source string) (*lua.State, error) {
	p, err := lua.Compile("=bench", []byte(source))
	if err != nil {
		return nil, err
	}
	return lua.New(p, lua.Options{})
}

func vmSuite(b *bench) error {
	vms, err := engine.NewVMs(0, "bench")
	if err != nil {
		return err
	}
	defer vms.Close()
	var mem int64
	d, err := average(2000, func(int) error {
		s, err := vms.New()
		if err != nil {
			return err
		}
		mem = s.Memory()
		return s.Close()
	})
	if err != nil {
		return err
	}
	b.table.add("a VM with the library, made and dropped", us(d))
	b.table.add("memory of a VM with the library", fmt.Sprintf("%d KB", mem/1024))

	s, err := state(`local sys = ... while true do sys.request("p") end`)
	if err != nil {
		return err
	}
	defer s.Close()
	in := value.Of("answer")
	if d, err = average(500_000, func(int) error { _, err := s.Resume(in); return err }); err != nil {
		return err
	}
	b.table.add("resume with a text, to the next request", us(d))
	return transfer(b)
}

// transfer moves 1,000 records of three fields out of a VM and into it.
func transfer(b *bench) error {
	s, err := state(`local sys = ... local t = {} for i = 1, 1000 do t[i] = {id = i, name = "name" .. i, score = i * 1.5} end
		local r = sys.request(t) while true do r = sys.request(r) end`)
	if err != nil {
		return err
	}
	defer s.Close()
	ev, err := s.Resume(nil)
	if err != nil {
		return err
	}
	records := append(value.List(nil), ev.Values...)
	d, err := average(1000, func(int) error { _, err := s.Resume(records); return err })
	if err != nil {
		return err
	}
	rate := 2 * float64(len(records)) / d.Seconds() / 1e6
	b.table.add(fmt.Sprintf("value transfer, %d KB in and out", len(records)/1024), fmt.Sprintf("%.0f MB/s", rate))
	return jsonRate(b)
}

func jsonRate(b *bench) error {
	s, err := state(`local sys = ... local t = {} for i = 1, 12000 do t[i] = {id = i, name = "some name " .. i, score = i * 1.5, ok = true, tags = {"a", "b"}} end
		local text = sys.json_encode(t) sys.request(#text)
		while true do sys.json_encode(t) sys.request("e") sys.json_decode(text) sys.request("d") end`)
	if err != nil {
		return err
	}
	defer s.Close()
	ev, err := s.Resume(nil)
	if err != nil {
		return err
	}
	size, err := value.NewReader(ev.Values).Int()
	if err != nil {
		return err
	}
	var enc, dec time.Duration
	const n = 30
	for range n {
		t := time.Now()
		if _, err := s.Resume(nil); err != nil {
			return err
		}
		enc += time.Since(t)
		t = time.Now()
		if _, err := s.Resume(nil); err != nil {
			return err
		}
		dec += time.Since(t)
	}
	rate := func(d time.Duration) float64 { return float64(size) * n / d.Seconds() / 1e6 }
	b.table.goal("JSON out of a VM, 1 MB", fmt.Sprintf("%.0f MB/s", rate(enc)), "≥ 50 MB/s", rate(enc) >= 50)
	b.table.goal("JSON into a VM, 1 MB", fmt.Sprintf("%.0f MB/s", rate(dec)), "≥ 50 MB/s", rate(dec) >= 50)
	return nil
}

// computations are plain Lua, run by our VM and by the lua5.4 program.
var computations = []struct{ name, code string }{
	{"fib", `local function fib(n) if n < 2 then return n end return fib(n-1) + fib(n-2) end return fib(30)`},
	{"sort", `local t, x = {}, 42 for i = 1, 150000 do x = (x * 1103515245 + 12345) % 2147483648 t[i] = x end table.sort(t) return t[1]`},
	{"sort with a comparator", `local t, x = {}, 42 for i = 1, 80000 do x = (x * 1103515245 + 12345) % 2147483648 t[i] = x end table.sort(t, function(a, b) return a > b end) return t[1]`},
	{"string building", `local p = {} for i = 1, 200000 do p[#p+1] = "item " .. i .. ";" end return #table.concat(p)`},
	{"string matching", `local s, n = ("key=value; other=thing; "):rep(2000), 0 for i = 1, 10 do for k, v in s:gmatch("(%w+)=(%w+)") do n = n + #k + #v end s:gsub("%w+", string.upper) end return n`},
	{"table walks", `local t = {} for i = 1, 100000 do t["k" .. i] = i end local n = 0 for r = 1, 10 do for k, v in pairs(t) do n = n + v end for i, v in ipairs{1, 2, 3} do n = n + v end end return n`},
	{"method calls", `local C = {} C.__index = C function C.new() return setmetatable({n = 0}, C) end function C:add(x) self.n = self.n + x return self end local c = C.new() for i = 1, 3000000 do c:add(i) end return c.n`},
}

func computeSuite(b *bench) error {
	lua54, err := exec.LookPath("lua5.4")
	if err != nil {
		b.table.add("Lua compute against lua5.4", "not measured: there is no lua5.4 program here")
		return nil
	}
	for _, c := range computations {
		var ours, theirs times
		for range 7 { // turn by turn, so that a busy moment hits both
			d, err := computeOurs(c.code)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			ours = append(ours, d)
			if d, err = computeTheirs(b, lua54, c.code); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			theirs = append(theirs, d)
		}
		ratio := theirs.at(0).Seconds() / ours.at(0).Seconds()
		b.table.goal("compute: "+c.name, fmt.Sprintf("%.2f of lua5.4 (%s, %s)", ratio, ms(ours.at(0)), ms(theirs.at(0))), "≥ 0.95", ratio >= 0.95)
	}
	return nil
}

func computeOurs(code string) (time.Duration, error) {
	s, err := state("local sys = ... sys.request() " + code)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	if _, err := s.Resume(nil); err != nil {
		return 0, err
	}
	t := time.Now()
	_, err = s.Resume(nil)
	return time.Since(t), err
}

func computeTheirs(b *bench, lua54, code string) (time.Duration, error) {
	prog := "local f = function() " + code + " end local t = os.clock() f() print(os.clock() - t)"
	out, err := exec.CommandContext(b.ctx, lua54, "-e", prog).Output()
	if err != nil {
		return 0, fmt.Errorf("running lua5.4: %w", err)
	}
	sec, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	return time.Duration(sec * 1e9), err
}
