/* JSON text to Lua values, as spec/lua-api.md section 4.1 says. */
#include "number.h"
#include "vmi.h"

#include <math.h>
#include <string.h>

#define DEEP 127

typedef struct {
	lua_State *L;
	vm *v;
	const char *start, *p, *end;
	const uint32_t *sizes; /* of the containers, in the order in which they open */
	size_t nsizes;
	int depth;
} parser;

static void fail(parser *r, const char *what)
{
	luaL_error(r->L, "json_decode: %s at byte %I", what, (LUAI_UACINT)(r->p - r->start + 1));
}

static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

static inline void skip_space(parser *r)
{
	while (r->p < r->end && is_space(*r->p))
		r->p++;
}

/* ---- sizes of the containers, for tables that need not grow ---- */

typedef struct {
	size_t index;
	const char *from;
	uint32_t commas;
} open_container;

static const char *after_string(const char *p, const char *end)
{
	while (p < end && *p != '"')
		p += *p == '\\' ? 2 : 1;
	return p + 1;
}

static size_t add_size(parser *r)
{
	area *s = &r->v->pad;
	size_t i = r->nsizes++;
	memset(vm_room(r->L, s, 4), 0, 4);
	s->len += 4;
	if (i % 1024 == 0)
		vm_poll(r->L);
	return i;
}

/* Never more than the text has room for, whatever the commas say. */
static void set_size(parser *r, open_container *c, const char *p)
{
	size_t least = *c->from == '{' ? 5 : 2, most = (size_t)(p - c->from) / least + 1;
	size_t n = (size_t)c->commas + 1;
	((uint32_t *)r->v->pad.base)[c->index] = (uint32_t)(n < most ? n : most);
}

static void measure(parser *r)
{
	open_container stack[DEEP];
	int depth = 0;
	r->v->pad.len = 0;
	for (const char *p = r->p; p < r->end;) {
		char c = *p++;
		if (c == '"') {
			p = after_string(p, r->end);
		} else if (c == '[' || c == '{') {
			if (depth == DEEP)
				break;
			stack[depth++] = (open_container){add_size(r), p - 1, 0};
		} else if (c == ']' || c == '}') {
			if (--depth < 0)
				break;
			set_size(r, &stack[depth], p);
		} else if (c == ',' && depth) {
			stack[depth - 1].commas++;
		}
	}
	r->sizes = (const uint32_t *)r->v->pad.base;
}

/* ---- strings ---- */

static int hex4(parser *r)
{
	int x = 0;
	if (r->end - r->p < 4)
		fail(r, "unfinished escape");
	for (int i = 0; i < 4; i++, r->p++) {
		char c = *r->p;
		int d = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
		if (d < 0)
			fail(r, "invalid escape");
		x = x << 4 | d;
	}
	return x;
}

static void put(parser *r, const char *s, size_t n)
{
	memcpy(vm_room(r->L, &r->v->scratch, n), s, n);
	r->v->scratch.len += n;
}

static void put_code(parser *r, int c)
{
	char b[4];
	int n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (int i = n - 1; i > 0; i--, c >>= 6)
		b[i] = (char)(0x80 | (c & 0x3f));
	b[0] = (char)(n == 1 ? c : (0xf00 >> n & 0xff) | c);
	put(r, b, (size_t)n);
}

