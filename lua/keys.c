/* Table keys in one canonical order: integers, floats, strings bytewise, false, true. */
#include "vmi.h"

#include <string.h>

static uint64_t prefix_of(const char *s, size_t n)
{
	unsigned char b[8] = {0};
	memcpy(b, s, n < 8 ? n : 8);
	uint64_t x = 0;
	for (int i = 0; i < 8; i++)
		x = x << 8 | b[i];
	return x;
}

/* Adds the key at a stack index to the pad and returns it, or NULL when its type has no place
 * in the order. The pad's memory does not move. */
key *key_push(lua_State *L, int at)
{
	vm *v = vm_of(L);
	key k = {.at = at};
	switch (lua_type(L, at)) {
	case LUA_TNUMBER:
		if (lua_isinteger(L, at)) {
			k.rank = RANK_INT;
			k.u.i = lua_tointeger(L, at);
		} else {
			k.rank = RANK_FLOAT;
			k.u.d = lua_tonumber(L, at);
		}
		break;
	case LUA_TSTRING:
		k.rank = RANK_STRING;
		k.s = lua_tolstring(L, at, &k.len);
		k.u.prefix = prefix_of(k.s, k.len);
		break;
	case LUA_TBOOLEAN:
		k.rank = lua_toboolean(L, at) ? RANK_TRUE : RANK_FALSE;
		break;
	default:
		return NULL;
	}
	key *p = (key *)vm_room(L, &v->pad, sizeof k);
	*p = k;
	v->pad.len += sizeof k;
	return p;
}

static bool string_before(const key *a, const key *b)
{
	if (a->u.prefix != b->u.prefix)
		return a->u.prefix < b->u.prefix;
	size_t n = a->len < b->len ? a->len : b->len;
	int d = memcmp(a->s, b->s, n);
	return d ? d < 0 : a->len < b->len;
}

static bool before(const key *a, const key *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank;
	switch (a->rank) {
	case RANK_INT:
		return a->u.i < b->u.i;
	case RANK_FLOAT:
		return a->u.d < b->u.d;
	case RANK_STRING:
		return string_before(a, b);
	}
	return false;
}

static void sink(key *k, size_t i, size_t n)
{
	key moved = k[i];
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && before(&k[child], &k[child + 1]))
			child++;
		if (!before(&moved, &k[child]))
			break;
		k[i] = k[child];
	}
	k[i] = moved;
}

static void insertion_sort(key *k, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		key moved = k[i];
		size_t j = i;
		for (; j > 0 && before(&moved, &k[j - 1]); j--)
			k[j] = k[j - 1];
		k[j] = moved;
	}
}

/* Sorts in place and without further memory: keys of a table are all different. */
void key_sort(key *k, size_t n)
{
	if (n <= 12) {
		insertion_sort(k, n);
		return;
	}
	for (size_t i = n / 2; i-- > 0;)
		sink(k, i, n);
	while (n-- > 1) {
		key last = k[n];
		k[n] = k[0];
		k[0] = last;
		sink(k, 0, n);
	}
}

/* Pushes a key that is not on the stack. */
static void push(lua_State *L, const key *k)
{
	switch (k->rank) {
	case RANK_INT:
		lua_pushinteger(L, k->u.i);
		break;
	case RANK_FLOAT:
		lua_pushnumber(L, k->u.d);
		break;
	case RANK_STRING:
		lua_pushlstring(L, k->s, k->len);
		break;
	default:
		lua_pushboolean(L, k->rank == RANK_TRUE);
	}
}

/* Pushes the value that belongs to a key of the table at a stack index. */
void key_value(lua_State *L, const key *k, int table)
{
	if (k->at) {
		lua_pushvalue(L, k->at + 1);
		return;
	}
	push(L, k);
	lua_rawget(L, table);
}

/* A collection may take from a weak table what it holds, keys that were collected included. At its
 * place on the stack a copy that is not weak takes over. */
void key_hold(lua_State *L, int table)
{
	if (luaL_getmetafield(L, table, "__mode") == LUA_TNIL)
		return;
	lua_pop(L, 1);
	lua_newtable(L);
	lua_pushnil(L);
	for (int n = 1; lua_next(L, table); n++) {
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
		lua_rawset(L, -4);
		if (n % 1024 == 0)
			vm_poll(L);
	}
	lua_replace(L, table);
}
