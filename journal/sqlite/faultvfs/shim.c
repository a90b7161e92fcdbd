//go:build linux

/* A VFS that hands every call on to the default one, and asks Go before writes, truncations,
 * syncs, opens and deletions whether they shall fail. The types are SQLite's public interface
 * (https://sqlite.org/vfs.html), as far as it is used here. */

#include "shim.h"
#include "_cgo_export.h"

#include <stdlib.h>
#include <string.h>

typedef struct sqlite3_file sqlite3_file;
typedef struct sqlite3_vfs sqlite3_vfs;
typedef int64_t i64;

typedef struct {
	int iVersion;
	int (*xClose)(sqlite3_file *);
	int (*xRead)(sqlite3_file *, void *, int, i64);
	int (*xWrite)(sqlite3_file *, const void *, int, i64);
	int (*xTruncate)(sqlite3_file *, i64);
	int (*xSync)(sqlite3_file *, int);
	int (*xFileSize)(sqlite3_file *, i64 *);
	int (*xLock)(sqlite3_file *, int);
	int (*xUnlock)(sqlite3_file *, int);
	int (*xCheckReservedLock)(sqlite3_file *, int *);
	int (*xFileControl)(sqlite3_file *, int, void *);
	int (*xSectorSize)(sqlite3_file *);
	int (*xDeviceCharacteristics)(sqlite3_file *);
	int (*xShmMap)(sqlite3_file *, int, int, int, void volatile **);
	int (*xShmLock)(sqlite3_file *, int, int, int);
	void (*xShmBarrier)(sqlite3_file *);
	int (*xShmUnmap)(sqlite3_file *, int);
	int (*xFetch)(sqlite3_file *, i64, int, void **);
	int (*xUnfetch)(sqlite3_file *, i64, void *);
} io_methods;

struct sqlite3_file {
	const io_methods *pMethods;
};

struct sqlite3_vfs {
	int iVersion;
	int szOsFile;
	int mxPathname;
	sqlite3_vfs *pNext;
	const char *zName;
	void *pAppData;
	int (*xOpen)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
	int (*xDelete)(sqlite3_vfs *, const char *, int);
	int (*xAccess)(sqlite3_vfs *, const char *, int, int *);
	int (*xFullPathname)(sqlite3_vfs *, const char *, int, char *);
	void *(*xDlOpen)(sqlite3_vfs *, const char *);
	void (*xDlError)(sqlite3_vfs *, int, char *);
	void (*(*xDlSym)(sqlite3_vfs *, void *, const char *))(void);
	void (*xDlClose)(sqlite3_vfs *, void *);
	int (*xRandomness)(sqlite3_vfs *, int, char *);
	int (*xSleep)(sqlite3_vfs *, int);
	int (*xCurrentTime)(sqlite3_vfs *, double *);
	int (*xGetLastError)(sqlite3_vfs *, int, char *);
	int (*xCurrentTimeInt64)(sqlite3_vfs *, i64 *);
};

/* SQLite is linked by the driver's package. Weak, because cgo first links this package alone. */
extern sqlite3_vfs *sqlite3_vfs_find(const char *) __attribute__((weak));
extern int sqlite3_vfs_register(sqlite3_vfs *, int) __attribute__((weak));
extern int sqlite3_vfs_unregister(sqlite3_vfs *) __attribute__((weak));

enum { OK = 0, ERROR = 1, NOMEM = 7 };

/* The disk's number and the default VFS, kept beside the VFS itself. */
typedef struct {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	uint64_t disk;
} fault_vfs;

/* A file; the default VFS's own structure follows it in memory. */
typedef struct {
	sqlite3_file base;
	uint64_t disk;
	uint64_t id;
	sqlite3_file *real;
} fault_file;

#define REAL(f) (((fault_file *)(f))->real)
#define REALM(f) (REAL(f)->pMethods)

static int f_close(sqlite3_file *f) {
	faultClose(((fault_file *)f)->disk, ((fault_file *)f)->id);
	return REALM(f)->xClose(REAL(f));
}

