/* string.find, match and gmatch. */
#include <string.h>

#include "pattern.h"
#include "vmi.h"

/* Where to begin, from 1; negative counts from the end. May lie behind the end. */
static size_t start_at(lua_Integer i, size_t n)
{
	if (i > 0)
		return (size_t)i;
	if (i == 0 || i < -(lua_Integer)n)
		return 1;
	return n + (size_t)i + 1;
}

/* The first place of a text. Jumping from one first byte to the next is fastest as long as few
 * of them mislead; memmem takes linear time whatever the text. */
static const char *find_text(const char *s, size_t n, const char *p, size_t np)
{
	const char *end = s + n;
	if (np == 0)
		return s;
	for (int misled = 0; misled < 16; misled++) {
		if ((size_t)(end - s) < np || !(s = memchr(s, *p, (size_t)(end - s) - np + 1)))
			return NULL;
		if (memcmp(s, p, np) == 0)
			return s;
		s++;
	}
	return memmem(s, (size_t)(end - s), p, np);
}

static int find_plain(lua_State *L, const char *s, size_t n, size_t from, const char *p, size_t np)
{
	const char *at = find_text(s + from, n - from, p, np);
	if (!at)
		return 0;
	lua_pushinteger(L, at - s + 1);
	lua_pushinteger(L, at - s + (lua_Integer)np);
	return 2;
}

static int find_pattern(lua_State *L, const char *s, size_t n, size_t from, const char *p, size_t np, bool find)
{
	matcher m;
	bool anchored = np && *p == '^';
	pattern_init(&m, L, s, n, p, np);
	if (!anchored)
		pattern_begin(&m, p);
	for (const char *at = s + from; at <= s + n; at++) {
		if (!(at = pattern_next(&m, at)))
			break;
		m.level = 0;
		const char *e = pattern_match(&m, at, p + anchored);
		if (e) {
			if (!find)
				return pattern_push_captures(&m, at, e);
			lua_pushinteger(L, at - s + 1);
			lua_pushinteger(L, e - s);
			return 2 + pattern_push_captures(&m, NULL, NULL);
		}
		if (anchored)
			break;
		pattern_spend(&m, 1);
	}
	return 0;
}

static int search(lua_State *L, bool find)
{
	size_t n, np;
	const char *s = luaL_checklstring(L, 1, &n), *p = luaL_checklstring(L, 2, &np);
	size_t from = start_at(luaL_optinteger(L, 3, 1), n) - 1;
	int found = 0;
	if (from <= n) {
		if (find && (lua_toboolean(L, 4) || pattern_is_plain(p, np)))
			found = find_plain(L, s, n, from, p, np);
		else
			found = find_pattern(L, s, n, from, p, np, find);
	}
	if (found)
		return found;
	luaL_pushfail(L);
	return 1;
}

int string_find(lua_State *L) { return search(L, true); }

int string_match(lua_State *L) { return search(L, false); }

/* ---- gmatch ---- */

enum { G_SUBJECT = 1, G_PATTERN, G_STATE }; /* upvalues */

typedef struct {
	size_t at;   /* where the next search begins */
	size_t last; /* the end of the last match, plus one; 0: there was none */
} progress;

static int gmatch_next(lua_State *L)
{
	size_t n, np;
	const char *s = lua_tolstring(L, lua_upvalueindex(G_SUBJECT), &n);
	const char *p = lua_tolstring(L, lua_upvalueindex(G_PATTERN), &np);
	progress *g = lua_touserdata(L, lua_upvalueindex(G_STATE));
	if (g->at > n)
		return 0;
	matcher m;
	pattern_init(&m, L, s, n, p, np);
	pattern_begin(&m, p);
	for (const char *at = s + g->at; at <= s + n && (at = pattern_next(&m, at)); at++) {
		m.level = 0;
		const char *e = pattern_match(&m, at, p);
		if (e && (size_t)(e - s) + 1 != g->last) {
			g->at = (size_t)(e - s);
			g->last = g->at + 1;
			return pattern_push_captures(&m, at, e);
		}
		pattern_spend(&m, 1);
	}
	g->at = n + 1;
	return 0;
}

int string_gmatch(lua_State *L)
{
	size_t n;
	luaL_checklstring(L, 1, &n);
	luaL_checkstring(L, 2);
	size_t from = start_at(luaL_optinteger(L, 3, 1), n) - 1;
	lua_settop(L, 2);
	progress *g = lua_newuserdatauv(L, sizeof *g, 0);
	*g = (progress){from > n ? n + 1 : from, 0};
	lua_pushcclosure(L, gmatch_next, 3);
	return 1;
}
