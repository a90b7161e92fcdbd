package lua

/*
#include <stdlib.h>
#include "vm.h"
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// Program is a compiled chunk, to be loaded into many states. Its bytecode never leaves the
// process. A Program is immutable and safe for concurrent use.
type Program struct {
	code []byte
}

// Compile parses a chunk. The name is what messages show: "strategy.lua" gives
// "strategy.lua:12: …". Only source is accepted. The error is a *[SyntaxError], or a
// *[LimitError] when parsing takes more than 256 MiB. Parsing cannot be struck: source from
// strangers is better loaded inside a state, by the primitive load, where its limits hold.
func Compile(name string, source []byte) (*Program, error) {
	if err := setUp(); err != nil {
		return nil, fmt.Errorf("compiling %s: %w", name, err)
	}
	cname := C.CString("@" + name)
	defer C.free(unsafe.Pointer(cname))
	var text *C.char
	var n C.size_t
	status := C.vm_compile(cname, (*C.char)(unsafe.Pointer(unsafe.SliceData(source))),
		C.size_t(len(source)), defaultMemory, &text, &n)
	defer C.free(unsafe.Pointer(text))
	switch status {
	case C.VM_OK:
		return &Program{C.GoBytes(unsafe.Pointer(text), C.int(n))}, nil
	case C.VM_BAD_PROGRAM:
		if text != nil {
			return nil, &SyntaxError{C.GoStringN(text, C.int(n))}
		}
	}
	return nil, fmt.Errorf("compiling %s: %w", name, creationError(status, defaultMemory))
}
