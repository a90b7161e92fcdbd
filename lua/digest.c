/* A running digest over what pure helpers have given, so that a replay in which one of them
 * answers differently (another C library, another build) is noticed. */
#include "vmi.h"

#include <string.h>

static uint64_t mix(uint64_t h, uint64_t x)
{
	unsigned __int128 m = (unsigned __int128)(h ^ x) * 0x9e3779b97f4a7c15u;
	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

void vm_digest(vm *v, const void *data, size_t n)
{
	const char *p = data;
	uint64_t h = mix(v->digest + 0x2545f4914f6cdd1du, n), w;
	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&w, p, 8);
		h = mix(h, w);
	}
	w = 0;
	memcpy(&w, p, n);
	v->digest = mix(h, w);
}
