/* What all arenas of the process hold together, and how much they may. */
#include "arena.h"

static _Atomic size_t held, bound;

void budget_set(size_t bytes) { atomic_store(&bound, bytes); }

size_t budget_held(void) { return atomic_load(&held); }

static bool take(size_t bytes, bool forced)
{
	size_t now = atomic_fetch_add(&held, bytes) + bytes, max = atomic_load_explicit(&bound, memory_order_relaxed);
	if (forced || !max || now <= max)
		return true;
	atomic_fetch_sub(&held, bytes);
	return false;
}

static size_t in_steps(size_t n) { return (n + CHARGE - 1) / CHARGE * CHARGE; }

static size_t resident(const arena *a) { return a->held + a->dirty * PAGE; }

bool arena_charge_more(arena *a, size_t more)
{
	size_t need = in_steps(resident(a) + more);
	if (!take(need - a->charged, a->exempt)) {
		a->crowded = true;
		return false;
	}
	a->charged = need;
	return true;
}

void arena_discharge(arena *a)
{
	size_t need = in_steps(resident(a));
	if (a->charged < need + CHARGE)
		return;
	atomic_fetch_sub(&held, a->charged - need);
	a->charged = need;
}

void arena_discharge_all(arena *a)
{
	atomic_fetch_sub(&held, a->charged);
	a->charged = 0;
}
