package lua

/*
#include "vm.h"
*/
import "C"

// SetBudget bounds what all states of the process may hold together; 0 or less is no bound. A
// state that wants more dies with [ErrNoMemory], and so does the making of a new one. What is held
// already stays.
func SetBudget(bytes int64) { C.vm_set_budget(C.size_t(max(bytes, 0))) }

// Held returns how many bytes all states of the process hold, freed pages that are not given back
// to the system included.
func Held() int64 { return int64(C.vm_all_held()) }
