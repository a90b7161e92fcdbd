/* Address space for VMs: slots of 4 GiB whose low 32 bits are zero, reserved once and reused. */
#include "arena.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Where slots are looked for. The first range is free under the race detector and the address
 * sanitizer alike; the others are for systems with a smaller address space. */
static const struct {
	uint64_t from, to;
} ranges[] = {
	{0x400000000000, 0x7e0000000000},
	{0x100000000000, 0x1f0000000000},
	{0x002000000000, 0x007000000000},
};

#define WARM_SLOTS 16
#define WARM_BYTES ((size_t)256 << 10)

static struct {
	pthread_mutex_t mu;
	char **free;
	size_t nfree, cap;
	size_t range;
	uint64_t next;
} slots = {.mu = PTHREAD_MUTEX_INITIALIZER};

static char *reserve(uint64_t at)
{
	void *want = (void *)(uintptr_t)at;
	int flags = MAP_PRIVATE | MAP_ANON | MAP_NORESERVE;
#ifdef MAP_FIXED_NOREPLACE
	flags |= MAP_FIXED_NOREPLACE;
#endif
	void *p = mmap(want, SLOT_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	if (p != want) {
		munmap(p, SLOT_SIZE);
		return NULL;
	}
#ifdef MADV_NOHUGEPAGE
	madvise(p, SLOT_SIZE, MADV_NOHUGEPAGE); /* a huge page a VM would be 20 times its need */
#endif
	return p;
}

static char *reserve_next(void)
{
	while (slots.range < sizeof ranges / sizeof ranges[0]) {
		if (slots.next < ranges[slots.range].from)
			slots.next = ranges[slots.range].from;
		while (slots.next < ranges[slots.range].to) {
			char *p = reserve(slots.next);
			slots.next += SLOT_SIZE;
			if (p)
				return p;
		}
		slots.range++;
		slots.next = 0;
	}
	return NULL;
}

char *slot_take(void)
{
	pthread_mutex_lock(&slots.mu);
	char *p = slots.nfree ? slots.free[--slots.nfree] : reserve_next();
	pthread_mutex_unlock(&slots.mu);
	return p;
}

/* Puts a slot back. A few keep their first pages, which saves the next VM its page faults. */
void slot_give(char *slot, size_t heap_used)
{
	pthread_mutex_lock(&slots.mu);
	size_t keep = slots.nfree < WARM_SLOTS ? WARM_BYTES : 0;
	pthread_mutex_unlock(&slots.mu);
	if (heap_used > keep)
		madvise(slot + HEAP_AT + keep, heap_used - keep, MADV_DONTNEED);
	size_t meta = heap_used / PAGE * sizeof(page);
	size_t keep_meta = keep ? PAGE : 0;
	if (meta > keep_meta)
		madvise(slot + PAGES_AT + keep_meta, meta - keep_meta, MADV_DONTNEED);
	if (!keep)
		madvise(slot, HEAP_AT, MADV_DONTNEED);
	pthread_mutex_lock(&slots.mu);
	if (slots.nfree == slots.cap) {
		size_t cap = slots.cap ? slots.cap * 2 : 256;
		char **grown = realloc(slots.free, cap * sizeof *grown);
		if (!grown) { /* the slot is lost, its memory is not */
			pthread_mutex_unlock(&slots.mu);
			return;
		}
		slots.free = grown;
		slots.cap = cap;
	}
	slots.free[slots.nfree++] = slot;
	pthread_mutex_unlock(&slots.mu);
}
