package lua

/*
#include "vm.h"
*/
import "C"

import (
	"fmt"
	"math/big"
	"sync"
	"syscall"
)

// Release is the release of Lua that is linked in, such as "Lua 5.4.4". Replays under another
// release may differ.
var Release = C.GoString(C.vm_release())

var setUp = sync.OnceValue(func() error {
	powers := powersOfTen()
	if errno := C.vm_init(C.vm_signal(), (*C.uint64_t)(&powers[0])); errno != 0 {
		return fmt.Errorf("preparing the Lua VM: %w", syscall.Errno(errno))
	}
	if C.vm_seed_test() == 0 {
		return ErrNotDeterministic
	}
	return nil
})

// SelfTest tells whether VMs in this build are deterministic. [New] and [Compile] refuse to work
// where it fails. The test runs once a process, in some tens of microseconds.
func SelfTest() error { return setUp() }

// powersOfTen returns the upper 128 bits of 10^-292 … 10^324, rounded up, high word first: the
// table of the Schubfach algorithm.
func powersOfTen() []C.uint64_t {
	const first, last = -292, 324
	var table []C.uint64_t
	ten, one := big.NewInt(10), big.NewInt(1)
	for e := first; e <= last; e++ {
		p := new(big.Int).Exp(ten, big.NewInt(int64(max(e, -e))), nil)
		g, rest := new(big.Int), new(big.Int)
		bits := uint(p.BitLen())
		switch {
		case e < 0:
			g.QuoRem(new(big.Int).Lsh(one, 127+bits), p, rest)
		case bits <= 128:
			g.Lsh(p, 128-bits)
		default:
			g.QuoRem(p, new(big.Int).Lsh(one, bits-128), rest)
		}
		if rest.Sign() != 0 {
			g.Add(g, one)
		}
		table = append(table, C.uint64_t(new(big.Int).Rsh(g, 64).Uint64()),
			C.uint64_t(new(big.Int).And(g, maxUint64).Uint64()))
	}
	return table
}

var maxUint64 = new(big.Int).SetUint64(^uint64(0))
