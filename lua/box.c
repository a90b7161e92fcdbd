/* Boxes: values that a script can hold and pass on, but neither look into nor change. */
#include "vmi.h"

#define BOX "alc.box"

/* box(v, name) makes a box around v; the name tells kinds of boxes apart. */
int sys_box(lua_State *L)
{
	luaL_checkany(L, 1);
	luaL_checkstring(L, 2);
	lua_settop(L, 2);
	lua_newuserdatauv(L, 0, 2);
	lua_insert(L, 1);
	lua_setiuservalue(L, 1, 2);
	lua_setiuservalue(L, 1, 1);
	if (luaL_newmetatable(L, BOX)) {
		lua_pushboolean(L, 0);
		lua_setfield(L, -2, "__metatable");
	}
	lua_setmetatable(L, 1);
	return 1;
}

/* unbox(b, name) returns what a box of that name holds, or nothing. */
int sys_unbox(lua_State *L)
{
	lua_settop(L, 2);
	if (!luaL_testudata(L, 1, BOX))
		return 0;
	lua_getiuservalue(L, 1, 2);
	if (!lua_rawequal(L, 2, 3))
		return 0;
	lua_getiuservalue(L, 1, 1);
	return 1;
}
