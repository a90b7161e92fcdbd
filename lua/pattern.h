/* Lua patterns. */
#ifndef ALC_PATTERN_H
#define ALC_PATTERN_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#define CAPTURES 32

typedef struct {
	const char *start;
	ptrdiff_t len; /* or CAPTURE_OPEN, CAPTURE_POSITION */
} capture;

enum { CAPTURE_OPEN = -1, CAPTURE_POSITION = -2 };

typedef struct {
	lua_State *L;
	const char *s, *end;        /* the subject */
	const char *pattern_end;
	const char *first, *first_end; /* the item with which every match begins; NULL: none does */
	int depth;                  /* of recursion */
	size_t steps;               /* until the next look at the limit flag */
	int level;                  /* captures begun */
	capture captures[CAPTURES];
} matcher;

void pattern_init(matcher *m, lua_State *L, const char *s, size_t n, const char *p, size_t np);
const char *pattern_match(matcher *m, const char *s, const char *p);
void pattern_push_capture(matcher *m, int i, const char *s, const char *e);
int pattern_push_captures(matcher *m, const char *s, const char *e);
void pattern_spend(matcher *m, size_t work);
void pattern_begin(matcher *m, const char *p);
const char *pattern_next(matcher *m, const char *s);
bool pattern_is_plain(const char *p, size_t n);

#endif
