#include "arena.h"

#include <string.h>
#include <sys/mman.h>

/* Small VMs live in a dense start, where cells of all sizes follow each other. What comes after
 * it lies in slabs (cells of one size) and spans of whole pages; both can be given back, so what
 * is held is what is resident, however a script mixes its sizes. */
#define DENSE ((size_t)256 << 10)
#define DENSE_PAGES ((uint32_t)(DENSE / PAGE))
#define CELL_MAX ((size_t)4096)
#define HEAP_PAGES ((uint32_t)((HEAP_END - HEAP_AT) / PAGE))
#define DIRTY_MIN ((size_t)256)

enum { USED, FREE_CLEAN, FREE_DIRTY };

/* Under the address sanitizer what is free cannot be touched. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define hide(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define show(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define hide(p, n) ((void)0)
#define show(p, n) ((void)0)
#endif

static inline int class_of(size_t n)
{
	return n <= 1024 ? (int)((n + 15) >> 4) : (int)(64 + ((n - 1024 + 255) >> 8));
}

static inline size_t class_size(int c)
{
	return c <= 64 ? (size_t)c << 4 : 1024 + ((size_t)(c - 64) << 8);
}

static inline uint32_t slab_pages(int c) { return c <= 64 ? 4 : 8; }

static inline uint32_t slab_cells(int c)
{
	return (uint32_t)(slab_pages(c) * PAGE / class_size(c));
}

static inline size_t pages_for(size_t n) { return (n + PAGE - 1) / PAGE; }

void arena_init(arena *a, char *slot, size_t cap)
{
	memset(a, 0, sizeof *a);
	a->slot = slot;
	a->heap = slot + HEAP_AT;
	a->pages = (page *)(slot + PAGES_AT);
	a->cap = cap;
	a->top = DENSE_PAGES;
}

/* ---- lists of pages ---- */

static void list_add(arena *a, uint32_t *head, uint32_t i)
{
	page *p = &a->pages[i];
	p->prev = 0;
	p->next = *head;
	if (*head)
		a->pages[*head].prev = i;
	*head = i;
}

static void list_remove(arena *a, uint32_t *head, uint32_t i)
{
	page *p = &a->pages[i];
	if (p->prev)
		a->pages[p->prev].next = p->next;
	else
		*head = p->next;
	if (p->next)
		a->pages[p->next].prev = p->prev;
}

/* ---- spans of pages ---- */

static int bin_of(uint32_t n) { return n < 64 ? (int)n : 58 + (31 - __builtin_clz(n)); }

static void span_add(arena *a, uint32_t i, uint32_t n, int state)
{
	a->pages[i].span = a->pages[i + n - 1].span = n;
	a->pages[i].state = a->pages[i + n - 1].state = (uint8_t)state;
	if (state == FREE_DIRTY)
		a->dirty += n;
	list_add(a, &a->bin[bin_of(n)], i);
}

static int span_remove(arena *a, uint32_t i)
{
	uint32_t n = a->pages[i].span;
	int state = a->pages[i].state;
	list_remove(a, &a->bin[bin_of(n)], i);
	a->pages[i].state = a->pages[i + n - 1].state = USED;
	if (state == FREE_DIRTY)
		a->dirty -= n;
	return state;
}

/* Gives free pages back to the system: spans of min pages or more. */
static void purge(arena *a, uint32_t min)
{
	for (int b = min < 64 ? (int)min : bin_of(min); b < BINS; b++)
		for (uint32_t i = a->bin[b]; i; i = a->pages[i].next) {
			page *p = &a->pages[i];
			if (p->state != FREE_DIRTY || p->span < min)
				continue;
			madvise(a->heap + i * PAGE, p->span * PAGE, MADV_DONTNEED);
			p->state = a->pages[i + p->span - 1].state = FREE_CLEAN;
			a->dirty -= p->span;
		}
	arena_discharge(a);
}

