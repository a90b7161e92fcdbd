/* string.gsub, in which a replacement function may yield. */
#include <ctype.h>
#include <string.h>

#include "pattern.h"
#include "vmi.h"

enum { SUBJECT = 1, PATTERN, REPLACEMENT, LIMIT, STATE, TEXT };

/* Where the loop stands between two replacements. */
typedef struct {
	size_t at;          /* next byte of the subject */
	size_t last;        /* the end of the last match, plus one; 0: there was none */
	size_t match, end;  /* the match that is being replaced */
	lua_Integer count, limit;
	bool anchored, changed;
	size_t len, size;   /* of the text so far, which lies in a userdata of its own */
} state;

/* ---- the text so far ---- */

/* Room for more bytes of text. A userdata, not a luaL_Buffer: it outlives a yield, and its
 * growth gets the help of an emergency collection. */
static char *room(lua_State *L, state *g, size_t more)
{
	if (g->size - g->len < more) {
		size_t size = g->len + more;
		size += size / 2 + 64;
		char *p = lua_newuserdatauv(L, size, 0);
		if (g->len)
			memcpy(p, lua_touserdata(L, TEXT), g->len);
		lua_replace(L, TEXT);
		g->size = size;
	}
	return (char *)lua_touserdata(L, TEXT) + g->len;
}

static void add(lua_State *L, state *g, const char *s, size_t n)
{
	memcpy(room(L, g, n), s, n);
	g->len += n;
}

/* ---- replacements ---- */

/* Adds the replacement string with its captures filled in. */
static void add_template(matcher *m, state *g, const char *s, const char *e)
{
	lua_State *L = m->L;
	size_t n;
	const char *r = lua_tolstring(L, REPLACEMENT, &n), *end = r + n;
	while (r < end) {
		const char *percent = memchr(r, '%', (size_t)(end - r));
		add(L, g, r, (size_t)((percent ? percent : end) - r));
		if (!percent)
			return;
		char c = percent + 1 < end ? percent[1] : '\0';
		r = percent + 2;
		if (c == '%') {
			add(L, g, "%", 1);
		} else if (c == '0') {
			add(L, g, s, (size_t)(e - s));
		} else if (isdigit((unsigned char)c)) {
			pattern_push_capture(m, c - '1', s, e);
			size_t len;
			const char *text = lua_tolstring(L, -1, &len);
			add(L, g, text, len);
			lua_pop(L, 1);
		} else {
			luaL_error(L, "invalid use of '%%' in replacement string");
		}
	}
}

/* Adds the value on top of the stack, or the match itself for nil and false. */
static void add_value(lua_State *L, state *g)
{
	const char *s = lua_tostring(L, SUBJECT);
	size_t n;
	if (!lua_toboolean(L, -1)) {
		add(L, g, s + g->match, g->end - g->match);
	} else if (lua_isstring(L, -1)) {
		const char *text = lua_tolstring(L, -1, &n);
		add(L, g, text, n);
		g->changed = true;
	} else {
		luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
	}
	lua_settop(L, TEXT);
}

/* ---- the loop ---- */

static int finish(lua_State *L, state *g, const char *s, size_t n)
{
	if (!g->changed) {
		lua_pushvalue(L, SUBJECT);
	} else {
		add(L, g, s + g->at, n - g->at);
		lua_pushlstring(L, lua_touserdata(L, TEXT), g->len);
	}
	lua_pushinteger(L, g->count);
	return 2;
}

static int replaced(lua_State *L, int status, lua_KContext k);

/* Replaces the match from s to e. */
static void replace(matcher *m, state *g, const char *s, const char *e)
{
	lua_State *L = m->L;
	int n;
	switch (lua_type(L, REPLACEMENT)) {
	case LUA_TFUNCTION:
		lua_pushvalue(L, REPLACEMENT);
		n = pattern_push_captures(m, s, e);
		lua_callk(L, n, 1, 0, replaced);
		add_value(L, g);
		return;
	case LUA_TTABLE:
		pattern_push_capture(m, 0, s, e);
		lua_gettable(L, REPLACEMENT);
		add_value(L, g);
		return;
	}
	add_template(m, g, s, e);
	g->changed = true;
}

static int go_on(lua_State *L, state *g)
{
	size_t n, np;
	const char *s = lua_tolstring(L, SUBJECT, &n), *p = lua_tolstring(L, PATTERN, &np);
	matcher m;
	pattern_init(&m, L, s, n, p, np);
	p += g->anchored;
	while (g->count < g->limit && !(g->anchored && (g->at || g->last))) {
		m.level = 0;
		const char *e = pattern_match(&m, s + g->at, p);
		if (e && (size_t)(e - s) + 1 != g->last) {
			size_t from = g->at;
			g->count++;
			g->match = from;
			g->end = g->at = (size_t)(e - s);
			g->last = g->at + 1;
			replace(&m, g, s + from, e);
		} else if (g->at < n && !g->anchored) {
			*room(L, g, 1) = s[g->at++];
			g->len++;
		} else {
			break;
		}
		if (g->at % 4096 == 0)
			vm_poll(L);
	}
	return finish(L, g, s, n);
}

/* The replacement function has yielded and returns only now. */
static int replaced(lua_State *L, int status, lua_KContext k)
{
	(void)status;
	(void)k;
	state *g = lua_touserdata(L, STATE);
	add_value(L, g);
	return go_on(L, g);
}

int string_gsub(lua_State *L)
{
	size_t n;
	luaL_checklstring(L, SUBJECT, &n);
	const char *p = luaL_checkstring(L, PATTERN);
	int kind = lua_type(L, REPLACEMENT);
	luaL_argexpected(L, kind == LUA_TNUMBER || kind == LUA_TSTRING || kind == LUA_TFUNCTION || kind == LUA_TTABLE,
		REPLACEMENT, "string/function/table");
	lua_Integer limit = luaL_optinteger(L, LIMIT, (lua_Integer)n + 1);
	lua_settop(L, LIMIT);
	state *g = lua_newuserdatauv(L, sizeof *g, 0);
	*g = (state){.limit = limit, .anchored = *p == '^'};
	lua_pushnil(L);
	return go_on(L, g);
}
