/* string.rep, which looks at the limit flag and tries hard for its memory. */
#include <string.h>

#include "vmi.h"

#define LONGEST ((size_t)INT64_MAX)
#define BLOCK ((size_t)1 << 20)

/* Fills n bytes with what the first unit of them holds, again and again. */
static void fill(lua_State *L, char *p, size_t unit, size_t n)
{
	size_t block = unit;
	for (size_t done = unit; done < n;) {
		size_t more = block < n - done ? block : n - done;
		memcpy(p + done, p, more);
		done += more;
		if (block < BLOCK)
			block = done;
		vm_poll(L);
	}
}

int string_rep(lua_State *L)
{
	size_t n, ns;
	const char *s = luaL_checklstring(L, 1, &n);
	lua_Integer times = luaL_checkinteger(L, 2);
	const char *sep = luaL_optlstring(L, 3, "", &ns);
	if (times <= 0 || n + ns == 0) {
		lua_pushliteral(L, "");
		return 1;
	}
	if (n + ns < n || n + ns > LONGEST / (size_t)times)
		return luaL_error(L, "resulting string too large");
	size_t unit = n + ns, total = unit * (size_t)times - ns;
	area *r = &vm_of(L)->scratch;
	if (total > r->max - ns)
		return luaL_error(L, "resulting string too large");
	r->len = 0;
	char *p = vm_room(L, r, total + ns);
	memcpy(p, s, n);
	memcpy(p + n, sep, ns);
	fill(L, p, unit, total);
	lua_pushlstring(L, p, total);
	vm_relax(vm_of(L));
	return 1;
}