static int f_read(sqlite3_file *f, void *p, int n, i64 off) {
	int rc = faultBefore(((fault_file *)f)->disk, ((fault_file *)f)->id, OpRead);
	return rc != OK ? rc : REALM(f)->xRead(REAL(f), p, n, off);
}

static int f_size(sqlite3_file *f, i64 *n) { return REALM(f)->xFileSize(REAL(f), n); }
static int f_lock(sqlite3_file *f, int l) { return REALM(f)->xLock(REAL(f), l); }
static int f_unlock(sqlite3_file *f, int l) { return REALM(f)->xUnlock(REAL(f), l); }
static int f_reserved(sqlite3_file *f, int *r) { return REALM(f)->xCheckReservedLock(REAL(f), r); }
static int f_control(sqlite3_file *f, int op, void *p) { return REALM(f)->xFileControl(REAL(f), op, p); }
static int f_sector(sqlite3_file *f) { return REALM(f)->xSectorSize(REAL(f)); }
static int f_device(sqlite3_file *f) { return REALM(f)->xDeviceCharacteristics(REAL(f)); }
static int f_shmmap(sqlite3_file *f, int i, int n, int ext, void volatile **p) {
	return REALM(f)->xShmMap(REAL(f), i, n, ext, p);
}
static int f_shmlock(sqlite3_file *f, int off, int n, int flags) { return REALM(f)->xShmLock(REAL(f), off, n, flags); }
static void f_shmbarrier(sqlite3_file *f) { REALM(f)->xShmBarrier(REAL(f)); }
static int f_shmunmap(sqlite3_file *f, int del) { return REALM(f)->xShmUnmap(REAL(f), del); }

static int f_write(sqlite3_file *f, const void *p, int n, i64 off) {
	fault_file *ff = (fault_file *)f;
	int rc = faultBefore(ff->disk, ff->id, OpWrite);
	if (rc != OK) {
		/* A failing write leaves a part of what it was to write. */
		if (n > 1 && REALM(f)->xWrite(REAL(f), p, n / 2, off) == OK)
			faultWrote(ff->disk, ff->id, (void *)p, n / 2, off);
		return rc;
	}
	rc = REALM(f)->xWrite(REAL(f), p, n, off);
	if (rc == OK)
		faultWrote(ff->disk, ff->id, (void *)p, n, off);
	return rc;
}

static int f_truncate(sqlite3_file *f, i64 n) {
	fault_file *ff = (fault_file *)f;
	int rc = faultBefore(ff->disk, ff->id, OpTruncate);
	if (rc == OK)
		rc = REALM(f)->xTruncate(REAL(f), n);
	if (rc == OK)
		faultTruncated(ff->disk, ff->id, n);
	return rc;
}

static int f_sync(sqlite3_file *f, int flags) {
	fault_file *ff = (fault_file *)f;
	int rc = faultBefore(ff->disk, ff->id, OpSync);
	/* The file's own sync is left out: what it would keep is kept in memory. */
	i64 size;
	void *lost = faultSynced(ff->disk, ff->id, rc == OK, &size);
	if (lost) {
		if (REALM(f)->xTruncate(REAL(f), size) != OK ||
		    (size > 0 && REALM(f)->xWrite(REAL(f), lost, (int)size, 0) != OK))
			abort(); /* the test would go on with a file that no disk leaves */
		free(lost);
	}
	return rc;
}

static const io_methods methods = {
	.iVersion = 2,
	.xClose = f_close,
	.xRead = f_read,
	.xWrite = f_write,
	.xTruncate = f_truncate,
	.xSync = f_sync,
	.xFileSize = f_size,
	.xLock = f_lock,
	.xUnlock = f_unlock,
	.xCheckReservedLock = f_reserved,
	.xFileControl = f_control,
	.xSectorSize = f_sector,
	.xDeviceCharacteristics = f_device,
	.xShmMap = f_shmmap,
	.xShmLock = f_shmlock,
	.xShmBarrier = f_shmbarrier,
	.xShmUnmap = f_shmunmap,
};

