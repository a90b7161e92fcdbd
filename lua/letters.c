/* string.lower, upper, reverse and char: they look at the limit flag and try hard for memory. */
#include <ctype.h>
#include <limits.h>

#include "vmi.h"

#define PART ((size_t)1 << 20)

/* Writes n bytes that are made of the n bytes from s on, or, backwards, of those before end. */
typedef void map(char *to, const char *s, size_t n);

static void lower(char *to, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (char)tolower((unsigned char)s[i]);
}

static void upper(char *to, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (char)toupper((unsigned char)s[i]);
}

static void reverse(char *to, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = s[n - 1 - i];
}

static int mapped(lua_State *L, map *f, bool backwards)
{
	size_t n;
	const char *s = luaL_checklstring(L, 1, &n);
	luaL_Buffer b;
	vm_ensure(L, n);
	char *p = luaL_buffinitsize(L, &b, n);
	for (size_t done = 0, part; done < n; done += part) {
		part = n - done < PART ? n - done : PART;
		f(p + done, backwards ? s + n - done - part : s + done, part);
		vm_poll(L);
	}
	luaL_pushresultsize(&b, n);
	return 1;
}

int string_lower(lua_State *L) { return mapped(L, lower, false); }
int string_upper(lua_State *L) { return mapped(L, upper, false); }
int string_reverse(lua_State *L) { return mapped(L, reverse, true); }

int string_char(lua_State *L)
{
	int n = lua_gettop(L);
	luaL_Buffer b;
	vm_ensure(L, (size_t)n);
	char *p = luaL_buffinitsize(L, &b, (size_t)n);
	for (int i = 1; i <= n; i++) {
		lua_Unsigned c = (lua_Unsigned)luaL_checkinteger(L, i);
		luaL_argcheck(L, c <= UCHAR_MAX, i, "value out of range");
		p[i - 1] = (char)c;
	}
	luaL_pushresultsize(&b, (size_t)n);
	return 1;
}
