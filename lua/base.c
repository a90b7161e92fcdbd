/* The base library: the stock one, without what reaches outside, and with our own versions of
 * what shows addresses, runs finalisers or keeps a stopped script going. */
#include "vmi.h"

#include <string.h>

#define TRACEBACK_MAX ((size_t)16 << 10) /* without its message */

/* Replaces every C function without upvalues in the table on top of the stack by a closure. A
 * bare function is hashed by its address in the program, which differs from build to build. */
void vm_close_functions(lua_State *L)
{
	int t = lua_gettop(L);
	lua_pushnil(L);
	while (lua_next(L, t)) {
		lua_CFunction f = lua_tocfunction(L, -1);
		if (f && !lua_getupvalue(L, -1, 1)) {
			lua_pushvalue(L, -2);
			lua_pushnil(L);
			lua_pushcclosure(L, f, 1);
			lua_rawset(L, t);
		}
		lua_settop(L, t + 1);
	}
}

/* ---- text of values ---- */

static lua_Integer ordinal(lua_State *L, int i)
{
	i = lua_absindex(L, i);
	if (lua_rawgeti(L, LUA_REGISTRYINDEX, KEY_ORDINALS) == LUA_TNIL) {
		lua_pop(L, 1);
		lua_newtable(L);
		lua_createtable(L, 0, 1);
		lua_pushliteral(L, "k");
		lua_setfield(L, -2, "__mode");
		lua_setmetatable(L, -2);
		lua_pushvalue(L, -1);
		lua_rawseti(L, LUA_REGISTRYINDEX, KEY_ORDINALS);
	}
	lua_pushvalue(L, i);
	if (lua_rawget(L, -2) == LUA_TNIL) {
		lua_pushvalue(L, i);
		lua_pushinteger(L, ++vm_of(L)->ordinals);
		lua_rawset(L, -4);
		lua_pop(L, 1);
		lua_pushinteger(L, vm_of(L)->ordinals);
	}
	lua_Integer n = lua_tointeger(L, -1);
	lua_pop(L, 2);
	return n;
}

/* Pushes what identifies an object: an ordinal in the order of asking, never an address. */
void vm_push_identity(lua_State *L, int i)
{
	char hex[32];
	snprintf(hex, sizeof hex, "0x%08llx", (unsigned long long)ordinal(L, i));
	lua_pushstring(L, hex);
}

/* Pushes the text of a value as tostring gives it. */
void vm_tostring(lua_State *L, int i)
{
	i = lua_absindex(L, i);
	if (luaL_callmeta(L, i, "__tostring")) {
		if (!lua_isstring(L, -1))
			luaL_error(L, "'__tostring' must return a string");
		lua_tostring(L, -1); /* a number becomes its text */
		return;
	}
	switch (lua_type(L, i)) {
	case LUA_TNIL:
		lua_pushliteral(L, "nil");
		return;
	case LUA_TBOOLEAN:
		lua_pushstring(L, lua_toboolean(L, i) ? "true" : "false");
		return;
	case LUA_TNUMBER:
	case LUA_TSTRING:
		lua_pushvalue(L, i);
		lua_tostring(L, -1);
		return;
	}
	const char *kind = luaL_typename(L, i);
	int named = luaL_getmetafield(L, i, "__name");
	if (named == LUA_TSTRING)
		kind = lua_tostring(L, -1);
	vm_push_identity(L, i);
	lua_pushfstring(L, "%s: %s", kind, lua_tostring(L, -1));
	lua_replace(L, named == LUA_TNIL ? -2 : -3);
	if (named != LUA_TNIL)
		lua_pop(L, 1);
}

static int base_tostring(lua_State *L)
{
	luaL_checkany(L, 1);
	vm_tostring(L, 1);
	return 1;
}