static int v_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out) {
	fault_vfs *fv = (fault_vfs *)v;
	fault_file *ff = (fault_file *)f;
	ff->base.pMethods = NULL;
	ff->disk = fv->disk;
	ff->real = (sqlite3_file *)(ff + 1);
	ff->id = faultOpen(fv->disk, (char *)name);
	int rc = faultBefore(ff->disk, ff->id, OpOpen);
	if (rc == OK)
		rc = fv->real->xOpen(fv->real, name, ff->real, flags, out);
	if (rc == OK)
		ff->base.pMethods = &methods;
	else
		faultClose(ff->disk, ff->id);
	return rc;
}

static int v_delete(sqlite3_vfs *v, const char *name, int dirsync) {
	fault_vfs *fv = (fault_vfs *)v;
	uint64_t id = faultOpen(fv->disk, (char *)name);
	int rc = faultBefore(fv->disk, id, OpDelete);
	if (rc == OK)
		rc = fv->real->xDelete(fv->real, name, dirsync);
	if (rc == OK)
		faultDeleted(fv->disk, id);
	else
		faultClose(fv->disk, id);
	return rc;
}

#define PASS(v) (((fault_vfs *)(v))->real)

static int v_access(sqlite3_vfs *v, const char *n, int fl, int *r) { return PASS(v)->xAccess(PASS(v), n, fl, r); }
static int v_full(sqlite3_vfs *v, const char *n, int l, char *o) { return PASS(v)->xFullPathname(PASS(v), n, l, o); }
static void *v_dlopen(sqlite3_vfs *v, const char *n) { return PASS(v)->xDlOpen(PASS(v), n); }
static void v_dlerror(sqlite3_vfs *v, int n, char *o) { PASS(v)->xDlError(PASS(v), n, o); }
static void (*v_dlsym(sqlite3_vfs *v, void *h, const char *s))(void) { return PASS(v)->xDlSym(PASS(v), h, s); }
static void v_dlclose(sqlite3_vfs *v, void *h) { PASS(v)->xDlClose(PASS(v), h); }
static int v_random(sqlite3_vfs *v, int n, char *o) { return PASS(v)->xRandomness(PASS(v), n, o); }
static int v_sleep(sqlite3_vfs *v, int us) { return PASS(v)->xSleep(PASS(v), us); }
static int v_time(sqlite3_vfs *v, double *t) { return PASS(v)->xCurrentTime(PASS(v), t); }
static int v_error(sqlite3_vfs *v, int n, char *o) { return PASS(v)->xGetLastError(PASS(v), n, o); }
static int v_time64(sqlite3_vfs *v, i64 *t) { return PASS(v)->xCurrentTimeInt64(PASS(v), t); }

int faultvfs_register(const char *name, uint64_t disk, void **out) {
	if (!sqlite3_vfs_find || !sqlite3_vfs_register || !sqlite3_vfs_unregister)
		return ERROR;
	sqlite3_vfs *real = sqlite3_vfs_find(NULL);
	if (!real || real->iVersion < 2)
		return ERROR;
	fault_vfs *fv = calloc(1, sizeof *fv);
	if (!fv)
		return NOMEM;
	fv->real = real;
	fv->disk = disk;
	fv->vfs = (sqlite3_vfs){
		.iVersion = 2,
		.szOsFile = (int)sizeof(fault_file) + real->szOsFile,
		.mxPathname = real->mxPathname,
		.zName = name,
		.xOpen = v_open,
		.xDelete = v_delete,
		.xAccess = v_access,
		.xFullPathname = v_full,
		.xDlOpen = v_dlopen,
		.xDlError = v_dlerror,
		.xDlSym = v_dlsym,
		.xDlClose = v_dlclose,
		.xRandomness = v_random,
		.xSleep = v_sleep,
		.xCurrentTime = v_time,
		.xGetLastError = v_error,
		.xCurrentTimeInt64 = v_time64,
	};
	*out = fv;
	return sqlite3_vfs_register(&fv->vfs, 0);
}

int faultvfs_unregister(void *vfs) {
	int rc = sqlite3_vfs_unregister(&((fault_vfs *)vfs)->vfs);
	free(vfs);
	return rc;
}
