/* Classes such as %a and sets such as [a-z] of Lua patterns. */
#ifndef ALC_CHARSET_H
#define ALC_CHARSET_H

#include <stdbool.h>
#include <stdint.h>

/* The classes that each byte is in, a bit each, and the class that each letter names: its bit, and one
 * more when it names the opposite; 0 for what names none. */
extern uint16_t classes_of[256], class_named[256];

#define OPPOSITE 0x8000

void charset_set_up(void);

static inline bool has_class(int c, uint16_t class)
{
	return ((classes_of[c] & class) != 0) != (class >> 15);
}

static inline bool in_class(int c, int letter)
{
	uint16_t class = class_named[letter];
	return class ? has_class(c, class) : letter == c;
}

/* Whether the set from p, its [, to close, its ], has the character. */
static inline bool in_set(int c, const char *p, const char *close)
{
	bool found = true;
	if (*++p == '^') {
		found = false;
		p++;
	}
	for (; p < close; p++) {
		if (*p == '%') {
			if (in_class(c, (unsigned char)*++p))
				return found;
		} else if (p[1] == '-' && p + 2 < close) {
			if ((unsigned char)*p <= c && c <= (unsigned char)p[2])
				return found;
			p += 2;
		} else if ((unsigned char)*p == c) {
			return found;
		}
	}
	return !found;
}

#endif
