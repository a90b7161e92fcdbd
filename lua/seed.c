/* One hash seed for every VM.
 *
 * Lua mixes addresses and the clock into the seed of its string hash, and with it the order of
 * every table would differ from run to run. The library offers no way to set it, so the one
 * call that makes it is replaced by the linker where it can (ELF), and elsewhere the seed is
 * written over between the state's first allocation and its first string. vm_seed_test tells
 * whether it worked. */
#include "vmi.h"

#include <string.h>

#define SEED 0x5eed1234u

#ifdef __ELF__

static __thread bool making_state;

unsigned int __real_luaS_hash(const char *s, size_t n, unsigned int seed);

unsigned int __wrap_luaS_hash(const char *s, size_t n, unsigned int seed)
{
	return making_state ? SEED : __real_luaS_hash(s, n, seed);
}

lua_State *vm_new_state(vm *v, lua_Alloc f)
{
	making_state = true;
	lua_State *L = lua_newstate(f, v);
	making_state = false;
	return L;
}

#else

/* From the allocator's pair in the global state to the seed, in every release of 5.4 so far. */
#define SEED_AFTER 96

struct patch {
	lua_Alloc f;
	vm *v;
	char *block;
	size_t size;
	int calls;
};

static void *patching(void *ud, void *p, size_t old, size_t n)
{
	struct patch *x = ud;
	if (++x->calls == 2)
		for (size_t i = 0; i + SEED_AFTER + 4 <= x->size; i += sizeof(void *)) {
			void *pair[2];
			memcpy(pair, x->block + i, sizeof pair);
			if (pair[0] == (void *)patching && pair[1] == ud) {
				unsigned int seed = SEED;
				memcpy(x->block + i + SEED_AFTER, &seed, sizeof seed);
				break;
			}
		}
	void *q = x->f(x->v, p, old, n);
	if (x->calls == 1) {
		x->block = q;
		x->size = n;
	}
	return q;
}

lua_State *vm_new_state(vm *v, lua_Alloc f)
{
	struct patch x = {.f = f, .v = v};
	lua_State *L = lua_newstate(patching, &x);
	if (L)
		lua_setallocf(L, f, v);
	return L;
}

#endif

/* ---- self-test ---- */

static uint64_t mix(uint64_t h, uint64_t x) { return (h ^ x) * 1099511628211u; }

/* Fills a table with string and table keys and digests the order in which they come back. */
static int order(lua_State *L)
{
	lua_newtable(L);
	for (int i = 1; i <= 64; i++) {
		lua_pushfstring(L, "k%d", i);
		lua_pushinteger(L, i);
		lua_rawset(L, 1);
		lua_newtable(L);
		lua_pushinteger(L, i);
		lua_rawset(L, 1);
	}
	uint64_t h = 14695981039346656037u;
	lua_pushnil(L);
	while (lua_next(L, 1)) {
		h = mix(mix(h, (uint64_t)lua_type(L, -2)), (uint64_t)lua_tointeger(L, -1));
		lua_pop(L, 1);
	}
	lua_pushinteger(L, (lua_Integer)h);
	return 1;
}

static bool order_of_new(lua_Integer *h)
{
	vm *v;
	if (vm_new_bare(&v) != VM_OK)
		return false;
	lua_pushcfunction(v->M, order);
	bool ok = lua_pcall(v->M, 0, 1, 0) == LUA_OK;
	*h = lua_tointeger(v->M, -1);
	vm_close(v);
	return ok;
}

/* Whether two states iterate alike. The slots differ: the first is held while the second runs. */
int vm_seed_test(void)
{
	char *other = slot_take();
	lua_Integer a, b;
	bool ok = order_of_new(&a);
	char *hold = slot_take();
	ok = ok && order_of_new(&b) && a == b;
	if (hold)
		slot_give(hold, 0);
	if (other)
		slot_give(other, 0);
	return ok;
}
