/* The string and utf8 libraries: the stock ones, without what shows bytecode or addresses. */
#include "vmi.h"

#define OFTEN 4096

/* Accepts well-formed UTF-8: no surrogates, no overlong forms, nothing above U+10FFFF. */
int utf8_valid(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text, *end = s + n;
	while (s < end) {
		uint64_t w;
		if (end - s >= 8 && (__builtin_memcpy(&w, s, 8), !(w & 0x8080808080808080u))) {
			s += 8;
			continue;
		}
		if (*s < 0x80) {
			s++;
			continue;
		}
		int more = *s >= 0xf0 ? 3 : *s >= 0xe0 ? 2 : 1;
		unsigned char low = 0x80, high = 0xbf;
		if (*s < 0xc2 || *s > 0xf4 || end - s <= more)
			return 0;
		if (*s == 0xe0)
			low = 0xa0;
		else if (*s == 0xed)
			high = 0x9f;
		else if (*s == 0xf0)
			low = 0x90;
		else if (*s == 0xf4)
			high = 0x8f;
		if (s[1] < low || s[1] > high)
			return 0;
		for (int i = 2; i <= more; i++)
			if ((s[i] & 0xc0) != 0x80)
				return 0;
		s += more + 1;
	}
	return 1;
}

/* The length of the sequence at s, or 0 when it is none. Lax ones go up to 2^31. */
static size_t sequence(const unsigned char *s, const unsigned char *end, bool lax)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000, 0x200000, 0x4000000};
	if (*s < 0x80)
		return 1;
	size_t more = *s >= 0xfc ? 5 : *s >= 0xf8 ? 4 : *s >= 0xf0 ? 3 : *s >= 0xe0 ? 2 : 1;
	if (*s < 0xc0 || *s > 0xfd || (size_t)(end - s) <= more)
		return 0;
	uint32_t c = *s & (0x3fu >> more);
	for (size_t i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[more] || (!lax && (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))))
		return 0;
	return more + 1;
}

static lua_Integer from_end(lua_Integer i, size_t n)
{
	if (i >= 0)
		return i;
	return (lua_Unsigned)0 - (lua_Unsigned)i > n ? 0 : (lua_Integer)n + i + 1;
}

static int utf8_len(lua_State *L)
{
	size_t n, more;
	const unsigned char *s = (const unsigned char *)luaL_checklstring(L, 1, &n);
	lua_Integer at = from_end(luaL_optinteger(L, 2, 1), n) - 1, last = from_end(luaL_optinteger(L, 3, -1), n) - 1;
	bool lax = lua_toboolean(L, 4);
	luaL_argcheck(L, 0 <= at && at <= (lua_Integer)n, 2, "initial position out of bounds");
	luaL_argcheck(L, last < (lua_Integer)n, 3, "final position out of bounds");
	lua_Integer count = 0;
	for (; at <= last; at += (lua_Integer)more) {
		if (!(more = sequence(s + at, s + n, lax))) {
			lua_pushnil(L);
			lua_pushinteger(L, at + 1);
			return 2;
		}
		if (++count % OFTEN == 0)
			vm_poll(L);
	}
	lua_pushinteger(L, count);
	return 1;
}

/* utf8.codes gives a bare function as iterator; ours are closures, made once. The upvalues are
 * the stock function and, for strict and lax, the bare iterator with its closure. */
static int utf8_codes(lua_State *L)
{
	int n = lua_gettop(L);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, n, 3);
	for (int i = 2; i <= 3; i++)
		if (lua_tocfunction(L, -3) == lua_tocfunction(L, lua_upvalueindex(i))) {
			lua_pushvalue(L, lua_upvalueindex(i));
			lua_replace(L, -4);
			break;
		}
	return 3;
}

static void push_iterator(lua_State *L, int codes, bool lax)
{
	lua_pushvalue(L, codes);
	lua_pushliteral(L, "");
	lua_pushboolean(L, lax);
	lua_call(L, 2, 1);
	lua_CFunction f = lua_tocfunction(L, -1);
	lua_pop(L, 1);
	lua_pushnil(L);
	lua_pushcclosure(L, f, 1);
}

static void open_utf8(lua_State *L)
{
	luaL_requiref(L, LUA_UTF8LIBNAME, luaopen_utf8, 1);
	vm_close_functions(L);
	vm_set_functions(L, (const luaL_Reg[]){{"len", utf8_len}, {NULL, NULL}});
	vm_put_before(L, "char", utf8_char);
	vm_put_before(L, "codepoint", string_slice);
	lua_getfield(L, -1, "codes");
	int codes = lua_gettop(L);
	push_iterator(L, codes, false);
	push_iterator(L, codes, true);
	lua_pushcclosure(L, utf8_codes, 3);
	lua_setfield(L, -2, "codes");
	lua_pop(L, 1);
}

/* The metatable of strings has functions of its own, for arithmetic. */
static void close_metatable(lua_State *L)
{
	lua_pushliteral(L, "");
	lua_getmetatable(L, -1);
	vm_close_functions(L);
	lua_pop(L, 2);
}

void open_string(lua_State *L)
{
	static const luaL_Reg own[] = {
		{"char", string_char},
		{"find", string_find},
		{"format", string_format},
		{"gmatch", string_gmatch},
		{"gsub", string_gsub},
		{"lower", string_lower},
		{"match", string_match},
		{"rep", string_rep},
		{"reverse", string_reverse},
		{"upper", string_upper},
		{NULL, NULL},
	};
	luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
	lua_pushnil(L);
	lua_setfield(L, -2, "dump");
	vm_close_functions(L);
	vm_set_functions(L, own);
	vm_put_before(L, "pack", string_pack);
	vm_put_before(L, "byte", string_slice);
	lua_pop(L, 1);
	close_metatable(L);
	open_utf8(L);
}
