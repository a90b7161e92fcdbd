/* Lua values to JSON text, as spec/lua-api.md section 4.2 says. */
#include "number.h"
#include "vmi.h"

#include <math.h>
#include <string.h>

#define DEEP 20000   /* levels; each takes room on the Lua stack */
#define ON_STACK 512 /* an object with more keys than this looks its values up again */

typedef struct {     /* a table that is being written */
	int table;       /* where it lies on the stack, or a copy of it */
	const void *id;
	bool object;
	size_t i, n;     /* the next element or key, their number */
	size_t keys;     /* object: where its keys begin in the pad */
} level;

typedef struct {
	lua_State *L;
	vm *v;
	area *out;
	area *levels;    /* the output area serves: it is free while the script runs */
} writer;

static inline void put(writer *w, const char *s, size_t n)
{
	memcpy(vm_room(w->L, w->out, n), s, n);
	w->out->len += n;
}

static inline void put_char(writer *w, char c)
{
	*vm_room(w->L, w->out, 1) = c;
	w->out->len++;
}

/* ---- strings ---- */

/* Whether any of eight bytes needs a look: a control character, a quote, a backslash. */
static inline uint64_t special(uint64_t w)
{
	const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
	uint64_t quote = w ^ ones * '"', slash = w ^ ones * '\\';
	return (((w - ones * 0x20) & ~w) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & tops;
}

static size_t plain_bytes(const char *s, size_t n)
{
	size_t i = 0;
	for (uint64_t w; i + 8 <= n; i += 8) {
		memcpy(&w, s + i, 8);
		if (special(w))
			break;
	}
	while (i < n && (unsigned char)s[i] >= 0x20 && s[i] != '"' && s[i] != '\\')
		i++;
	return i;
}

static void put_escape(writer *w, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char letters[] = "btn\0fr"; /* 8 to 13 */
	char e[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
	if (c == '"' || c == '\\')
		e[1] = (char)c;
	else if (c >= 8 && c <= 13 && letters[c - 8])
		e[1] = letters[c - 8];
	put(w, e, e[1] == 'u' && c < 0x20 ? 6 : 2);
}

static void put_string(writer *w, const char *s, size_t n)
{
	if (!utf8_valid(s, n))
		luaL_error(w->L, "json_encode: string is not valid UTF-8");
	vm_room(w->L, w->out, n + 2);
	put_char(w, '"');
	while (n) {
		size_t plain = plain_bytes(s, n);
		put(w, s, plain);
		s += plain;
		n -= plain;
		if (n) {
			put_escape(w, (unsigned char)*s++);
			n--;
		}
	}
	put_char(w, '"');
}

/* ---- tables ---- */

static level *top_level(writer *w)
{
	return (level *)(w->levels->base + w->levels->len) - 1;
}

static size_t depth(writer *w) { return w->levels->len / sizeof(level); }

/* A cycle shows as a table among its own ancestors. Looking there at every level would cost the
 * square of the depth, so only some levels look: a cycle passes all of them. */
static void check_depth(writer *w, int t)
{
	size_t n = depth(w);
	if (n >= DEEP)
		luaL_error(w->L, "json_encode: tables nested more than %d deep", DEEP);
	if (n == 0 || n % 128)
		return;
	const void *p = lua_topointer(w->L, t);
	level *l = (level *)w->levels->base;
	for (size_t i = 0; i < n; i++)
		if (l[i].id == p)
			luaL_error(w->L, "json_encode: recursive table detected");
}

static bool is_array(lua_State *L, int t)
{
	if (lua_rawlen(L, t) > 0)
		return true;
	if (!lua_getmetatable(L, t))
		return false;
	bool yes = lua_topointer(L, -1) == vm_of(L)->marker;
	lua_pop(L, 1);
	return yes;
}

static void bad_key(lua_State *L, int i)
{
	const char *kind = luaL_typename(L, i);
	if (lua_type(L, i) == LUA_TNUMBER)
		kind = lua_isinteger(L, i) ? "integer" : "floating point";
	vm_tostring(L, i);
	luaL_error(L, "json_encode: invalid type: %s `%s`, expected a string key", kind, lua_tostring(L, -1));
}

/* Collects and sorts the keys of an object; few enough pairs stay on the stack. */
static size_t collect_keys(writer *w, int t)
{
	lua_State *L = w->L;
	size_t n = 0, from = w->v->pad.len;
	int base = lua_gettop(L);
	lua_pushnil(L);
	while (lua_next(L, t)) {
		if (lua_type(L, -2) != LUA_TSTRING)
			bad_key(L, lua_gettop(L) - 1);
		key *k = key_push(L, lua_gettop(L) - 1);
		if (++n % 1024 == 0)
			vm_poll(L);
		if (n <= ON_STACK) {
			luaL_checkstack(L, 3, "table too large");
			lua_pushvalue(L, -2);
		} else {
			k->at = 0;
			lua_pop(L, 1);
		}
	}
	key *k = (key *)(w->v->pad.base + from);
	if (n > ON_STACK) {
		for (size_t i = 0; i < ON_STACK; i++)
			k[i].at = 0;
		lua_settop(L, base);
	}
	key_sort(k, n);
	return n;
}

static void open_level(writer *w, int t)
{
	lua_State *L = w->L;
	check_depth(w, t);
	luaL_checkstack(L, 8, "json_encode: value nested too deeply");
	vm_poll(L);
	level l = {.table = t, .id = lua_topointer(L, t), .object = !is_array(L, t), .keys = w->v->pad.len};
	if (l.object)
		key_hold(L, t);
	l.n = l.object ? collect_keys(w, t) : lua_rawlen(L, t);
	memcpy(vm_room(L, w->levels, sizeof l), &l, sizeof l);
	w->levels->len += sizeof l;
	put_char(w, l.object ? '{' : '[');
}

/* Pushes the next value of the innermost table; false when there is none. */
static bool next_value(writer *w, level *l)
{
	if (l->i == l->n)
		return false;
	if (l->i)
		put_char(w, ',');
	if (!l->object) {
		lua_rawgeti(w->L, l->table, (lua_Integer)++l->i);
		return true;
	}
	const key *k = (const key *)(w->v->pad.base + l->keys) + l->i++;
	put_string(w, k->s, k->len);
	put_char(w, ':');
	key_value(w->L, k, l->table);
	return true;
}

static void close_level(writer *w, level *l)
{
	put_char(w, l->object ? '}' : ']');
	w->v->pad.len = l->keys;
	lua_settop(w->L, l->table - 1);
	w->levels->len -= sizeof *l;
}

/* ---- values ---- */

static void put_number(writer *w, int i)
{
	char *p = vm_room(w->L, w->out, NUMBER_MAX);
	if (lua_isinteger(w->L, i)) {
		w->out->len += (size_t)number_integer(p, lua_tointeger(w->L, i));
		return;
	}
	lua_Number d = lua_tonumber(w->L, i);
	if (isfinite(d))
		w->out->len += (size_t)number_float(p, d);
	else
		put(w, "null", 4);
}

/* Writes the value on top of the stack and pops it, or, if it is a table, begins it. */
static void put_value(writer *w)
{
	lua_State *L = w->L;
	size_t n;
	const char *s;
	switch (lua_type(L, -1)) {
	case LUA_TNIL:
		put(w, "null", 4);
		break;
	case LUA_TBOOLEAN:
		if (lua_toboolean(L, -1))
			put(w, "true", 4);
		else
			put(w, "false", 5);
		break;
	case LUA_TNUMBER:
		put_number(w, -1);
		break;
	case LUA_TSTRING:
		s = lua_tolstring(L, -1, &n);
		put_string(w, s, n);
		break;
	case LUA_TTABLE:
		open_level(w, lua_gettop(L));
		return;
	default:
		luaL_error(L, "json_encode: unsupported value type %s", luaL_typename(L, -1));
	}
	lua_pop(L, 1);
}

int json_encode(lua_State *L)
{
	vm *v = vm_of(L);
	writer w = {L, v, &v->scratch, &v->out};
	lua_settop(L, 1);
	v->scratch.len = v->out.len = v->pad.len = 0;
	put_value(&w);
	while (v->out.len) {
		level *l = top_level(&w);
		if (next_value(&w, l))
			put_value(&w);
		else
			close_level(&w, l);
	}
	vm_digest(v, v->scratch.base, v->scratch.len);
	lua_pushlstring(L, v->scratch.base, v->scratch.len);
	vm_relax(v);
	return 1;
}
