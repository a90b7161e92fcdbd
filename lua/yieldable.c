/* Where a request can pause, and what to say where it cannot. */
#include "vmi.h"

#include <string.h>

bool vm_can_pause(lua_State *L)
{
	return !vm_of(L)->blocked && lua_isyieldable(L);
}

/* Pushes the name under which a function is known to scripts, or nothing. */
static bool push_name(lua_State *L, int function)
{
	int top = lua_gettop(L);
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_pushnil(L);
	while (lua_next(L, top + 1)) {
		if (lua_type(L, top + 2) == LUA_TSTRING && lua_istable(L, top + 3)) {
			lua_pushnil(L);
			while (lua_next(L, top + 3)) {
				if (lua_type(L, -2) == LUA_TSTRING && lua_rawequal(L, -1, function)) {
					const char *module = lua_tostring(L, top + 2);
					if (strcmp(module, LUA_GNAME) == 0)
						lua_pushvalue(L, top + 4);
					else
						lua_pushfstring(L, "%s.%s", module, lua_tostring(L, top + 4));
					lua_replace(L, top + 1);
					lua_settop(L, top + 1);
					return true;
				}
				lua_pop(L, 1);
			}
		}
		lua_settop(L, top + 2);
	}
	lua_settop(L, top);
	return false;
}

/* Whether a function is what the metatable of strings has for arithmetic. */
static bool is_string_arithmetic(lua_State *L, int function)
{
	int top = lua_gettop(L);
	bool found = false;
	lua_pushliteral(L, "");
	if (lua_getmetatable(L, -1)) {
		lua_pushnil(L);
		while (!found && lua_next(L, top + 2)) {
			found = lua_rawequal(L, -1, function);
			lua_pop(L, 1);
		}
	}
	lua_settop(L, top);
	return found;
}

/* Functions that a request passes through. */
static bool transparent(lua_State *L, const char *name)
{
	static const char *const names[] = {
		"pcall", "xpcall", "error", "coroutine.resume", "coroutine.wrap", "load", "pairs",
	};
	(void)L;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Pushes a description of the call in the way: the nearest C function on the stack of of. */
static void push_obstacle(lua_State *L, lua_State *of, int level)
{
	lua_Debug ar;
	luaL_checkstack(L, 12, NULL);
	for (; lua_getstack(of, level, &ar); level++) {
		lua_getinfo(of, "Sf", &ar);
		lua_xmove(of, L, 1);
		int function = lua_gettop(L);
		if (*ar.what != 'C') {
			lua_pop(L, 1);
			continue;
		}
		if (lua_tocfunction(L, function) == vm_guard) {
			lua_pushliteral(L, "a message handler of xpcall");
			return;
		}
		if (is_string_arithmetic(L, function)) {
			lua_pushliteral(L, "arithmetic on a string");
			return;
		}
		if (push_name(L, function) && !transparent(L, lua_tostring(L, -1))) {
			lua_pushfstring(L, "a function that %s calls", lua_tostring(L, -1));
			return;
		}
		lua_settop(L, function - 1);
	}
	lua_pushliteral(L, "a function called from C or a __close handler of a failed coroutine");
}

/* Raises the error of a request, whose values are on the stack, that cannot pause here. */
int vm_cannot_pause(lua_State *L)
{
	vm *v = vm_of(L);
	int n = lua_gettop(L);
	push_obstacle(L, v->blocked ? v->blocked : L, v->blocked ? 0 : 1);
	if (lua_gettop(L) > n + 1) { /* with what it is the name of below it */
		lua_replace(L, n + 1);
		lua_settop(L, n + 1);
	}
	if (lua_rawgeti(L, LUA_REGISTRYINDEX, KEY_BLOCKED) == LUA_TFUNCTION) {
		lua_insert(L, 1);
		lua_insert(L, 2);
		lua_call(L, n + 1, 1);
		return lua_error(L);
	}
	lua_pop(L, 1);
	const char *what = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : "request";
	return luaL_error(L, "%s: cannot pause here: inside %s; call it before or after, and pass the value in",
		what, lua_tostring(L, -1));
}
