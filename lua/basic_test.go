package lua

import (
	"testing"

	"github.com/algocline/algocline/value"
)

func TestSmoke(t *testing.T) {
	for _, code := range []string{
		`return 1, "x", 2.5, true, nil, {1,2,x=3}`,
		`local sys=... return sys.request("llm", {prompt="p"})`,
		`local sys=... return pcall(function() return coroutine.wrap(function() return sys.request("a") end)() end)`,
		`local sys=... return sys.json_encode({1,2.5,"x\n",{a=1,b={}},1e16,0.1,5e-324,1e-5}), sys.json_decode('[1,null,{"a":[]}, 1.5e300]')`,
		`local t={} for i=1,50 do t[i]=(i*7919)%101 end table.sort(t, function(a,b) coroutine.yield() return a<b end) return table.concat(t," ")`,
		`local t={} for i=1,50 do t[i]=(i*7919)%101 end table.sort(t) return table.concat(t," ")`,
		`local t={} for i=1,50 do t[i]=tostring((i*7919)%101) end table.sort(t) return table.concat(t," ")`,
		`error("boom")`, `error({})`, `local x = nil; x.y=1`, `error(setmetatable({},{__tostring=function() error("again") end}))`,
		`return string.format("%5.2f|%s|%q|%d|%p", 1.5, {}, "a\nb", 3, print), tostring(print), tostring({})`,
		`local sys=... return pcall(function() return (("x"):gsub("x", function() sys.request("llm") end)) end)`,
		`return load("return 1 + ...")(2), load(function() return nil end), load("x y", "=c")`,
		`while true do local ok = pcall(string.rep, "x", 1e9) end`,
		`return function() end`,
		`local sys=... sys.note("hello", 1) sys.note("x") return sys.traceback("m", 1)`,
	} {
		p, err := Compile("t.lua", []byte(code))
		if err != nil {
			t.Fatal(err)
		}
		s, err := New(p, Options{})
		if err != nil {
			t.Fatal(err)
		}
		ev, err := s.Resume(nil)
		if ev.Kind == Requested {
			vs, _ := value.Decode(ev.Values)
			t.Logf("req %v", vs)
			ev, err = s.Resume(value.Of("answer", int64(5)))
		}
		vs, derr := value.Decode(ev.Values)
		t.Logf("%s\n -> %v %v %v %#v notes %q mem %d", code, ev.Kind, vs, derr, err, ev.Notes, s.Memory())
		for _, v := range vs {
			if tb, ok := v.(*value.Table); ok {
				t.Logf("   %+v", *tb)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
