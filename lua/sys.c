/* The table of primitives that a program gets, and what they share. */
#include "vmi.h"

#include <string.h>

#define NOTES_MAX ((size_t)1 << 20)

/* ---- requests ---- */

static int answer(lua_State *L, int status, lua_KContext k)
{
	(void)status;
	(void)k;
	vm *v = vm_of(L);
	vm_poll(L);
	lua_settop(L, 0);
	if (v->raise) {
		lua_pushlstring(L, v->args, v->nargs);
		return lua_error(L);
	}
	int n = vm_decode(L, v->args, v->nargs, &v->malformed);
	if (n < 0) { /* the request stays open */
		v->asking = true;
		return lua_yieldk(L, 0, 0, answer);
	}
	return n;
}

int vm_request(lua_State *L)
{
	vm *v = vm_of(L);
	int n = lua_gettop(L);
	if (!vm_can_pause(L))
		return vm_cannot_pause(L);
	v->out.len = 0;
	vm_encode(L, &v->out, 1, n);
	vm_caught(L);
	v->asking = true;
	return lua_yieldk(L, 0, 0, answer);
}

static int sys_yieldable(lua_State *L)
{
	lua_pushboolean(L, vm_can_pause(L));
	return 1;
}

/* Sets the function that words the error of a request which cannot pause. */
static int sys_blocked(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TFUNCTION);
	lua_settop(L, 1);
	lua_rawseti(L, LUA_REGISTRYINDEX, KEY_BLOCKED);
	return 0;
}

/* ---- notes ---- */

/* Drops the oldest notes until what remains is within bounds. */
static void drop_notes(vm *v, size_t last)
{
	area *r = &v->notes;
	if (r->len - v->notes_from <= NOTES_MAX)
		return;
	if (r->len - last > NOTES_MAX) { /* it alone is too long */
		r->len = v->notes_from = 0;
		return;
	}
	while (r->len - v->notes_from > NOTES_MAX)
		v->notes_from += vm_encoded_size(r->base + v->notes_from);
	if (v->notes_from < NOTES_MAX)
		return;
	memmove(r->base, r->base + v->notes_from, r->len - v->notes_from);
	r->len -= v->notes_from;
	v->notes_from = 0;
}

static int sys_note(lua_State *L)
{
	vm *v = vm_of(L);
	size_t before = v->notes.len;
	lua_pushcfunction(L, vm_encode_note);
	lua_insert(L, 1);
	if (lua_pcall(L, lua_gettop(L) - 1, 0, 0) != LUA_OK) {
		v->notes.len = before;
		vm_caught(L);
		return lua_error(L);
	}
	drop_notes(v, before);
	return 0;
}

/* ---- text ---- */

static int sys_is_utf8(lua_State *L)
{
	size_t n;
	const char *s = luaL_checklstring(L, 1, &n);
	lua_pushboolean(L, utf8_valid(s, n));
	return 1;
}

static int sys_array(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	lua_rawgeti(L, LUA_REGISTRYINDEX, KEY_MARKER);
	lua_setmetatable(L, 1);
	return 1;
}

static int sys_load(lua_State *L)
{
	size_t n;
	const char *s = luaL_checklstring(L, 1, &n);
	const char *name = luaL_checkstring(L, 2);
	lua_settop(L, 3);
	name = lua_pushfstring(L, "@%s", name);
	int status = vm_load_text(L, s, n, name);
	vm_caught(L);
	if (status != LUA_OK) {
		lua_pushnil(L);
		lua_insert(L, -2);
		return 2;
	}
	if (!lua_isnil(L, 3)) {
		lua_pushvalue(L, 3);
		if (!lua_setupvalue(L, -2, 1))
			lua_pop(L, 1);
	}
	return 1;
}

static int sys_seed(lua_State *L)
{
	lua_Integer n = luaL_checkinteger(L, 1);
	vm_seed(vm_of(L), (uint64_t)n, (uint64_t)n);
	return 0;
}

static int sys_traceback(lua_State *L)
{
	if (!lua_isnoneornil(L, 1) && !lua_isstring(L, 1)) {
		lua_settop(L, 1); /* like debug.traceback: other values pass */
		return 1;
	}
	vm_traceback(L, L, lua_tostring(L, 1), (int)luaL_optinteger(L, 2, 1));
	return 1;
}

static int sys_memory(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)vm_held(vm_of(L)));
	return 1;
}

static int sys_tostring(lua_State *L)
{
	luaL_checkany(L, 1);
	vm_tostring(L, 1);
	return 1;
}

static const luaL_Reg functions[] = {
	{"array", sys_array},
	{"blocked", sys_blocked},
	{"box", sys_box},
	{"floats", sys_floats},
	{"is_utf8", sys_is_utf8},
	{"json_decode", json_decode},
	{"json_encode", json_encode},
	{"load", sys_load},
	{"memory", sys_memory},
	{"note", sys_note},
	{"request", vm_request},
	{"seed", sys_seed},
	{"tostring", sys_tostring},
	{"traceback", sys_traceback},
	{"unbox", sys_unbox},
	{"yieldable", sys_yieldable},
	{NULL, NULL},
};

/* Adds functions to the table on top of the stack, each as a closure: what has no upvalue is
 * hashed by its address in the program, which differs from build to build. */
void vm_set_functions(lua_State *L, const luaL_Reg *l)
{
	for (; l->name; l++) {
		lua_pushnil(L);
		lua_pushcclosure(L, l->func, 1);
		lua_setfield(L, -2, l->name);
	}
}

void vm_push_sys(lua_State *L)
{
	lua_createtable(L, 0, (int)(sizeof functions / sizeof functions[0]));
	vm_set_functions(L, functions);
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_setfield(L, -2, "loaded");
}
