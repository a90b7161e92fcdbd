/* string.format. Our own because the stock one shows addresses, by %p and by %s of objects. */
#include "vmi.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ITEM 512  /* the longest number: %99.99f of 1.8e308 */
#define SPEC 32
#define OFTEN 4096 /* steps between two looks at the limit flag */
#define QUOTED 512 /* room for the text of a part of a quoted string */

/* Copies one conversion into spec, without its letter, and returns where that is. */
static const char *conversion(lua_State *L, const char *s, char *spec)
{
	size_t n = isalpha((unsigned char)*s) ? 0 : strspn(s, "-+#0 123456789.");
	if (n >= 20)
		luaL_error(L, "invalid format (too long)");
	spec[0] = '%';
	memcpy(spec + 1, s, n);
	spec[n + 1] = '\0';
	return s + n;
}

/* Whether a spec has only the flags that its letter takes, at most two digits of width, and of
 * precision where that is allowed. */
static void check_spec(lua_State *L, const char *spec, char letter, const char *flags, bool precision)
{
	const char *p = spec + 1;
	if (!*p)
		return;
	p += strspn(p, flags);
	if (*p != '0') {
		for (int i = 0; i < 2 && isdigit((unsigned char)*p); i++)
			p++;
		if (*p == '.' && precision) {
			p++;
			for (int i = 0; i < 2 && isdigit((unsigned char)*p); i++)
				p++;
		}
	}
	if (*p)
		luaL_error(L, "invalid conversion specification: '%s%c'", spec, letter);
}

