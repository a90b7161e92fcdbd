package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/algocline/algocline/pool"
)

// helpers are calls of the library on inputs of a size that strategies see; each is timed inside
// a session, by the session's clock.
var helpers = []struct{ name, prepare, call string }{
	{"alc.chunk, 1 MB of lines", `local x = ("a line of some words\n"):rep(50000)`, `alc.chunk(x, {size = 100})`},
	{"alc.fingerprint, 100 KB", `local x = ("Some Words "):rep(10000)`, `alc.fingerprint(x)`},
	{"alc.match_enum, 2 KB, by substring", `local x = ("I think we should "):rep(110) .. "approve"`, `alc.match_enum(x, {"approve", "reject", "wait"})`},
	{"alc.match_enum, 2 KB, by likeness", `local x = ("I think we shall "):rep(110) .. "aprove"`, `alc.match_enum(x, {"approve", "reject", "wait"})`},
	{"alc.json_extract, an object in 10 KB of prose", `local x = ("some words before "):rep(600) .. '{"a": [1, 2, {"b": "c"}]}'`, `alc.json_extract(x)`},
	{"alc.map, 10,000 items", `local x = {} for i = 1, 10000 do x[i] = i end local f = function(v) return v + 1 end`, `alc.map(x, f)`},
	{"alc.filter, 10,000 items", `local x = {} for i = 1, 10000 do x[i] = i end local f = function(v) return v % 2 == 0 end`, `alc.filter(x, f)`},
	{"alc.reduce, 10,000 items", `local x = {} for i = 1, 10000 do x[i] = i end local f = function(a, v) return a + v end`, `alc.reduce(x, f)`},
	{"alc.vote, 1,000 answers", `local x = {} for i = 1, 1000 do x[i] = "answer " .. i % 7 end`, `alc.vote(x)`},
	{"alc.fmt", `local x = 1.5`, `alc.fmt("%d of %s", x, "ten")`},
	{"alc.math.mean, 10,000 numbers", `local x = {} for i = 1, 10000 do x[i] = i * 0.5 end`, `alc.math.mean(x)`},
	{"alc.state.set", `local i = 0`, `alc.state.set("key", "value")`},
	{"alc.state.get", `alc.state.set("key", "value")`, `alc.state.get("key")`},
}

func librarySuite(b *bench) (err error) {
	d, end, err := b.home("library")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	for _, h := range helpers {
		// As many calls as fill a fifth of a second, after one that loads what is needed.
		code := h.prepare + "\n" + h.call + `
local n, t = 1, 0
repeat
  local began = os.clock()
  for _ = 1, n do ` + h.call + ` end
  t = os.clock() - began
  if t < 0.2 then n = n * 4 end
until t >= 0.2 or n > 50000
return t / n`
		f, err := d.Run(b.ctx, pool.RunRequest{Code: &code})
		if err != nil {
			return err
		}
		var seconds float64
		if err := json.Unmarshal(f.Output, &seconds); err != nil {
			return fmt.Errorf("%s: %v %+v", h.name, err, f.Error)
		}
		b.table.add(h.name, us(time.Duration(seconds*1e9)))
	}
	return nil
}
