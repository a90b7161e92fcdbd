package lua

/*
#include "vm.h"
*/
import "C"

// failAllocations makes the VM's allocator refuse the n-th allocation from now on, and the
// following ones up to so many times. For tests.
func (s *State) failAllocations(n, times int) { C.vm_fail_allocation(s.vm, C.long(n), C.long(times)) }

// allocations returns how many allocations the VM has asked for. For tests.
func (s *State) allocations() int { return int(C.vm_allocations(s.vm)) }
