/* Arrays of numbers in one piece, for helpers that would be slow over a table. */
#include "vmi.h"

#include <math.h>
#include <string.h>

/* floats(t) returns the elements of an array, read raw, as a string of little-endian doubles.
 * Texts that are numbers count as such. Where an element is no finite number it returns nil and
 * the element's index. */
int sys_floats(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	lua_Unsigned n = lua_rawlen(L, 1);
	unsigned char *p = lua_newuserdatauv(L, n * 8, 0);
	for (lua_Unsigned i = 1; i <= n; i++, p += 8) {
		int is_number;
		lua_rawgeti(L, 1, (lua_Integer)i);
		double d = lua_tonumberx(L, -1, &is_number);
		lua_pop(L, 1);
		if (!is_number || !isfinite(d)) {
			lua_pushnil(L);
			lua_pushinteger(L, (lua_Integer)i);
			return 2;
		}
		uint64_t u;
		memcpy(&u, &d, 8);
		for (int k = 0; k < 8; k++)
			p[k] = (unsigned char)(u >> (8 * k));
	}
	lua_pushlstring(L, lua_touserdata(L, 2), n * 8);
	return 1;
}