static bool room(arena *a, size_t bytes)
{
	if (bytes > a->cap || a->held > a->cap - bytes)
		return false;
	if (a->dirty > DIRTY_MIN && a->held + bytes + (a->dirty - DIRTY_MIN) * PAGE > a->cap)
		purge(a, 1);
	return true;
}

/* The first span that fits, from the smallest bin that has one; 0 when there is none. */
static uint32_t span_find(arena *a, uint32_t n)
{
	for (int b = bin_of(n); b < BINS; b++)
		for (uint32_t i = a->bin[b]; i; i = a->pages[i].next)
			if (a->pages[i].span >= n)
				return i;
	return 0;
}

static uint32_t span_take(arena *a, uint32_t n)
{
	uint32_t i = span_find(a, n);
	if (i) {
		uint32_t rest = a->pages[i].span - n;
		int state = span_remove(a, i);
		if (rest)
			span_add(a, i + n, rest, state);
		return i;
	}
	i = a->top;
	if (i > DENSE_PAGES && a->pages[i - 1].state != USED)
		i -= a->pages[i - 1].span;
	if (n > HEAP_PAGES - i)
		return 0;
	if (i < a->top)
		span_remove(a, i);
	a->top = i + n;
	return i;
}

static void span_give(arena *a, uint32_t i, uint32_t n)
{
	uint32_t after = i + n;
	if (after < a->top && a->pages[after].state != USED) {
		n += a->pages[after].span;
		span_remove(a, after);
	}
	if (i > DENSE_PAGES && a->pages[i - 1].state != USED) {
		uint32_t before = a->pages[i - 1].span;
		i -= before;
		n += before;
		span_remove(a, i);
	}
	span_add(a, i, n, FREE_DIRTY);
	if (a->dirty <= DIRTY_MIN || a->dirty * PAGE <= a->held / 2)
		return;
	purge(a, 16);
	if (a->dirty > DIRTY_MIN / 2)
		purge(a, 1);
}

static void *pages_alloc(arena *a, size_t n)
{
	size_t count = pages_for(n);
	if (count > HEAP_PAGES || !room(a, count * PAGE) || !arena_charge(a, count * PAGE))
		return NULL;
	uint32_t i = span_take(a, (uint32_t)count);
	if (!i)
		return NULL;
	/* The inside of a span that was free may still say so at its ends. */
	a->pages[i].state = a->pages[i + count - 1].state = USED;
	a->held += count * PAGE;
	show(a->heap + i * PAGE, count * PAGE);
	return a->heap + i * PAGE;
}

static void pages_free(arena *a, void *p, size_t n)
{
	size_t count = pages_for(n);
	a->held -= count * PAGE;
	hide(p, count * PAGE);
	span_give(a, (uint32_t)(((char *)p - a->heap) / PAGE), (uint32_t)count);
}

/* ---- cells ---- */

static uint32_t slab_new(arena *a, int c)
{
	uint32_t n = slab_pages(c);
	char *p = pages_alloc(a, n * PAGE);
	if (!p)
		return 0;
	uint32_t s = (uint32_t)((p - a->heap) / PAGE);
	for (uint32_t i = 0; i < n; i++)
		a->pages[s + i].span = s;
	page *g = &a->pages[s];
	g->live = g->fresh = 0;
	g->cell = 0;
	g->class = (uint8_t)c;
	list_add(a, &a->slab[c], s);
	return s;
}

static void *slab_alloc(arena *a, int c)
{
	uint32_t s = a->slab[c];
	if (!s && !(s = slab_new(a, c)))
		return NULL;
	page *g = &a->pages[s];
	char *cell;
	if (g->cell) {
		cell = a->heap + ((size_t)g->cell << 4);
		show(cell, class_size(c));
		memcpy(&g->cell, cell, sizeof g->cell);
	} else {
		cell = a->heap + s * PAGE + g->fresh++ * class_size(c);
	}
	if (++g->live == slab_cells(c))
		list_remove(a, &a->slab[c], s);
	return cell;
}

