/* The memory of a VM: one arena at an address whose low 32 bits are always the same.
 *
 * Lua hashes pointers by their low bits, so equal runs place equal objects at equal
 * addresses and iterate over them alike. Nothing in here may make a placement depend on
 * anything but the calls before it: not on time, not on what was given back to the system. */
#ifndef ALC_ARENA_H
#define ALC_ARENA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOT_SIZE ((size_t)1 << 32)
#define PAGE ((size_t)4096)

/* Parts of a slot. The VM's own data come first, close to the heap, so that a small VM needs few
 * page tables. The areas behind the heap are flat and grow by being touched. */
#define NEAR_AT ((size_t)16 << 10)
#define HEAP_AT ((size_t)128 << 10)
#define HEAP_END ((size_t)0x9E000000)
#define PAGES_AT ((size_t)0x9E000000)
#define OUT_AT ((size_t)0xA0000000)
#define SCRATCH_AT ((size_t)0xC0000000)
#define PAD_AT ((size_t)0xE0000000)
#define NOTES_AT ((size_t)0xF8000000)
#define MEMORY_MAX ((size_t)2 << 30)

/* The budget is charged in steps of so many bytes. */
#define CHARGE ((size_t)32 << 10)

#define CLASSES 77
#define BINS 96

typedef struct page {
	uint32_t span;   /* slab: its first page; free span: length, in the first and last page */
	uint32_t next;   /* neighbours in a list of slabs with room or of free spans; 0 = none */
	uint32_t prev;
	uint32_t cell;   /* slab: first free cell, in 16-byte units of the heap; 0 = none */
	uint16_t live;   /* slab: cells in use */
	uint16_t fresh;  /* slab: cells ever handed out */
	uint8_t class;
	uint8_t state;
} page;

/* A flat buffer. While it is small it lies near the heap; what does not fit there moves, once, to
 * the far place, which has room for everything and page tables of its own. The old bytes stay
 * readable until the area is trimmed. */
#define NEAR_SIZE ((size_t)16 << 10)

typedef struct area {
	char *base;
	size_t len;        /* bytes in use */
	size_t committed;  /* bytes charged */
	size_t max;
	char *near, *far;
} area;

typedef struct arena {
	char *slot;
	char *heap;
	page *pages;
	size_t cap;        /* bytes that may be held */
	size_t held;       /* bytes charged: pages in use, dense start, areas */
	size_t dirty;      /* pages that are free but not given back */
	size_t brk;        /* dense start: bytes handed out */
	uint32_t top;      /* first page never used */
	void *dense[CLASSES];
	uint32_t slab[CLASSES];
	uint32_t bin[BINS];
	size_t charged;    /* what the process's budget counts for it: held and dirty, in steps */
	bool crowded;      /* the budget has refused it something */
	bool exempt;       /* the budget refuses it no more */
	size_t refused_size; /* the last refusal, to tell a second one for the same need; or 0 */
	void *refused;       /* the block that was to grow, NULL when a new one was wanted */
	bool strict;       /* no block may grow beyond cap */
	long fail_in;      /* tests: refuse from this allocation on, so many times */
	long fail_times;
	long count;
} arena;

/* Returns the slot's first byte, or NULL when there is none left. */
char *slot_take(void);
void slot_give(char *slot, size_t heap_used);

void arena_init(arena *a, char *slot, size_t cap);
size_t arena_end(arena *a);
void *arena_alloc(arena *a, size_t n);
void arena_free(arena *a, void *p, size_t n);
void *arena_resize(arena *a, void *p, size_t old, size_t n);

/* The budget that all arenas of the process share; 0 bytes are no bound. What it refuses is never
 * granted later: a collection in between would show in this run and not in a replay of it. */
void budget_set(size_t bytes);
size_t budget_held(void);
bool arena_charge_more(arena *a, size_t more);
static inline bool arena_charge(arena *a, size_t more)
{
	return a->held + a->dirty * PAGE + more <= a->charged || arena_charge_more(a, more);
}
void arena_discharge(arena *a);
void arena_discharge_all(arena *a);

void area_init(area *r, char *near, char *far, size_t max);
bool area_commit(arena *a, area *r, size_t need);
void area_trim(arena *a, area *r);

#endif
