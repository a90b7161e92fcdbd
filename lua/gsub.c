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
	size_t copied;      /* bytes of the subject that the text has, or replaces */
	lua_Integer count, limit;
	bool anchored;
	area *scratch;      /* where the text is made; NULL: in a userdata of its own */
	char *text;
	size_t len, size;
} state;

/* ---- the text so far ---- */

/* Room for more bytes. Where Lua code may run in between, or yield, the text lies in a userdata,
 * whose growth, unlike a luaL_Buffer's, gets the help of an emergency collection. */
static char *room(lua_State *L, state *g, size_t more)
{
	if (g->scratch) {
		g->scratch->len = g->len;
		g->text = vm_room(L, g->scratch, more) - g->len;
	} else if (g->size - g->len < more) {
		size_t size = g->len + more;
		size += size / 2 + 64;
		char *p = lua_newuserdatauv(L, size, 0);
		if (g->len)
			memcpy(p, g->text, g->len);
		lua_replace(L, TEXT);
		g->text = p;
		g->size = size;
	}
	return g->text + g->len;
}

static void add(lua_State *L, state *g, const char *s, size_t n)
{
	memcpy(room(L, g, n), s, n);
	g->len += n;
}

/* Adds what lies before the match, which is then replaced. */
static void add_before(lua_State *L, state *g, const char *s)
{
	add(L, g, s + g->copied, g->match - g->copied);
	g->copied = g->end;
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

/* Adds the value on top of the stack; nil and false leave the match as it is. */
static void add_value(lua_State *L, state *g)
{
	size_t n;
	if (lua_isstring(L, -1)) {
		add_before(L, g, lua_tostring(L, SUBJECT));
		const char *text = lua_tolstring(L, -1, &n);
		add(L, g, text, n);
	} else if (lua_toboolean(L, -1)) {
		luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
	}
	lua_settop(L, TEXT);
}

/* ---- the loop ---- */

static int finish(lua_State *L, state *g, const char *s, size_t n)
{
	if (g->copied == 0 && g->len == 0) {
		lua_pushvalue(L, SUBJECT);
	} else {
		add(L, g, s + g->copied, n - g->copied);
		lua_pushlstring(L, g->text, g->len);
		if (g->scratch)
			vm_relax(vm_of(L));
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
	add_before(L, g, m->s);
	add_template(m, g, s, e);
}

static int go_on(lua_State *L, state *g)
{
	size_t n, np;
	const char *s = lua_tolstring(L, SUBJECT, &n), *p = lua_tolstring(L, PATTERN, &np);
	matcher m;
	pattern_init(&m, L, s, n, p, np);
	p += g->anchored;
	if (!g->anchored && g->count < g->limit)
		pattern_begin(&m, p);
	while (g->count < g->limit && !(g->anchored && (g->at || g->last))) {
		const char *at = pattern_next(&m, s + g->at);
		if (!at)
			break;
		g->at = (size_t)(at - s);
		m.level = 0;
		const char *e = pattern_match(&m, s + g->at, p);
		if (e && (size_t)(e - s) + 1 != g->last) {
			g->count++;
			g->match = g->at;
			g->end = g->at = (size_t)(e - s);
			g->last = g->at + 1;
			replace(&m, g, s + g->match, e);
		} else if (g->at < n && !g->anchored) {
			g->at++;
		} else {
			break;
		}
		pattern_spend(&m, 1);
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
	state local = {.limit = limit, .anchored = *p == '^'};
	bool calls = kind == LUA_TFUNCTION || (kind == LUA_TTABLE && lua_getmetatable(L, REPLACEMENT));
	if (!calls) { /* then nothing else uses the scratch area meanwhile */
		local.scratch = &vm_of(L)->scratch;
		lua_pushnil(L);
		lua_pushnil(L);
		return go_on(L, &local);
	}
	lua_settop(L, LIMIT);
	state *g = lua_newuserdatauv(L, sizeof *g, 0);
	*g = local;
	lua_pushnil(L);
	return go_on(L, g);
}