void vm_traceback(lua_State *L, lua_State *of, const char *message, int level)
{
	lua_Debug ar;
	if (L == of && level > 0 && lua_getstack(L, level, &ar)) { /* our handler is nobody's business */
		lua_getinfo(L, "f", &ar);
		if (lua_tocfunction(L, -1) == vm_guard)
			level++;
		lua_pop(L, 1);
	}
	vm_ensure(L, TRACEBACK_MAX + (message ? strlen(message) * 3 : 0)); /* a growing buffer is there twice */
	luaL_traceback(L, of, message, level);
}

/* ---- protected calls ---- */

static int pcall_done(lua_State *L, int status, lua_KContext before)
{
	vm_caught(L);
	if (status != LUA_OK && status != LUA_YIELD) {
		lua_pushboolean(L, 0);
		lua_pushvalue(L, -2);
		return 2;
	}
	return lua_gettop(L) - (int)before;
}

static int base_pcall(lua_State *L)
{
	luaL_checkany(L, 1);
	lua_pushboolean(L, 1);
	lua_insert(L, 1);
	int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, pcall_done);
	return pcall_done(L, status, 0);
}

/* Stands before a message handler: once the VM is struck no handler runs, because hooks are off
 * while an error that came from a hook is handled. */
int vm_guard(lua_State *L)
{
	if (vm_stopped(vm_of(L)))
		return 1;
	lua_settop(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, 1, 1);
	return 1;
}

static int base_xpcall(lua_State *L)
{
	int n = lua_gettop(L);
	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_pushvalue(L, 2);
	lua_pushcclosure(L, vm_guard, 1);
	lua_replace(L, 2);
	lua_pushboolean(L, 1);
	lua_pushvalue(L, 1);
	lua_rotate(L, 3, 2);
	int status = lua_pcallk(L, n - 2, LUA_MULTRET, 2, 2, pcall_done);
	return pcall_done(L, status, 2);
}

/* ---- metatables ---- */

