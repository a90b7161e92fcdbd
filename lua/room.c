/* Memory for luaL_Buffers. Lua's own allocations get an emergency collection when memory is
 * short, and strike when that did not help; the boxes of its buffers are refused at once, with an
 * error that can be caught. So whoever lets one grow makes sure of the room first. */
#include <string.h>

#include "vmi.h"

#define PADS_MAX ((size_t)16 << 20)
#define SLACK ((size_t)4 * PAGE) /* what rounding may add */

static bool fits(const arena *a, size_t n) { return n <= a->cap && a->held <= a->cap - n; }

/* Makes sure that n bytes can be had, or strikes. */
void vm_ensure(lua_State *L, size_t n)
{
	vm *v = vm_of(L);
	if (n > SIZE_MAX - SLACK || fits(&v->mem, n += SLACK))
		return;
	lua_gc(L, LUA_GCCOLLECT);
	if (fits(&v->mem, n))
		return;
	vm_refuse(v);
	vm_leave(L);
}

/* lua_checkstack that says whether it was refused memory. */
static bool check_stack(arena *a, lua_State *of, int n, bool *refused)
{
	a->strict = true; /* who calls it can collect */
	bool ok = lua_checkstack(of, n);
	a->strict = false;
	*refused = a->refused_size != 0;
	return ok;
}

/* lua_checkstack for a number that a script chooses: false means too many, never too little memory. */
bool vm_stack(lua_State *L, lua_State *of, int n)
{
	arena *a = &vm_of(L)->mem;
	bool refused;
	if (n >= LUAI_MAXSTACK) /* Lua 5.4.6 and newer would ask for memory, to handle the error */
		return false;
	vm_settle(vm_of(L));
	bool ok = check_stack(a, of, n, &refused);
	if (refused) {
		a->refused_size = 0;
		lua_gc(L, LUA_GCCOLLECT);
		ok = check_stack(a, of, n, &refused);
	}
	if (!ok)
		vm_caught(L);
	return ok;
}

/* luaL_prepbuffsize. */
char *vm_prep(luaL_Buffer *b, size_t n)
{
	if (b->size - b->n < n) {
		size_t twice = b->size * 2;
		vm_ensure(b->L, n < twice - b->n ? twice : b->n + n);
		vm_poll(b->L);
	}
	return luaL_prepbuffsize(b, n);
}

void vm_add(luaL_Buffer *b, const char *s, size_t n)
{
	if (!n)
		return;
	memcpy(vm_prep(b, n), s, n);
	luaL_addsize(b, n);
}

/* Adds the string or number on top of the stack, which is popped. */
void vm_add_value(luaL_Buffer *b)
{
	size_t n;
	lua_tolstring(b->L, -1, &n);
	if (b->size - b->n < n)
		vm_ensure(b->L, b->n + n > b->size * 2 ? b->n + n : b->size * 2);
	luaL_addvalue(b);
}

/* ---- stock functions whose buffers, or stacks, grow ---- */

static int stock(lua_State *L) { return lua_tocfunction(L, lua_upvalueindex(1))(L); }

/* string.byte and utf8.codepoint: a value for each byte of a slice, or fewer. */
int string_slice(lua_State *L)
{
	size_t len;
	if (lua_gettop(L) < 3)
		return stock(L);
	luaL_checklstring(L, 1, &len);
	lua_Integer last = (lua_Integer)len, from = luaL_optinteger(L, 2, 1), to = luaL_optinteger(L, 3, from);
	from = from < -last || from == 0 ? 1 : from < 0 ? last + from + 1 : from;
	to = to > last ? last : to < -last ? 0 : to < 0 ? last + to + 1 : to;
	lua_Integer n = from > to ? 0 : to - from + 1;
	if (n > LUA_MINSTACK && (n >= LUAI_MAXSTACK || !vm_stack(L, L, (int)n + 1))) /* Lua wants more than n */
		return luaL_error(L, "stack overflow (string slice too long)");
	return stock(L);
}

/* A character takes up to six bytes; while a buffer doubles it is there twice. */
int utf8_char(lua_State *L)
{
	vm_ensure(L, (size_t)lua_gettop(L) * 18);
	return stock(L);
}

/* The numbers in a format, which may be sizes. */
static size_t sizes(const char *f)
{
	size_t sum = 0;
	while (*f) {
		size_t n = 0;
		for (; *f >= '0' && *f <= '9' && n < SIZE_MAX / 32; f++)
			n = n * 10 + (size_t)(*f - '0');
		sum = n > SIZE_MAX / 8 - sum ? SIZE_MAX / 8 : sum + n;
		f += *f != 0;
	}
	return sum;
}

/* Padding is written byte by byte, without a look at the limit flag, so it has a bound. */
int string_pack(lua_State *L)
{
	size_t pads = sizes(luaL_checkstring(L, 1)), n = 32 * (size_t)lua_gettop(L);
	for (int i = 2; i <= lua_gettop(L); i++)
		if (lua_type(L, i) == LUA_TSTRING)
			n += lua_rawlen(L, i) + 8;
	luaL_argcheck(L, pads <= PADS_MAX + n, 1, "format result too large");
	vm_ensure(L, (pads + n) * 3);
	return stock(L);
}

/* Puts f before the function of that name in the table on top. */
void vm_put_before(lua_State *L, const char *name, lua_CFunction f)
{
	lua_getfield(L, -1, name);
	lua_pushcclosure(L, f, 1);
	lua_setfield(L, -2, name);
}