static void slab_free(arena *a, char *cell, int c)
{
	uint32_t s = a->pages[(cell - a->heap) / PAGE].span;
	page *g = &a->pages[s];
	memcpy(cell, &g->cell, sizeof g->cell);
	g->cell = (uint32_t)((size_t)(cell - a->heap) >> 4);
	hide(cell, class_size(c));
	if (g->live-- == slab_cells(c))
		list_add(a, &a->slab[c], s);
	if (g->live == 0 && (g->next || g->prev)) { /* one empty slab a class stays */
		list_remove(a, &a->slab[c], s);
		pages_free(a, a->heap + s * PAGE, slab_pages(c) * PAGE);
	}
}

static void *cell_alloc(arena *a, int c)
{
	char *p = a->dense[c];
	size_t n = class_size(c);
	if (p) {
		show(p, n);
		memcpy(&a->dense[c], p, sizeof(void *));
		return p;
	}
	if (a->brk + n > DENSE)
		return slab_alloc(a, c);
	if (a->held + n > a->cap || !arena_charge(a, n))
		return NULL;
	p = a->heap + a->brk;
	a->brk += n;
	a->held += n;
	return p;
}

static void cell_free(arena *a, char *p, int c)
{
	if (p >= a->heap + DENSE) {
		slab_free(a, p, c);
		return;
	}
	memcpy(p, &a->dense[c], sizeof(void *));
	a->dense[c] = p;
	hide(p, class_size(c));
}

/* Ends the arena; returns how many bytes of the heap may be resident. */
size_t arena_end(arena *a)
{
	size_t touched = a->top > DENSE_PAGES ? a->top * PAGE : a->brk;
	show(a->heap, touched);
	arena_discharge_all(a);
	return touched;
}

void *arena_alloc(arena *a, size_t n)
{
	return n <= CELL_MAX ? cell_alloc(a, class_of(n)) : pages_alloc(a, n);
}

void arena_free(arena *a, void *p, size_t n)
{
	if (n <= CELL_MAX)
		cell_free(a, p, class_of(n));
	else
		pages_free(a, p, n);
}

static bool fits_in_place(size_t old, size_t n)
{
	if (old <= CELL_MAX || n <= CELL_MAX)
		return old <= CELL_MAX && n <= CELL_MAX && class_of(old) == class_of(n);
	return pages_for(old) == pages_for(n);
}

void *arena_resize(arena *a, void *p, size_t old, size_t n)
{
	if (fits_in_place(old, n))
		return p;
	void *q = arena_alloc(a, n);
	if (!q)
		return NULL;
	memcpy(q, p, old < n ? old : n);
	arena_free(a, p, old);
	return q;
}

/* ---- areas ---- */

void area_init(area *r, char *near, char *far, size_t max)
{
	*r = (area){.base = near, .near = near, .far = far, .max = max};
}

/* How much to charge an area that needs so many bytes. */
static size_t commitment(arena *a, const area *r, size_t need)
{
	size_t want = need;
	if (need > NEAR_SIZE && need < r->committed * 2 && room(a, r->committed))
		want = r->committed * 2;
	return (want + PAGE - 1) & ~(PAGE - 1);
}

/* Charges an area so that it can hold need bytes. */
bool area_commit(arena *a, area *r, size_t need)
{
	if (need <= r->committed)
		return true;
	size_t want = commitment(a, r, need);
	if (want > r->max || !room(a, want - r->committed) || !arena_charge(a, want - r->committed))
		return false;
	if (want > NEAR_SIZE && r->base == r->near) {
		memcpy(r->far, r->near, r->len);
		r->base = r->far;
	}
	a->held += want - r->committed;
	r->committed = want;
	return true;
}

/* Empties an area and gives back what is not near. */
void area_trim(arena *a, area *r)
{
	r->len = 0;
	if (r->base == r->near)
		return;
	madvise(r->far, r->committed, MADV_DONTNEED);
	a->held -= r->committed;
	r->committed = 0;
	r->base = r->near;
	arena_discharge(a);
}