static void unicode_escape(parser *r)
{
	int c = hex4(r);
	if (c >= 0xdc00 && c <= 0xdfff)
		fail(r, "lone surrogate");
	if (c >= 0xd800 && c <= 0xdbff) {
		if (r->end - r->p < 2 || r->p[0] != '\\' || r->p[1] != 'u')
			fail(r, "lone surrogate");
		r->p += 2;
		int low = hex4(r);
		if (low < 0xdc00 || low > 0xdfff)
			fail(r, "lone surrogate");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	put_code(r, c);
}

static void escape(parser *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	if (r->p == r->end)
		fail(r, "unfinished string");
	char c = *r->p++;
	if (c == 'u') {
		unicode_escape(r);
		return;
	}
	const char *at = c ? strchr(from, c) : NULL;
	if (!at)
		fail(r, "invalid escape");
	put(r, &to[at - from], 1);
}

/* Bytes up to a quote, a backslash or a control character. */
static const char *plain_end(const char *p, const char *end)
{
	const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
	for (uint64_t w; end - p >= 8; p += 8) {
		memcpy(&w, p, 8);
		uint64_t quote = w ^ ones * '"', slash = w ^ ones * '\\';
		if ((((w - ones * 0x20) & ~w) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & tops)
			break;
	}
	while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
		p++;
	return p;
}

/* Pushes the string whose opening quote has been read. */
static void string(parser *r)
{
	const char *from = r->p;
	r->v->scratch.len = 0;
	for (;;) {
		const char *p = plain_end(r->p, r->end);
		if (p == r->end)
			fail(r, "unfinished string");
		if (!utf8_valid(r->p, (size_t)(p - r->p)))
			fail(r, "invalid UTF-8");
		if (*p == '"' && r->v->scratch.len == 0 && r->p == from) {
			r->p = p + 1;
			lua_pushlstring(r->L, from, (size_t)(p - from));
			return;
		}
		put(r, r->p, (size_t)(p - r->p));
		r->p = p + 1;
		if (*p == '"')
			break;
		if (*p != '\\')
			fail(r, "control character in a string");
		escape(r);
	}
	lua_pushlstring(r->L, r->v->scratch.base, r->v->scratch.len);
}

/* ---- numbers ---- */

static bool is_digit(const char *p, const char *end) { return p < end && *p >= '0' && *p <= '9'; }

static const char *digits(parser *r, const char *p)
{
	if (!is_digit(p, r->end)) {
		r->p = p;
		fail(r, "invalid number");
	}
	while (is_digit(p, r->end))
		p++;
	return p;
}

static void number(parser *r)
{
	const char *from = r->p, *p = from + (*from == '-');
	bool whole = true;
	int64_t i;
	if (p < r->end && *p == '0')
		p++;
	else
		p = digits(r, p);
	if (p < r->end && *p == '.') {
		whole = false;
		p = digits(r, p + 1);
	}
	if (p < r->end && (*p | 32) == 'e') {
		whole = false;
		p++;
		p = digits(r, p + (p < r->end && (*p == '+' || *p == '-')));
	}
	if (whole && number_read_integer(from, p, &i)) {
		lua_pushinteger(r->L, (lua_Integer)i);
		vm_digest(r->v, &i, sizeof i);
	} else {
		lua_Number d = number_read_float(from, p);
		if (isinf(d))
			fail(r, "number out of range");
		lua_pushnumber(r->L, d);
		vm_digest(r->v, &d, sizeof d);
	}
	r->p = p;
}

/* ---- containers ---- */

static void value(parser *r);

static int next_size(parser *r)
{
	uint32_t n = r->nsizes ? *r->sizes : 0;
	if (r->nsizes) {
		r->sizes++;
		r->nsizes--;
	}
	return n > INT32_MAX / 2 ? INT32_MAX / 2 : (int)n;
}

static void enter(parser *r)
{
	if (++r->depth > DEEP)
		fail(r, "more than 127 nested levels");
	r->p++;
	skip_space(r);
	luaL_checkstack(r->L, 6, "json_decode: too deeply nested");
	vm_poll(r->L);
}

static bool closes(parser *r, char c)
{
	if (r->p == r->end || *r->p != c)
		return false;
	r->p++;
	r->depth--;
	return true;
}

/* After an element: true when another one follows. */
static bool more(parser *r, char close)
{
	skip_space(r);
	if (closes(r, close))
		return false;
	if (r->p == r->end || *r->p != ',')
		fail(r, "expected a comma or the end");
	r->p++;
	skip_space(r);
	return true;
}

static void array(parser *r)
{
	lua_State *L = r->L;
	int n = next_size(r);
	enter(r);
	bool empty = closes(r, ']');
	lua_createtable(L, empty ? 0 : n, 0);
	if (!empty) {
		lua_Integer i = 0;
		do {
			value(r);
			lua_rawseti(L, -2, ++i);
		} while (more(r, ']'));
	}
	lua_rawgeti(L, LUA_REGISTRYINDEX, KEY_MARKER);
	lua_setmetatable(L, -2);
}

static void object(parser *r)
{
	lua_State *L = r->L;
	int n = next_size(r);
	enter(r);
	bool empty = closes(r, '}');
	lua_createtable(L, 0, empty ? 0 : n);
	if (empty)
		return;
	do {
		if (r->p == r->end || *r->p != '"')
			fail(r, "expected a string key");
		r->p++;
		string(r);
		skip_space(r);
		if (r->p == r->end || *r->p != ':')
			fail(r, "expected a colon");
		r->p++;
		skip_space(r);
		value(r);
		lua_rawset(L, -3);
	} while (more(r, '}'));
}

static void word(parser *r, const char *w)
{
	size_t n = strlen(w);
	if ((size_t)(r->end - r->p) < n || memcmp(r->p, w, n))
		fail(r, "unexpected character");
	r->p += n;
}

static void value(parser *r)
{
	if (r->p == r->end)
		fail(r, "unexpected end");
	switch (*r->p) {
	case '{':
		object(r);
		return;
	case '[':
		array(r);
		return;
	case '"':
		r->p++;
		string(r);
		return;
	case 't':
		word(r, "true");
		lua_pushboolean(r->L, 1);
		return;
	case 'f':
		word(r, "false");
		lua_pushboolean(r->L, 0);
		return;
	case 'n':
		word(r, "null");
		lua_pushnil(r->L);
		return;
	}
	number(r);
}

int json_decode(lua_State *L)
{
	size_t n;
	const char *s = luaL_checklstring(L, 1, &n);
	lua_settop(L, 1);
	parser r = {.L = L, .v = vm_of(L), .start = s, .p = s, .end = s + n};
	measure(&r);
	skip_space(&r);
	value(&r);
	skip_space(&r);
	if (r.p != r.end)
		fail(&r, "trailing characters");
	vm_relax(r.v);
	return 1;
}
