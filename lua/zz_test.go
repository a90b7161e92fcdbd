package lua

import (
	"os"
	"strings"
	"testing"
)

func TestZZ(t *testing.T) {
	p := mustCompile(t, `local sys = ... sys.json_encode({a=1}) sys.request("wait", {1,2,3})`)
	status := func() string {
		b, _ := os.ReadFile("/proc/self/status")
		var out []string
		for _, l := range strings.Split(string(b), "\n") {
			if strings.HasPrefix(l, "VmRSS") || strings.HasPrefix(l, "VmPTE") {
				out = append(out, l)
			}
		}
		return strings.Join(out, " ")
	}
	t.Log(status())
	for range 2000 {
		s, _ := New(p, Options{})
		s.Resume(nil)
	}
	t.Log(status())
}
