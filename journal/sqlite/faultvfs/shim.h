#ifndef FAULTVFS_SHIM_H
#define FAULTVFS_SHIM_H

#include <stdint.h>

/* The operations that Go is asked about. */
enum { OpRead, OpWrite, OpTruncate, OpSync, OpOpen, OpDelete };

/* Registers a VFS with this name over the default one; 0 or an SQLite error code. */
int faultvfs_register(const char *name, uint64_t disk, void **out);

/* Removes what faultvfs_register made. Its files must be closed. */
int faultvfs_unregister(void *vfs);

#endif
