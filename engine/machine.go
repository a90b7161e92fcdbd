package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/algocline/algocline/lua"
	"github.com/algocline/algocline/value"
)

// machine is the class of this machine, as a divergence names it: the system, the architecture and a
// fingerprint of floating-point functions. Those may differ in the last bit between processors, C
// libraries and their settings.
var machine = sync.OnceValue(func() string {
	const system = runtime.GOOS + "/" + runtime.GOARCH
	of, err := fingerprint()
	if err != nil {
		return system // a session finds the same fault, and says so
	}
	return system + "/" + of
})

// samples are calls of the C library's functions, at arguments for which glibc's answer depends on whether
// the processor has fused multiply-add: of a thousand, one or so.
const samples = `
local out, n = {}, 0
local function add(v) n = n + 1 out[n] = v end
for _, i in ipairs{505, 544, 604, 773, 848, 1414, 2303, 2409, 2599, 2762, 3091, 3854, 3867, 4408, 4505, 4730, 4805, 5046, 5478, 5706, 6296, 6399} do
  local x = i * 0.0137
  for _, f in ipairs{math.sin, math.cos, math.tan, math.exp, math.log, math.sqrt, math.atan} do add(f(x)) end
  add(x ^ 1.37) add(x ^ -0.61) add(math.fmod(x, 0.3)) add(math.log(x, 10)) add(math.asin(1 / (1 + x)))
end
return table.unpack(out, 1, n)`

// fingerprint is a hash over the results of functions of the C library, in a VM, and of Go.
func fingerprint() (string, error) {
	p, err := lua.Compile("samples", []byte(samples))
	if err != nil {
		return "", fmt.Errorf("telling the class of this machine: %w", err)
	}
	vm, err := lua.New(p, lua.Options{})
	if err != nil {
		return "", fmt.Errorf("telling the class of this machine: %w", err)
	}
	defer vm.Close()
	ev, err := vm.Resume(nil)
	if err != nil {
		return "", fmt.Errorf("telling the class of this machine: %w", err)
	}
	h := sha256.New()
	h.Write(ev.Values)
	for i := 1; i <= 24; i++ {
		x := float64(i)*0.7310585786300049 + float64(i*i)*0.013
		h.Write(value.Of(math.Exp(x), math.Log(x), math.Sin(x), math.Pow(x, 1.37), math.Gamma(x), math.Erf(x/20), math.Tanh(x/9)))
	}
	return hex.EncodeToString(h.Sum(nil)[:4]), nil
}
