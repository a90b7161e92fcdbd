/* A backtracking matcher for Lua patterns, as the reference manual of Lua 5.4 (section 6.4.1)
 * describes them. Patterns can take exponential time, so it looks at the limit flag. */
#include "charset.h"
#include "pattern.h"

#include <ctype.h>
#include <string.h>

#include "vmi.h"

#define DEPTH_MAX 200
#define STEPS 4096
#define BLOCK 1024

void pattern_init(matcher *m, lua_State *L, const char *s, size_t n, const char *p, size_t np)
{
	m->L = L;
	m->s = s;
	m->end = s + n;
	m->pattern_end = p + np;
	m->first = NULL;
	m->steps = STEPS;
	m->depth = 0;
	m->level = 0;
}

bool pattern_is_plain(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] && strchr("^$*+?.([%-", p[i]))
			return false;
	return true;
}

/* Counts work, and looks at the flag when enough is done. */
static inline void spend(matcher *m, size_t work)
{
	if (m->steps > work) {
		m->steps -= work;
		return;
	}
	m->steps = STEPS;
	vm_poll(m->L);
}

void pattern_spend(matcher *m, size_t work) { spend(m, work); }

/* ---- single characters ---- */

/* The end of the item that begins at p: a character, %x or a set. */
static const char *item_end(matcher *m, const char *p)
{
	char c = *p++;
	if (c == '%') {
		if (p == m->pattern_end)
			luaL_error(m->L, "malformed pattern (ends with '%%')");
		return p + 1;
	}
	if (c != '[')
		return p;
	if (p < m->pattern_end && *p == '^')
		p++;
	do { /* a ] in the first place is one of the set */
		if (p == m->pattern_end)
			luaL_error(m->L, "malformed pattern (missing ']')");
		if (*p++ == '%') {
			if (p == m->pattern_end)
				luaL_error(m->L, "malformed pattern (missing ']')");
			p++;
		}
	} while (p == m->pattern_end || *p != ']');
	return p + 1;
}

/* Whether the item from p to end takes the character at s. */
static inline bool takes(matcher *m, const char *s, const char *p, const char *end)
{
	if (s >= m->end)
		return false;
	int c = (unsigned char)*s;
	switch (*p) {
	case '.':
		return true;
	case '%':
		return in_class(c, (unsigned char)p[1]);
	case '[':
		return in_set(c, p, end - 1);
	}
	return (unsigned char)*p == c;
}

/* The first byte from s on that the item from p to end does not take, or stop. */
static inline const char *run_of(const char *s, const char *stop, const char *p, const char *end)
{
	uint16_t class;
	switch (*p) {
	case '.':
		return stop;
	case '[':
		while (s < stop && in_set((unsigned char)*s, p, end - 1))
			s++;
		return s;
	case '%':
		if ((class = class_named[(unsigned char)*++p])) {
			while (s < stop && has_class((unsigned char)*s, class))
				s++;
			return s;
		}
	}
	while (s < stop && *s == *p)
		s++;
	return s;
}

/* Notes the item with which every match of the pattern from p on begins, if there is one. */
void pattern_begin(matcher *m, const char *p)
{
	if (p < m->pattern_end && *p == '(')
		p++;
	if (p == m->pattern_end || strchr("().$", *p))
		return;
	if (*p == '%' && (p + 1 == m->pattern_end || p[1] == 'b' || p[1] == 'f' || isdigit((unsigned char)p[1])))
		return;
	const char *end = item_end(m, p);
	if (end < m->pattern_end && strchr("*?-", *end))
		return;
	m->first = p;
	m->first_end = end;
}

/* The first place from s on where a match can begin, or NULL. */
const char *pattern_next(matcher *m, const char *s)
{
	const char *p = m->first;
	if (!p)
		return s;
	if (*p != '[' && *p != '%')
		return memchr(s, *p, (size_t)(m->end - s));
	size_t width = (size_t)(m->first_end - p);
	while (s < m->end) {
		const char *stop = m->end - s < BLOCK ? m->end : s + BLOCK;
		const char *from = s;
		while (s < stop && !takes(m, s, p, m->first_end))
			s++;
		if (s < stop)
			return s;
		spend(m, (size_t)(s - from) * width / 2);
	}
	return NULL;
}

/* ---- captures ---- */

static int closed_capture(matcher *m, int digit)
{
	int i = digit - '1';
	if (i < 0 || i >= m->level || m->captures[i].len == CAPTURE_OPEN)
		luaL_error(m->L, "invalid capture index %%%d", i + 1);
	return i;
}

static const char *begin_capture(matcher *m, const char *s, const char *p, ptrdiff_t kind)
{
	if (m->level >= CAPTURES)
		luaL_error(m->L, "too many captures");
	m->captures[m->level++] = (capture){s, kind};
	const char *e = pattern_match(m, s, p);
	if (!e)
		m->level--;
	return e;
}

static const char *end_capture(matcher *m, const char *s, const char *p)
{
	int i = m->level - 1;
	while (i >= 0 && m->captures[i].len != CAPTURE_OPEN)
		i--;
	if (i < 0)
		luaL_error(m->L, "invalid pattern capture");
	m->captures[i].len = s - m->captures[i].start;
	const char *e = pattern_match(m, s, p);
	if (!e)
		m->captures[i].len = CAPTURE_OPEN;
	return e;
}

