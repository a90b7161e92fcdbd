/* The functions of the table library that walk over what a script calls a length: they look at
 * the limit flag, since a __len can claim anything. */
#include <string.h>

#include "vmi.h"

#define OFTEN 1024

/* Accepts tables, and other values with the metamethods that the access needs. */
static lua_Integer length(lua_State *L, int i, const char *const *events)
{
	if (lua_type(L, i) == LUA_TTABLE) {
		if (!lua_getmetatable(L, i))
			return (lua_Integer)lua_rawlen(L, i);
		lua_pop(L, 1);
	} else {
		for (; *events; events++) {
			if (luaL_getmetafield(L, i, *events) == LUA_TNIL)
				luaL_checktype(L, i, LUA_TTABLE);
			lua_pop(L, 1);
		}
	}
	return luaL_len(L, i);
}

static const char *const reading[] = {"__index", "__len", NULL};
static const char *const writing[] = {"__index", "__newindex", "__len", NULL};

static inline void poll_often(lua_State *L, lua_Integer i)
{
	if (i % OFTEN == 0)
		vm_poll(L);
}

static int table_insert(lua_State *L)
{
	lua_Integer end = luaL_intop(+, length(L, 1, writing), 1), at = end;
	switch (lua_gettop(L)) {
	case 2:
		break;
	case 3:
		at = luaL_checkinteger(L, 2);
		luaL_argcheck(L, (lua_Unsigned)at - 1u < (lua_Unsigned)end, 2, "position out of bounds");
		for (lua_Integer i = end; i > at; i--) {
			lua_geti(L, 1, i - 1);
			lua_seti(L, 1, i);
			poll_often(L, i);
		}
		break;
	default:
		return luaL_error(L, "wrong number of arguments to 'insert'");
	}
	lua_seti(L, 1, at);
	return 0;
}

static int table_remove(lua_State *L)
{
	lua_Integer n = length(L, 1, writing), at = luaL_optinteger(L, 2, n);
	if (at != n)
		luaL_argcheck(L, (lua_Unsigned)at - 1u <= (lua_Unsigned)n, 2, "position out of bounds");
	lua_geti(L, 1, at);
	for (; at < n; at++) {
		lua_geti(L, 1, at + 1);
		lua_seti(L, 1, at);
		poll_often(L, at);
	}
	lua_pushnil(L);
	lua_seti(L, 1, at);
	return 1;
}

static void check_access(lua_State *L, int i, const char *event)
{
	if (lua_type(L, i) == LUA_TTABLE)
		return;
	if (luaL_getmetafield(L, i, event) == LUA_TNIL)
		luaL_checktype(L, i, LUA_TTABLE);
	lua_pop(L, 1);
}

/* Whether copying forwards would overwrite what is still to be copied. */
static bool overlaps(lua_State *L, lua_Integer from, lua_Integer end, lua_Integer to, int target)
{
	return to > from && to <= end && (target == 1 || lua_compare(L, 1, target, LUA_OPEQ));
}

static int table_move(lua_State *L)
{
	lua_Integer from = luaL_checkinteger(L, 2), end = luaL_checkinteger(L, 3), to = luaL_checkinteger(L, 4);
	int target = lua_isnoneornil(L, 5) ? 1 : 5;
	check_access(L, 1, "__index");
	check_access(L, target, "__newindex");
	if (end >= from) {
		luaL_argcheck(L, from > 0 || end < LUA_MAXINTEGER + from, 3, "too many elements to move");
		lua_Integer n = end - from + 1;
		luaL_argcheck(L, to <= LUA_MAXINTEGER - n + 1, 4, "destination wrap around");
		bool backwards = overlaps(L, from, end, to, target);
		for (lua_Integer k = 0; k < n; k++) {
			lua_Integer i = backwards ? n - 1 - k : k;
			lua_geti(L, 1, from + i);
			lua_seti(L, target, to + i);
			poll_often(L, k);
		}
	}
	lua_pushvalue(L, target);
	return 1;
}

static int table_unpack(lua_State *L)
{
	lua_Integer from = luaL_optinteger(L, 2, 1);
	lua_Integer end = lua_isnoneornil(L, 3) ? luaL_len(L, 1) : luaL_checkinteger(L, 3);
	if (from > end)
		return 0;
	lua_Unsigned n = (lua_Unsigned)end - (lua_Unsigned)from;
	if (n >= INT32_MAX || !vm_stack(L, L, (int)++n))
		return luaL_error(L, "too many results to unpack");
	for (lua_Unsigned k = 0; k < n; k++) {
		lua_geti(L, 1, from + (lua_Integer)k);
		poll_often(L, (lua_Integer)k);
	}
	return (int)n;
}

/* ---- concat ---- */

static void check_piece(lua_State *L, lua_Integer i)
{
	if (!lua_isstring(L, -1))
		luaL_error(L, "invalid value (%s) at index %I in table for 'concat'",
			luaL_typename(L, -1), (LUAI_UACINT)i);
}

static void add(lua_State *L, area *r, const char *s, size_t n)
{
	memcpy(vm_room(L, r, n), s, n);
	r->len += n;
}

/* Of a table without metamethods: nothing runs in between, so the scratch area is ours. */
static int concat_raw(lua_State *L, const char *sep, size_t nsep, lua_Integer from, lua_Integer end)
{
	area *r = &vm_of(L)->scratch;
	r->len = 0;
	for (lua_Integer i = from;; i++) {
		size_t n;
		lua_rawgeti(L, 1, i);
		check_piece(L, i);
		const char *s = lua_tolstring(L, -1, &n);
		add(L, r, s, n);
		lua_pop(L, 1);
		if (i == end)
			break;
		add(L, r, sep, nsep);
		poll_often(L, i);
	}
	lua_pushlstring(L, r->base, r->len);
	vm_relax(vm_of(L));
	return 1;
}

static int concat_any(lua_State *L, const char *sep, size_t nsep, lua_Integer from, lua_Integer end)
{
	luaL_Buffer b;
	luaL_buffinit(L, &b);
	for (lua_Integer i = from;; i++) {
		lua_geti(L, 1, i);
		check_piece(L, i);
		vm_add_value(&b);
		if (i == end)
			break;
		vm_add(&b, sep, nsep);
		poll_often(L, i);
	}
	luaL_pushresult(&b);
	return 1;
}

static int table_concat(lua_State *L)
{
	size_t nsep;
	lua_Integer n = length(L, 1, reading);
	const char *sep = luaL_optlstring(L, 2, "", &nsep);
	lua_Integer from = luaL_optinteger(L, 3, 1), end = luaL_optinteger(L, 4, n);
	if (from > end) {
		lua_pushliteral(L, "");
		return 1;
	}
	if (lua_type(L, 1) == LUA_TTABLE && !lua_getmetatable(L, 1))
		return concat_raw(L, sep, nsep, from, end);
	return concat_any(L, sep, nsep, from, end);
}

void open_table(lua_State *L)
{
	static const luaL_Reg own[] = {
		{"concat", table_concat},
		{"insert", table_insert},
		{"move", table_move},
		{"remove", table_remove},
		{"sort", table_sort},
		{"unpack", table_unpack},
		{NULL, NULL},
	};
	luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 1);
	vm_close_functions(L);
	vm_set_functions(L, own);
	lua_pop(L, 1);
}