static void add_text(luaL_Buffer *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add_text(luaL_Buffer *b, const char *fmt, ...)
{
	va_list args;
	char *p = vm_prep(b, ITEM);
	va_start(args, fmt);
	int n = vsnprintf(p, ITEM, fmt, args);
	va_end(args);
	luaL_addsize(b, (size_t)(n < 0 ? 0 : n >= ITEM ? ITEM - 1 : n));
}

static void append(char *spec, const char *end)
{
	memcpy(spec + strlen(spec), end, strlen(end) + 1);
}

static void add_with(luaL_Buffer *b, char *spec, const char *length, char letter, lua_State *L, int arg)
{
	append(spec, length);
	append(spec, (char[]){letter, '\0'});
	char *p = vm_prep(b, ITEM);
	int len = *length ? snprintf(p, ITEM, spec, (long long)luaL_checkinteger(L, arg))
		: snprintf(p, ITEM, spec, (double)luaL_checknumber(L, arg));
	luaL_addsize(b, (size_t)len);
}

static void add_char(luaL_Buffer *b, char *spec, int c)
{
	append(spec, "c");
	char *p = vm_prep(b, ITEM);
	luaL_addsize(b, (size_t)snprintf(p, ITEM, spec, c));
}

/* Adds the string on top of the stack, which is popped. */
static void add_string(luaL_Buffer *b, char *spec, char letter, lua_State *L, int arg)
{
	size_t n, m = strlen(spec);
	const char *s = lua_tolstring(L, -1, &n);
	if (m == 1) {
		vm_add_value(b);
		return;
	}
	luaL_argcheck(L, n == strlen(s), arg, "string contains zeros");
	check_spec(L, spec, letter, "-", letter == 's');
	if (n >= 100 && !strchr(spec, '.')) {
		vm_add_value(b);
		return;
	}
	append(spec, "s");
	/* The buffer may move the stack's top: keep the string below it. */
	char item[ITEM];
	int len = snprintf(item, sizeof item, spec, s);
	lua_pop(L, 1);
	vm_add(b, item, (size_t)len);
}

/* Writes one byte of a quoted string, at most four bytes of text, and returns the text's end. */
static char *quote(char *p, unsigned char c, bool digit_follows)
{
	if (c == '"' || c == '\\' || c == '\n') {
		*p++ = '\\';
	} else if (iscntrl(c)) {
		*p++ = '\\';
		if (digit_follows || c >= 100)
			*p++ = (char)('0' + c / 100);
		if (digit_follows || c >= 10)
			*p++ = (char)('0' + c / 10 % 10);
		*p++ = (char)('0' + c % 10);
		return p;
	}
	*p++ = (char)c;
	return p;
}

static void add_quoted_string(luaL_Buffer *b, const char *s, size_t n)
{
	const char *end = s + n;
	vm_add(b, "\"", 1);
	while (s < end) {
		char *from = vm_prep(b, QUOTED), *p = from;
		for (const char *part = end - s > QUOTED / 4 ? s + QUOTED / 4 : end; s < part; s++)
			p = quote(p, (unsigned char)*s, s + 1 < end && isdigit((unsigned char)s[1]));
		luaL_addsize(b, (size_t)(p - from));
		vm_poll(b->L);
	}
	vm_add(b, "\"", 1);
}

static void add_quoted_number(luaL_Buffer *b, lua_State *L, int arg)
{
	if (lua_isinteger(L, arg)) {
		lua_Integer i = lua_tointeger(L, arg);
		add_text(b, i == LUA_MININTEGER ? "0x%llx" : "%lld", (long long)i);
		return;
	}
	lua_Number d = lua_tonumber(L, arg);
	if (d != d)
		vm_add(b, "(0/0)", 5);
	else if (isinf(d))
		add_text(b, "%s", d > 0 ? "1e9999" : "-1e9999");
	else
		add_text(b, "%a", d);
}

static void add_quoted(luaL_Buffer *b, lua_State *L, int arg)
{
	size_t n;
	const char *s;
	switch (lua_type(L, arg)) {
	case LUA_TSTRING:
		s = lua_tolstring(L, arg, &n);
		add_quoted_string(b, s, n);
		break;
	case LUA_TNUMBER:
		add_quoted_number(b, L, arg);
		break;
	case LUA_TNIL:
	case LUA_TBOOLEAN:
		vm_tostring(L, arg);
		vm_add_value(b);
		break;
	default:
		luaL_argerror(L, arg, "value has no literal form");
	}
}

static void push_pointer(lua_State *L, int arg)
{
	if (lua_topointer(L, arg) && lua_type(L, arg) != LUA_TSTRING)
		vm_push_identity(L, arg);
	else
		lua_pushliteral(L, "(null)");
}

static void add_item(luaL_Buffer *b, char *spec, char letter, lua_State *L, int arg)
{
	switch (letter) {
	case 'c':
		check_spec(L, spec, letter, "-", false);
		add_char(b, spec, (int)luaL_checkinteger(L, arg));
		return;
	case 'd':
	case 'i':
		luaL_checkinteger(L, arg);
		check_spec(L, spec, letter, "-+0 ", true);
		add_with(b, spec, "ll", letter, L, arg);
		return;
	case 'u':
		luaL_checkinteger(L, arg);
		check_spec(L, spec, letter, "-0", true);
		add_with(b, spec, "ll", letter, L, arg);
		return;
	case 'o':
	case 'x':
	case 'X':
		luaL_checkinteger(L, arg);
		check_spec(L, spec, letter, "-#0", true);
		add_with(b, spec, "ll", letter, L, arg);
		return;
	case 'a':
	case 'A':
		check_spec(L, spec, letter, "-+#0 ", true);
		add_with(b, spec, "", letter, L, arg);
		return;
	case 'e':
	case 'E':
	case 'f':
	case 'g':
	case 'G':
		luaL_checknumber(L, arg);
		check_spec(L, spec, letter, "-+#0 ", true);
		add_with(b, spec, "", letter, L, arg);
		return;
	case 'p':
		push_pointer(L, arg);
		add_string(b, spec, letter, L, arg);
		return;
	case 'q':
		if (spec[1])
			luaL_error(L, "specifier '%%q' cannot have modifiers");
		add_quoted(b, L, arg);
		return;
	case 's':
		vm_tostring(L, arg);
		add_string(b, spec, letter, L, arg);
		return;
	}
	spec[strlen(spec) + 1] = '\0';
	spec[strlen(spec)] = letter;
	luaL_error(L, "invalid conversion '%s' to 'format'", spec);
}

int string_format(lua_State *L)
{
	int top = lua_gettop(L), arg = 1;
	size_t n, items = 0;
	const char *s = luaL_checklstring(L, 1, &n), *end = s + n;
	luaL_Buffer b;
	luaL_buffinit(L, &b);
	while (s < end) {
		const char *percent = memchr(s, '%', (size_t)(end - s));
		if (!percent) {
			vm_add(&b, s, (size_t)(end - s));
			break;
		}
		vm_add(&b, s, (size_t)(percent - s));
		s = percent + 1;
		if (++items % OFTEN == 0)
			vm_poll(L);
		if (*s == '%') {
			vm_add(&b, s++, 1);
			continue;
		}
		char spec[SPEC];
		if (++arg > top)
			return luaL_argerror(L, arg, "no value");
		s = conversion(L, s, spec);
		add_item(&b, spec, *s++, L, arg);
	}
	luaL_pushresult(&b);
	return 1;
}
