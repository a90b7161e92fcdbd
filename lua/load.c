/* Loading source. Only text: bytecode can do anything to the process. */
#include "vmi.h"

#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t)4096)

struct source {
	const char *s;
	size_t n;
};

/* Feeds the parser in pieces and looks at the limit flag between them. */
static const char *read_piece(lua_State *L, void *ud, size_t *n)
{
	struct source *src = ud;
	const char *s = src->s;
	if (vm_stopped(vm_of(L))) {
		*n = 0;
		return NULL;
	}
	*n = src->n < PIECE ? src->n : PIECE;
	src->s += *n;
	src->n -= *n;
	return s;
}

/* Like luaL_loadbufferx with mode "t". */
int vm_load_text(lua_State *L, const char *s, size_t n, const char *name)
{
	struct source src = {s, n};
	return lua_load(L, read_piece, &src, name, "t");
}

/* load's result from the status of a load whose outcome is on top of the stack. */
static int loaded(lua_State *L, int status, bool env, int at)
{
	vm_caught(L);
	if (status != LUA_OK) {
		lua_pushnil(L);
		lua_insert(L, -2);
		return 2;
	}
	if (env) {
		lua_pushvalue(L, at);
		if (!lua_setupvalue(L, -2, 1))
			lua_pop(L, 1);
	}
	return 1;
}

enum { READER = 1, NAME, MODE, ENV, PIECES, PENDING };

static int refuse_mode(lua_State *L, const char *mode)
{
	lua_pushnil(L);
	lua_pushfstring(L, "attempt to load a text chunk (mode is '%s')", mode);
	return 2;
}

static int load_pieces(lua_State *L, lua_Integer n, bool env)
{
	luaL_Buffer b;
	luaL_buffinit(L, &b);
	for (lua_Integer i = 1; i <= n; i++) {
		lua_rawgeti(L, PIECES, i);
		vm_add_value(&b);
		vm_poll(L);
	}
	luaL_pushresult(&b);
	size_t len;
	const char *s = lua_tolstring(L, -1, &len);
	int status = vm_load_text(L, s, len, luaL_optstring(L, NAME, "=(load)"));
	return loaded(L, status, env, ENV);
}

/* Calls the reader again and again; k counts the pieces, twice, plus one if there is an
 * environment. Being a continuation it lets the reader yield. */
static int read_on(lua_State *L, int status, lua_KContext k)
{
	lua_Integer n = (lua_Integer)k >> 1;
	bool env = k & 1;
	for (;;) {
		if (status == LUA_YIELD) {
			vm_poll(L);
			if (lua_isnil(L, PENDING))
				break;
			if (!lua_isstring(L, PENDING)) {
				luaL_where(L, 2); /* where load was called */
				lua_pushliteral(L, "reader function must return a string");
				lua_concat(L, 2);
				return lua_error(L);
			}
			size_t len;
			lua_tolstring(L, PENDING, &len);
			if (len == 0)
				break;
			lua_rawseti(L, PIECES, ++n);
		}
		lua_settop(L, PIECES);
		lua_pushvalue(L, READER);
		lua_callk(L, 0, 1, (lua_KContext)(n << 1 | env), read_on);
		status = LUA_YIELD;
	}
	lua_settop(L, PIECES);
	return load_pieces(L, n, env);
}

/* A reader's errors are load's, as in stock Lua: nil and the message. */
static int read_source(lua_State *L)
{
	bool env = lua_toboolean(L, lua_upvalueindex(1));
	return read_on(L, LUA_OK, env);
}

static int reading_done(lua_State *L, int status, lua_KContext k)
{
	(void)k;
	vm_caught(L);
	if (status == LUA_OK || status == LUA_YIELD)
		return lua_gettop(L);
	lua_pushnil(L);
	lua_insert(L, -2);
	return 2;
}

int base_load(lua_State *L)
{
	bool env = !lua_isnone(L, 4);
	size_t n;
	const char *s = lua_tolstring(L, 1, &n);
	const char *mode = luaL_optstring(L, 3, "bt");
	if (!s)
		luaL_checktype(L, 1, LUA_TFUNCTION);
	if (!strchr(mode, 't'))
		return refuse_mode(L, mode);
	lua_settop(L, 4);
	if (s)
		return loaded(L, vm_load_text(L, s, n, luaL_optstring(L, 2, s)), env, ENV);
	luaL_optstring(L, 2, "");
	lua_newtable(L);
	lua_pushboolean(L, env);
	lua_pushcclosure(L, read_source, 1);
	lua_insert(L, 1);
	return reading_done(L, lua_pcallk(L, 5, LUA_MULTRET, 0, 0, reading_done), 0);
}

/* ---- compiling for the program cache ---- */

struct dump {
	char *s;
	size_t n, cap;
};

static int write_dump(lua_State *L, const void *p, size_t n, void *ud)
{
	(void)L;
	struct dump *d = ud;
	if (d->n + n > d->cap) {
		size_t cap = (d->n + n) * 2;
		char *s = realloc(d->s, cap);
		if (!s)
			return 1;
		d->s = s;
		d->cap = cap;
	}
	memcpy(d->s + d->n, p, n);
	d->n += n;
	return 0;
}

struct compiling {
	const char *name, *source;
	size_t n;
	struct dump dump;
};

static int compile(lua_State *L)
{
	struct compiling *c = lua_touserdata(L, 1);
	if (vm_load_text(L, c->source, c->n, c->name) != LUA_OK)
		return lua_error(L);
	if (lua_dump(L, write_dump, &c->dump, 0)) {
		vm_refuse(vm_of(L));
		return luaL_error(L, "not enough memory");
	}
	return 0;
}

/* Compiles a chunk in a VM of its own. On success *code is the bytecode, to be freed; otherwise
 * it is the message, to be freed too, or NULL when there is no memory. */
int vm_compile(const char *name, const char *source, size_t n, size_t memory, char **code, size_t *ncode)
{
	vm *v;
	*code = NULL;
	int status = vm_new_bare(&v);
	if (status != VM_OK)
		return status;
	v->mem.cap = memory;
	struct compiling c = {name, source, n, {0}};
	lua_pushcfunction(v->M, compile);
	lua_pushlightuserdata(v->M, &c);
	int outcome = lua_pcall(v->M, 1, 0, 0);
	vm_settle(v);
	if (outcome == LUA_OK && !v->mem.crowded) {
		*code = c.dump.s;
		*ncode = c.dump.n;
	} else {
		free(c.dump.s);
		const char *message = lua_gettop(v->M) ? lua_tolstring(v->M, -1, ncode) : NULL;
		status = v->mem.crowded ? VM_CROWDED : vm_stopped(v) || !message ? VM_NO_MEMORY : VM_BAD_PROGRAM;
		if (status == VM_BAD_PROGRAM && (*code = malloc(*ncode + 1)))
			memcpy(*code, message, *ncode);
	}
	vm_close(v);
	return status;
}
