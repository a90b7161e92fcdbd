/* The allocator that Lua is given, and what a refusal of it means. */
#include "vmi.h"

#define COLLECTS_FOR_STACKS (LUA_VERSION_RELEASE_NUM <= 50404)

static void *grant(arena *a, void *p, size_t old, size_t n)
{
	return p ? arena_resize(a, p, old, n) : arena_alloc(a, n);
}

/* Lets a block grow beyond the limit by a sixteenth of it, since Lua does not collect before it
 * gives up growing a stack. The next new block pays for it, with a collection or a strike. */
static void *overdraw(vm *v, void *p, size_t old, size_t n)
{
	arena *a = &v->mem;
	size_t cap = a->cap;
	if (n <= old || a->strict || a->crowded || vm_stopped(v))
		return NULL;
	a->cap += cap / 16;
	void *q = grant(a, p, old, n);
	a->cap = cap;
	return q;
}

static void *attempt(vm *v, void *p, size_t old, size_t n)
{
	void *q = grant(&v->mem, p, old, n);
	return q || !p || COLLECTS_FOR_STACKS ? q : overdraw(v, p, old, n);
}

void *vm_allocate(void *ud, void *p, size_t old, size_t n)
{
	vm *v = ud;
	arena *a = &v->mem;
	if (n == 0) {
		if (p)
			arena_free(a, p, old);
		return NULL;
	}
	a->count++;
	bool again = a->refused_size == n && a->refused == p;
	if (!again)
		vm_settle(v);
	void *q = NULL;
	if (!a->fail_in || --a->fail_in) {
		q = attempt(v, p, old, n);
	} else if (--a->fail_times > 0) {
		a->fail_in = 1;
	}
	if (!q && a->crowded && !a->exempt) {
		vm_crowd(v);
		q = grant(a, p, old, n);
	}
	if (q) {
		a->refused_size = 0;
		return q;
	}
	if (p && n <= old)
		return p;
	a->refused_size = again ? 0 : n;
	a->refused = p;
	if (again)
		vm_refuse(v);
	return NULL;
}

/* Called where no allocation is under way. Lua asks again for what it was refused, at once, after a
 * collection. It does not where a stack grows, since 5.4.6, nor for the boxes of its buffers:
 * the first refusal was final then. Only growth is looked at, for to be refused a new block can
 * be harmless: up to 5.4.4 a collection makes one to shrink a stack. */
void vm_settle(vm *v)
{
	arena *a = &v->mem;
	if (!a->refused_size)
		return;
	a->refused_size = 0;
	if (a->refused)
		vm_refuse(v);
}

/* vm_poll for whoever has caught an error: it may be that of a refusal. */
void vm_caught(lua_State *L)
{
	vm_settle(vm_of(L));
	vm_poll(L);
}

void vm_reserve(lua_State *L, area *r, size_t more)
{
	vm *v = vm_of(L);
	if (more > r->max - r->len)
		luaL_error(L, "value too large to cross the border (%I bytes)",
			(LUAI_UACINT)(r->len + more));
	if (area_commit(&v->mem, r, r->len + more))
		return;
	if (v->mem.crowded) {
		vm_crowd(v);
		vm_leave(L);
	}
	lua_gc(L, LUA_GCCOLLECT);
	if (area_commit(&v->mem, r, r->len + more))
		return;
	vm_refuse(v);
	vm_leave(L);
}

/* Gives back what a helper needed for one large value. The out area stays: what lies there may
 * be on its way out. */
void vm_relax(vm *v)
{
	area_trim(&v->mem, &v->scratch);
	area_trim(&v->mem, &v->pad);
}