/* Lua looks for __gc when a metatable is set, and only then: hide it for that moment. */
static void set_hiding_gc(lua_State *L, int gc)
{
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_pushnil(L);
	lua_rawset(L, 2);
	lua_pushvalue(L, 2);
	lua_setmetatable(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_pushvalue(L, gc);
	lua_rawset(L, 2);
}

static int base_setmetatable(lua_State *L)
{
	int t = lua_type(L, 2);
	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_argexpected(L, t == LUA_TNIL || t == LUA_TTABLE, 2, "nil or table");
	if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
		return luaL_error(L, "cannot change a protected metatable");
	lua_settop(L, 2);
	if (t == LUA_TTABLE) {
		lua_pushvalue(L, lua_upvalueindex(1));
		if (lua_rawget(L, 2) != LUA_TNIL) {
			set_hiding_gc(L, 3);
			lua_settop(L, 1);
			return 1;
		}
		lua_settop(L, 2);
	}
	lua_setmetatable(L, 1);
	return 1;
}

/* ---- iteration ---- */

static int pairs_done(lua_State *L, int status, lua_KContext k)
{
	(void)L;
	(void)status;
	(void)k;
	return 3;
}

static int base_pairs(lua_State *L)
{
	luaL_checkany(L, 1);
	if (luaL_getmetafield(L, 1, "__pairs") == LUA_TNIL) {
		lua_settop(L, 1);
		lua_pushvalue(L, lua_upvalueindex(1));
		lua_insert(L, 1);
		lua_pushnil(L);
		return 3;
	}
	lua_pushvalue(L, 1);
	lua_callk(L, 1, 3, 0, pairs_done);
	return 3;
}

static int ipairs_got(lua_State *L, int status, lua_KContext k)
{
	(void)status;
	(void)k;
	return lua_isnil(L, -1) ? 1 : 2;
}

/* An __index function is called with a continuation, so that it may yield. */
static int ipairs_step(lua_State *L)
{
	lua_Integer i = luaL_intop(+, luaL_checkinteger(L, 2), 1);
	lua_settop(L, 2);
	lua_pushinteger(L, i);
	if (lua_type(L, 1) != LUA_TTABLE || !lua_getmetatable(L, 1))
		return lua_geti(L, 1, i) == LUA_TNIL ? 1 : 2;
	lua_pop(L, 1);
	if (lua_rawgeti(L, 1, i) != LUA_TNIL)
		return 2;
	lua_settop(L, 3);
	if (luaL_getmetafield(L, 1, "__index") != LUA_TFUNCTION) {
		lua_settop(L, 3);
		return lua_geti(L, 1, i) == LUA_TNIL ? 1 : 2;
	}
	lua_pushvalue(L, 1);
	lua_pushinteger(L, i);
	lua_callk(L, 2, 1, 0, ipairs_got);
	return ipairs_got(L, LUA_OK, 0);
}

static int base_ipairs(lua_State *L)
{
	luaL_checkany(L, 1);
	lua_settop(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_pushinteger(L, 0);
	return 3;
}

/* ---- garbage ---- */

static int base_collectgarbage(lua_State *L)
{
	static const char *const names[] = {"collect", "count", "step", "stop", "restart",
		"isrunning", "setpause", "setstepmul", "incremental", "generational", NULL};
	switch (luaL_checkoption(L, 1, "collect", names)) {
	case 0:
		lua_gc(L, LUA_GCCOLLECT);
		lua_pushinteger(L, 0);
		return 1;
	case 1:
		lua_pushnumber(L, (lua_Number)lua_gc(L, LUA_GCCOUNT)
			+ (lua_Number)lua_gc(L, LUA_GCCOUNTB) / 1024);
		return 1;
	case 2:
		lua_pushboolean(L, lua_gc(L, LUA_GCSTEP, (int)luaL_optinteger(L, 2, 0)));
		return 1;
	case 3:
		lua_gc(L, LUA_GCSTOP);
		lua_pushinteger(L, 0);
		return 1;
	case 4:
		lua_gc(L, LUA_GCRESTART);
		lua_pushinteger(L, 0);
		return 1;
	case 5:
		lua_pushboolean(L, lua_gc(L, LUA_GCISRUNNING));
		return 1;
	case 6:
		lua_pushinteger(L, lua_gc(L, LUA_GCSETPAUSE, (int)luaL_optinteger(L, 2, 0)));
		return 1;
	case 7:
		lua_pushinteger(L, lua_gc(L, LUA_GCSETSTEPMUL, (int)luaL_optinteger(L, 2, 0)));
		return 1;
	}
	/* One mode only: several releases of 5.4 have had faults in the other. */
	lua_pushliteral(L, "incremental");
	return 1;
}

/* ---- assembly ---- */

static void set_iterators(lua_State *L)
{
	lua_getfield(L, -1, "next");
	lua_pushcclosure(L, base_pairs, 1);
	lua_setfield(L, -2, "pairs");
	lua_pushnil(L);
	lua_pushcclosure(L, ipairs_step, 1);
	lua_pushcclosure(L, base_ipairs, 1);
	lua_setfield(L, -2, "ipairs");
}

int open_base(lua_State *L)
{
	static const luaL_Reg own[] = {
		{"collectgarbage", base_collectgarbage},
		{"load", base_load},
		{"pcall", base_pcall},
		{"tostring", base_tostring},
		{"xpcall", base_xpcall},
		{NULL, NULL},
	};
	static const char *const absent[] = {"dofile", "loadfile", "print", "warn"};
	luaopen_base(L);
	for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
		lua_pushnil(L);
		lua_setfield(L, -2, absent[i]);
	}
	vm_close_functions(L);
	vm_set_functions(L, own);
	set_iterators(L);
	lua_pushliteral(L, "__gc");
	lua_pushcclosure(L, base_setmetatable, 1);
	lua_setfield(L, -2, "setmetatable");
	return 1;
}
