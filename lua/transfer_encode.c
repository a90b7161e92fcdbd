/* Values from the stack in the tagged encoding of package value. */
#include "vmi.h"

#include <string.h>

#define MAX_DEPTH 200
#define ON_STACK 2048 /* a table with more keys than this looks its values up again */
#define ARRAY 1

static inline void put_byte(lua_State *L, area *r, char c)
{
	*vm_room(L, r, 1) = c;
	r->len++;
}

static inline void put_u32(char *p, size_t n)
{
	uint32_t x = (uint32_t)n;
	memcpy(p, &x, 4);
}

static inline size_t get_u32(const char *p)
{
	uint32_t x;
	memcpy(&x, p, 4);
	return x;
}

static void put_number(lua_State *L, area *r, char tag, const void *eight)
{
	char *p = vm_room(L, r, 9);
	p[0] = tag;
	memcpy(p + 1, eight, 8);
	r->len += 9;
}

static void put_string(lua_State *L, area *r, const char *s, size_t n)
{
	char *p = vm_room(L, r, n + 5);
	p[0] = 's';
	put_u32(p + 1, n);
	memcpy(p + 5, s, n);
	r->len += n + 5;
}

typedef struct chain { /* the tables that are being written */
	const void *table;
	struct chain *up;
	int depth;
} chain;

static void put_value(lua_State *L, area *r, int i, chain *up);

static void too_deep(lua_State *L, chain *c)
{
	for (chain *a = c; a; a = a->up)
		for (chain *b = a->up; b; b = b->up)
			if (a->table == b->table)
				luaL_error(L, "unsupported value: recursive table");
	luaL_error(L, "unsupported value: tables nested more than %d deep", MAX_DEPTH);
}

static bool marked(lua_State *L, int i)
{
	if (!lua_getmetatable(L, i))
		return false;
	bool yes = lua_topointer(L, -1) == vm_of(L)->marker;
	lua_pop(L, 1);
	return yes;
}

static void put_key(lua_State *L, area *r, const key *k)
{
	switch (k->rank) {
	case RANK_INT:
		put_number(L, r, 'i', &k->u.i);
		break;
	case RANK_FLOAT:
		put_number(L, r, 'd', &k->u.d);
		break;
	case RANK_STRING:
		put_string(L, r, k->s, k->len);
		break;
	default:
		put_byte(L, r, k->rank == RANK_TRUE ? 'T' : 'F');
	}
}

/* The elements of a plain table: those before its first nil. */
static size_t put_sequence(lua_State *L, area *r, int t, chain *c)
{
	size_t n = 0, border = lua_rawlen(L, t);
	while (n < border) {
		if (lua_rawgeti(L, t, (lua_Integer)n + 1) == LUA_TNIL) {
			lua_pop(L, 1);
			break;
		}
		put_value(L, r, lua_gettop(L), c);
		lua_pop(L, 1);
		n++;
	}
	return n;
}

static size_t put_array(lua_State *L, area *r, int t, chain *c)
{
	size_t border = lua_rawlen(L, t);
	for (size_t n = 1; n <= border; n++) {
		lua_rawgeti(L, t, (lua_Integer)n);
		put_value(L, r, lua_gettop(L), c);
		lua_pop(L, 1);
	}
	return border;
}

/* Whether the pair on top of the stack was written as an element. */
static bool is_element(lua_State *L, size_t n)
{
	return lua_isinteger(L, -2) && (lua_Unsigned)lua_tointeger(L, -2) - 1 < n;
}

/* Collects the keys beyond the n elements. Pairs stay on the stack as long as they are few. */
static size_t collect(lua_State *L, int t, size_t n)
{
	size_t m = 0;
	int base = lua_gettop(L);
	lua_pushnil(L);
	while (lua_next(L, t)) {
		if (is_element(L, n)) {
			lua_pop(L, 1);
			continue;
		}
		key *k = key_push(L, lua_gettop(L) - 1);
		if (!k)
			luaL_error(L, "unsupported key type %s", luaL_typename(L, -2));
		if (++m % 1024 == 0)
			vm_poll(L);
		if (m <= ON_STACK) {
			luaL_checkstack(L, 3, "table too large");
			lua_pushvalue(L, -2);
		} else {
			k->at = 0;
			lua_pop(L, 1);
		}
	}
	if (m > ON_STACK) {
		key *k = (key *)(vm_of(L)->pad.base + vm_of(L)->pad.len) - m;
		for (size_t i = 0; i < m; i++)
			k[i].at = 0;
		lua_settop(L, base);
	}
	return m;
}