/* Pushes capture i of a match from s to e; the whole match when the pattern has none. */
void pattern_push_capture(matcher *m, int i, const char *s, const char *e)
{
	if (i >= m->level) {
		if (i != 0)
			luaL_error(m->L, "invalid capture index %%%d", i + 1);
		lua_pushlstring(m->L, s, (size_t)(e - s));
		return;
	}
	capture c = m->captures[i];
	if (c.len == CAPTURE_OPEN)
		luaL_error(m->L, "unfinished capture");
	if (c.len == CAPTURE_POSITION)
		lua_pushinteger(m->L, c.start - m->s + 1);
	else
		lua_pushlstring(m->L, c.start, (size_t)c.len);
}

/* Pushes all captures and returns how many. Without s there is no whole match to stand in. */
int pattern_push_captures(matcher *m, const char *s, const char *e)
{
	int n = m->level == 0 && s ? 1 : m->level;
	luaL_checkstack(m->L, n, "too many captures");
	for (int i = 0; i < n; i++)
		pattern_push_capture(m, i, s, e);
	return n;
}

/* ---- repetition and the like ---- */

static const char *match_longest(matcher *m, const char *s, const char *p, const char *end)
{
	ptrdiff_t n = run_of(s, m->end, p, end) - s;
	spend(m, (size_t)n);
	for (; n >= 0; n--) {
		const char *e = pattern_match(m, s + n, end + 1);
		if (e)
			return e;
	}
	return NULL;
}

static const char *match_shortest(matcher *m, const char *s, const char *p, const char *end)
{
	for (;; s++) {
		const char *e = pattern_match(m, s, end + 1);
		if (e || !takes(m, s, p, end))
			return e;
	}
}

/* %bxy: from an x to the y that balances it; p is behind the b. */
static const char *match_balanced(matcher *m, const char *s, const char *p)
{
	if (p + 1 >= m->pattern_end)
		luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
	if (s >= m->end || *s != p[0])
		return NULL;
	for (size_t open = 1; ++s < m->end;) {
		spend(m, 1);
		if (*s == p[1]) {
			if (--open == 0)
				return s + 1;
		} else if (*s == p[0]) {
			open++;
		}
	}
	return NULL;
}

/* %f[set]: whether s stands between a character outside the set and one inside. */
static bool at_frontier(matcher *m, const char *s, const char *p, const char *end)
{
	int before = s == m->s ? 0 : (unsigned char)s[-1];
	int after = s == m->end ? 0 : (unsigned char)*s;
	return !in_set(before, p, end - 1) && in_set(after, p, end - 1);
}

static const char *match_back(matcher *m, const char *s, int digit)
{
	const capture *c = &m->captures[closed_capture(m, digit)];
	size_t n = (size_t)c->len;
	spend(m, 1 + n / 16);
	if ((size_t)(m->end - s) < n || memcmp(c->start, s, n))
		return NULL;
	return s + n;
}

/* Matches what an escape begins and a single character does not: a balance, a frontier, a
 * capture again. Returns false when p begins none of these; otherwise sets *next to the pattern
 * behind it and *s to the subject behind it, or to NULL. */
static bool match_special(matcher *m, const char **s, const char *p, const char **next)
{
	const char *end;
	if (p + 1 == m->pattern_end)
		return false;
	switch (p[1]) {
	case 'b':
		*s = match_balanced(m, *s, p + 2);
		*next = p + 4;
		return true;
	case 'f':
		p += 2;
		if (p >= m->pattern_end || *p != '[')
			luaL_error(m->L, "missing '[' after '%%f' in pattern");
		end = item_end(m, p);
		if (!at_frontier(m, *s, p, end))
			*s = NULL;
		*next = end;
		return true;
	}
	if (!isdigit((unsigned char)p[1]))
		return false;
	*s = match_back(m, *s, (unsigned char)p[1]);
	*next = p + 2;
	return true;
}

/* Matches one item with what may follow it. Returns true when that settles the whole rest, whose
 * end is then in *s; otherwise *s and *p are behind the item. */
static inline bool match_item(matcher *m, const char **s, const char **p)
{
	const char *end = item_end(m, *p), *e;
	if (**p == '[')
		spend(m, (size_t)(end - *p) / 8); /* a set can be long */
	switch (end < m->pattern_end ? *end : '\0') {
	case '*':
		*s = match_longest(m, *s, *p, end);
		return true;
	case '+':
		*s = takes(m, *s, *p, end) ? match_longest(m, *s + 1, *p, end) : NULL;
		return true;
	case '-':
		*s = match_shortest(m, *s, *p, end);
		return true;
	case '?':
		if (takes(m, *s, *p, end) && (e = pattern_match(m, *s + 1, end + 1))) {
			*s = e;
			return true;
		}
		*p = end + 1;
		return false;
	}
	*s = takes(m, *s, *p, end) ? *s + 1 : NULL;
	*p = end;
	return *s == NULL;
}

/* The end of the match of the pattern from p on at s, or NULL. */
static inline const char *match_here(matcher *m, const char *s, const char *p)
{
	while (p < m->pattern_end) {
		spend(m, 1);
		switch (*p) {
		case '(':
			return p[1] == ')' ? begin_capture(m, s, p + 2, CAPTURE_POSITION)
				: begin_capture(m, s, p + 1, CAPTURE_OPEN);
		case ')':
			return end_capture(m, s, p + 1);
		case '$':
			if (p + 1 == m->pattern_end)
				return s == m->end ? s : NULL;
			break;
		case '%':
			if (match_special(m, &s, p, &p)) {
				if (!s)
					return NULL;
				continue;
			}
		}
		if (match_item(m, &s, &p))
			return s;
	}
	return s;
}

const char *pattern_match(matcher *m, const char *s, const char *p)
{
	if (p >= m->pattern_end)
		return s;
	if (++m->depth > DEPTH_MAX)
		luaL_error(m->L, "pattern too complex");
	const char *e = match_here(m, s, p);
	m->depth--;
	return e;
}
