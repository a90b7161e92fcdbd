/* Values of package value's tagged encoding, back onto the stack. */
#include <string.h>

#include "vmi.h"

#define MAX_DEPTH 200
#define ARRAY 1


typedef struct {
	lua_State *L;
	const char *p, *end;
	const char *why;
} reader;

static bool get_value(reader *r, int depth);

static bool bad(reader *r, const char *why)
{
	r->why = why;
	return false;
}

static inline size_t get_u32(const char *p)
{
	uint32_t x;
	memcpy(&x, p, 4);
	return x;
}

static bool has(reader *r, size_t n) { return (size_t)(r->end - r->p) >= n; }

static bool get_elements(reader *r, int t, size_t n, bool array, int depth)
{
	for (size_t i = 1; i <= n; i++) {
		if (!get_value(r, depth))
			return false;
		if (lua_isnil(r->L, -1) && !array)
			return bad(r, "nil element in a plain table");
		lua_rawseti(r->L, t, (lua_Integer)i);
	}
	return true;
}

static bool get_key(reader *r)
{
	lua_State *L = r->L;
	if (!has(r, 1) || *r->p == 'N' || *r->p == 't')
		return bad(r, "no key where one belongs");
	if (!get_value(r, MAX_DEPTH))
		return false;
	if (lua_type(L, -1) == LUA_TNUMBER && !lua_isinteger(L, -1)) {
		lua_Integer i;
		lua_Number d = lua_tonumber(L, -1);
		if (d != d || (lua_numbertointeger(d, &i) && (lua_Number)i == d))
			return bad(r, "float key that Lua would not keep");
	}
	return true;
}

static bool get_pairs(reader *r, int t, size_t m, int depth)
{
	for (size_t i = 0; i < m; i++) {
		if (!get_key(r) || !get_value(r, depth))
			return false;
		if (lua_isnil(r->L, -1))
			return bad(r, "nil value of a key");
		lua_rawset(r->L, t);
	}
	return true;
}

static bool get_table(reader *r, int depth)
{
	lua_State *L = r->L;
	if (depth > MAX_DEPTH)
		return bad(r, "too deeply nested");
	if (!has(r, 9))
		return bad(r, "short table");
	int flags = (unsigned char)r->p[0];
	size_t n = get_u32(r->p + 1), m = get_u32(r->p + 5);
	r->p += 9;
	/* Every element takes a byte and every pair two: a count beyond that is a lie. */
	if (flags & ~ARRAY || n > INT32_MAX || m > INT32_MAX || !has(r, n + 2 * m))
		return bad(r, "impossible table header");
	luaL_checkstack(L, 5, "value nested too deeply");
	lua_createtable(L, (int)n, (int)m);
	int t = lua_gettop(L);
	if (!get_elements(r, t, n, flags & ARRAY, depth) || !get_pairs(r, t, m, depth))
		return false;
	if (flags & ARRAY) {
		lua_rawgeti(L, LUA_REGISTRYINDEX, KEY_MARKER);
		lua_setmetatable(L, t);
	}
	return true;
}

static bool get_number(reader *r, char tag)
{
	lua_Integer i;
	lua_Number d;
	if (!has(r, 8))
		return bad(r, "short number");
	if (tag == 'i') {
		memcpy(&i, r->p, 8);
		lua_pushinteger(r->L, i);
	} else {
		memcpy(&d, r->p, 8);
		lua_pushnumber(r->L, d);
	}
	r->p += 8;
	return true;
}

static bool get_string(reader *r)
{
	if (!has(r, 4) || !has(r, 4 + get_u32(r->p)))
		return bad(r, "short string");
	size_t n = get_u32(r->p);
	lua_pushlstring(r->L, r->p + 4, n);
	r->p += 4 + n;
	return true;
}

static bool get_value(reader *r, int depth)
{
	if (!has(r, 1))
		return bad(r, "end of input");
	char tag = *r->p++;
	switch (tag) {
	case 'N':
		lua_pushnil(r->L);
		return true;
	case 'F':
	case 'T':
		lua_pushboolean(r->L, tag == 'T');
		return true;
	case 'i':
	case 'd':
		return get_number(r, tag);
	case 's':
		return get_string(r);
	case 't':
		return get_table(r, depth + 1);
	}
	return bad(r, "unknown tag");
}

/* Pushes the values of a list and returns how many, or -1 with the reason why it is none. */
int vm_decode(lua_State *L, const char *p, size_t n, const char **why)
{
	reader r = {L, p, p + n, NULL};
	int top = lua_gettop(L), count = 0;
	*why = NULL;
	while (r.p < r.end) {
		luaL_checkstack(L, 6, "too many values");
		if (!get_value(&r, 0)) {
			*why = r.why;
			lua_settop(L, top);
			return -1;
		}
		count++;
	}
	return count;
}
