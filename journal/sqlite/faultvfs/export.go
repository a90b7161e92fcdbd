//go:build linux

package faultvfs

/*
#include <stdint.h>
*/
import "C"

import "unsafe"

//export faultOpen
func faultOpen(disk C.uint64_t, path *C.char) C.uint64_t {
	name := "" // a temporary file has no name
	if path != nil {
		name = C.GoString(path)
	}
	return C.uint64_t(diskOf(disk).open(name))
}

//export faultClose
func faultClose(disk, id C.uint64_t) { diskOf(disk).close(uint64(id)) }

//export faultBefore
func faultBefore(disk, id C.uint64_t, op C.int) C.int {
	return C.int(diskOf(disk).before(uint64(id), Op(op)))
}

//export faultWrote
func faultWrote(disk, id C.uint64_t, data unsafe.Pointer, n C.int, off C.int64_t) {
	diskOf(disk).change(uint64(id), change{off: int64(off), data: C.GoBytes(data, n)})
}

//export faultTruncated
func faultTruncated(disk, id C.uint64_t, size C.int64_t) {
	diskOf(disk).change(uint64(id), change{off: int64(size)})
}

//export faultSynced
func faultSynced(disk, id C.uint64_t, ok C.int, size *C.int64_t) unsafe.Pointer {
	content := diskOf(disk).synced(uint64(id), ok != 0)
	if content == nil {
		return nil
	}
	*size = C.int64_t(len(content))
	return C.CBytes(content) // the caller frees it
}

//export faultDeleted
func faultDeleted(disk, id C.uint64_t) {
	diskOf(disk).deleted(uint64(id))
}
