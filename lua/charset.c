#include "charset.h"

#include <ctype.h>

static int is_zero(int c) { return c == 0; } /* %z of 5.1, still known */

uint16_t classes_of[256], class_named[256];

void charset_set_up(void)
{
	static const struct {
		char letter;
		int (*in)(int);
	} all[] = {
		{'a', isalpha}, {'c', iscntrl}, {'d', isdigit}, {'g', isgraph}, {'l', islower}, {'p', ispunct},
		{'s', isspace}, {'u', isupper}, {'w', isalnum}, {'x', isxdigit}, {'z', is_zero},
	};
	for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
		for (int c = 0; c < 256; c++)
			if (all[i].in(c))
				classes_of[c] |= (uint16_t)(1u << i);
		class_named[(int)all[i].letter] = (uint16_t)(1u << i);
		class_named[toupper(all[i].letter)] = (uint16_t)(1u << i | OPPOSITE);
	}
}