static size_t put_pairs(lua_State *L, area *r, int t, size_t n, chain *c)
{
	vm *v = vm_of(L);
	size_t from = v->pad.len;
	int base = lua_gettop(L);
	size_t m = collect(L, t, n);
	key *k = (key *)(v->pad.base + from);
	key_sort(k, m);
	luaL_checkstack(L, 4, "value nested too deeply");
	for (size_t i = 0; i < m; i++) {
		put_key(L, r, &k[i]);
		if (k[i].at) {
			put_value(L, r, k[i].at + 1, c);
			continue;
		}
		key_value(L, &k[i], t);
		put_value(L, r, lua_gettop(L), c);
		lua_pop(L, 1);
	}
	v->pad.len = from;
	lua_settop(L, base);
	return m;
}

static void put_table(lua_State *L, area *r, int t, chain *up)
{
	chain c = {lua_topointer(L, t), up, up ? up->depth + 1 : 1};
	if (c.depth > MAX_DEPTH)
		too_deep(L, &c);
	luaL_checkstack(L, 6, "value nested too deeply");
	vm_poll(L);
	bool array = marked(L, t);
	if (!array)
		key_hold(L, t);
	size_t head = r->len;
	memset(vm_room(L, r, 10), 0, 10);
	r->base[head] = 't';
	r->base[head + 1] = array ? ARRAY : 0;
	r->len += 10;
	size_t n = array ? put_array(L, r, t, &c) : put_sequence(L, r, t, &c);
	size_t m = put_pairs(L, r, t, n, &c);
	put_u32(r->base + head + 2, n);
	put_u32(r->base + head + 6, m);
}

static void put_value(lua_State *L, area *r, int i, chain *up)
{
	size_t n;
	const char *s;
	lua_Integer integer;
	lua_Number number;
	switch (lua_type(L, i)) {
	case LUA_TNIL:
		put_byte(L, r, 'N');
		break;
	case LUA_TBOOLEAN:
		put_byte(L, r, lua_toboolean(L, i) ? 'T' : 'F');
		break;
	case LUA_TNUMBER:
		if (lua_isinteger(L, i)) {
			integer = lua_tointeger(L, i);
			put_number(L, r, 'i', &integer);
		} else {
			number = lua_tonumber(L, i);
			put_number(L, r, 'd', &number);
		}
		break;
	case LUA_TSTRING:
		s = lua_tolstring(L, i, &n);
		put_string(L, r, s, n);
		break;
	case LUA_TTABLE:
		put_table(L, r, i, up);
		break;
	default:
		luaL_error(L, "unsupported value type %s", luaL_typename(L, i));
	}
}

/* Appends the values at stack indices from to to. Raises on what cannot cross. */
void vm_encode(lua_State *L, area *r, int from, int to)
{
	vm_of(L)->pad.len = 0;
	for (int i = from; i <= to; i++)
		put_value(L, r, i, NULL);
}

/* Appends one plain table that holds the arguments. */
int vm_encode_note(lua_State *L)
{
	int n = lua_gettop(L);
	luaL_checkstack(L, 3, "too many values");
	lua_createtable(L, n, 0);
	for (int i = 1; i <= n; i++) {
		lua_pushvalue(L, i);
		lua_rawseti(L, -2, i);
	}
	vm_encode(L, &vm_of(L)->notes, n + 1, n + 1);
	return 0;
}

/* The length of a value that vm_encode has written. */
size_t vm_encoded_size(const char *p)
{
	const char *start = p;
	for (uint64_t left = 1; left; left--)
		switch (*p++) {
		case 'i':
		case 'd':
			p += 8;
			break;
		case 's':
			p += 4 + get_u32(p);
			break;
		case 't':
			left += get_u32(p + 1) + 2 * (uint64_t)get_u32(p + 5);
			p += 9;
		}
	return (size_t)(p - start);
}
