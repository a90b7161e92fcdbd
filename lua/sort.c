/* table.sort as a merge sort. The stock one picks pivots by the clock, so ties would fall
 * differently from run to run. Arrays of one plain type are sorted without Lua; otherwise the
 * sort is a loop that a comparator can yield out of. It is stable. */
#include "vmi.h"

#include <string.h>

enum { TABLE = 1, LESS, FROM, STATE };

/* The sort moves numbers of elements, not elements: those lie still in a table of our own. */
typedef struct {
	lua_Integer n, width;
	lua_Integer i, mid; /* the left run: next element, end */
	lua_Integer j, end; /* the right run */
	lua_Integer k;      /* where the next element goes */
	int *from, *to;
} merge;

/* ---- plain arrays ---- */

enum { MIXED, INTEGERS, FLOATS, STRINGS };

static int kind_of(lua_State *L, int i)
{
	switch (lua_type(L, i)) {
	case LUA_TSTRING:
		return STRINGS;
	case LUA_TNUMBER:
		if (lua_isinteger(L, i))
			return INTEGERS;
		return lua_tonumber(L, i) == lua_tonumber(L, i) ? FLOATS : MIXED;
	}
	return MIXED;
}

/* Maps numbers to words in the same order, and back. */
static uint64_t to_word(lua_State *L, int i, int kind)
{
	uint64_t w;
	if (kind == INTEGERS)
		return (uint64_t)lua_tointeger(L, i) ^ 1ull << 63;
	lua_Number d = lua_tonumber(L, i);
	memcpy(&w, &d, sizeof w);
	return w >> 63 ? ~w : w ^ 1ull << 63;
}

static void push_word(lua_State *L, uint64_t w, int kind)
{
	lua_Number d;
	if (kind == INTEGERS) {
		lua_pushinteger(L, (lua_Integer)(w ^ 1ull << 63));
		return;
	}
	w = w >> 63 ? w ^ 1ull << 63 : ~w;
	memcpy(&d, &w, sizeof d);
	lua_pushnumber(L, d);
}

static void merge_words(const uint64_t *a, size_t mid, size_t end, size_t lo, uint64_t *to)
{
	size_t i = lo, j = mid;
	for (size_t k = lo; k < end; k++)
		to[k] = i < mid && (j >= end || a[i] <= a[j]) ? a[i++] : a[j++];
}

static void insert_words(uint64_t *a, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		uint64_t w = a[i];
		size_t j = i;
		for (; j > 0 && a[j - 1] > w; j--)
			a[j] = a[j - 1];
		a[j] = w;
	}
}

/* Sorts n words with room for as many more behind them; returns where they lie then. */
static uint64_t *sort_words(lua_State *L, uint64_t *a, size_t n)
{
	enum { RUN = 16 };
	uint64_t *b = a + n;
	for (size_t lo = 0; lo < n; lo += RUN)
		insert_words(a + lo, n - lo < RUN ? n - lo : RUN);
	for (size_t width = RUN; width < n; width *= 2) {
		for (size_t lo = 0; lo < n; lo += 2 * width) {
			size_t mid = lo + width < n ? lo + width : n;
			size_t end = mid + width < n ? mid + width : n;
			merge_words(a, mid, end, lo, b);
		}
		vm_poll(L);
		uint64_t *t = a;
		a = b;
		b = t;
	}
	return a;
}

static void sort_numbers(lua_State *L, lua_Integer n, int kind)
{
	area *pad = &vm_of(L)->pad;
	size_t from = pad->len;
	uint64_t *a = (uint64_t *)vm_room(L, pad, (size_t)n * 2 * sizeof *a);
	pad->len += (size_t)n * 2 * sizeof *a;
	for (lua_Integer i = 0; i < n; i++) {
		lua_rawgeti(L, FROM, i + 1);
		a[i] = to_word(L, -1, kind);
		lua_pop(L, 1);
	}
	a = sort_words(L, a, (size_t)n);
	pad->len = from;
	for (lua_Integer i = 0; i < n; i++) {
		push_word(L, a[i], kind);
		lua_rawseti(L, FROM, i + 1);
	}
}

static void sort_strings(lua_State *L, lua_Integer n)
{
	area *pad = &vm_of(L)->pad;
	size_t from = pad->len;
	for (lua_Integer i = 1; i <= n; i++) {
		lua_rawgeti(L, FROM, i);
		key_push(L, lua_gettop(L))->at = (int)i;
		lua_pop(L, 1);
	}
	key *k = (key *)(pad->base + from);
	key_sort(k, (size_t)n);
	pad->len = from;
	lua_createtable(L, (int)n, 0);
	for (lua_Integer i = 0; i < n; i++) {
		lua_rawgeti(L, FROM, k[i].at);
		lua_rawseti(L, -2, i + 1);
	}
	lua_replace(L, FROM);
}

/* ---- in and out ---- */

/* Copies the elements to a table of our own and tells what they are. */
static int copy_in(lua_State *L, lua_Integer n)
{
	lua_Unsigned raw = lua_type(L, TABLE) == LUA_TTABLE ? lua_rawlen(L, TABLE) : 0;
	lua_createtable(L, raw < (lua_Unsigned)n ? (int)raw : (int)n, 0);
	int kind = -1;
	for (lua_Integer i = 1; i <= n; i++) {
		lua_geti(L, TABLE, i);
		int k = kind_of(L, -1);
		kind = kind < 0 || kind == k ? k : MIXED;
		lua_rawseti(L, FROM, i);
		if (i % 1024 == 0)
			vm_poll(L);
	}
	return kind;
}

/* Puts the elements back; order holds their numbers, or is NULL when they lie in order. */
static int copy_out(lua_State *L, lua_Integer n, const int *order)
{
	for (lua_Integer i = 1; i <= n; i++) {
		lua_rawgeti(L, FROM, order ? order[i - 1] : i);
		lua_seti(L, TABLE, i);
		if (i % 1024 == 0)
			vm_poll(L);
	}
	return 0;
}

/* ---- the merge loop ---- */

static merge *new_merge(lua_State *L, lua_Integer n)
{
	merge *m = lua_newuserdatauv(L, sizeof *m + 2 * (size_t)n * sizeof(int), 0);
	*m = (merge){.n = n, .width = 1};
	m->from = (int *)(m + 1);
	m->to = m->from + n;
	for (lua_Integer i = 0; i < n; i++)
		m->from[i] = (int)i + 1;
	return m;
}

static void begin_runs(merge *m, lua_Integer lo)
{
	m->i = m->k = lo;
	m->j = m->mid = lo + m->width < m->n ? lo + m->width : m->n;
	m->end = m->mid + m->width < m->n ? m->mid + m->width : m->n;
}

/* Copies what is left when one run is used up, and starts the next pair of runs. Returns
 * whether there is one. */
static bool next_runs(lua_State *L, merge *m)
{
	while (m->i < m->mid)
		m->to[m->k++] = m->from[m->i++];
	while (m->j < m->end)
		m->to[m->k++] = m->from[m->j++];
	vm_poll(L);
	if (m->end < m->n) {
		begin_runs(m, m->end);
		return true;
	}
	int *sorted = m->to;
	m->to = m->from;
	m->from = sorted;
	m->width *= 2;
	begin_runs(m, 0);
	return m->width < m->n;
}

/* The comparison of the two runs' next elements; a comparator may yield. */
static int merge_on(lua_State *L, int status, lua_KContext k)
{
	merge *m = lua_touserdata(L, STATE);
	bool less;
	(void)k;
	if (status == LUA_YIELD)
		goto compared;
	do {
		while (m->i < m->mid && m->j < m->end) {
			lua_pushvalue(L, LESS);
			lua_rawgeti(L, FROM, m->from[m->j]);
			lua_rawgeti(L, FROM, m->from[m->i]);
			if (lua_isnil(L, LESS)) {
				less = lua_compare(L, -2, -1, LUA_OPLT);
			} else {
				lua_callk(L, 2, 1, 0, merge_on);
compared:
				less = lua_toboolean(L, -1);
			}
			lua_settop(L, STATE);
			m->to[m->k++] = less ? m->from[m->j++] : m->from[m->i++];
		}
	} while (next_runs(L, m));
	return copy_out(L, m->n, m->from);
}

static void check_table(lua_State *L)
{
	static const char *const events[] = {"__index", "__newindex", "__len"};
	if (lua_type(L, TABLE) == LUA_TTABLE)
		return;
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
		if (luaL_getmetafield(L, TABLE, events[i]) == LUA_TNIL)
			luaL_checktype(L, TABLE, LUA_TTABLE);
		lua_pop(L, 1);
	}
}

int table_sort(lua_State *L)
{
	check_table(L);
	lua_Integer n = luaL_len(L, TABLE);
	if (n < 2)
		return 0;
	luaL_argcheck(L, n < INT32_MAX, TABLE, "array too big");
	if (!lua_isnoneornil(L, LESS))
		luaL_checktype(L, LESS, LUA_TFUNCTION);
	lua_settop(L, LESS);
	int kind = copy_in(L, n);
	if (lua_isnil(L, LESS) && kind != MIXED) {
		if (kind == STRINGS)
			sort_strings(L, n);
		else
			sort_numbers(L, n, kind);
		return copy_out(L, n, NULL);
	}
	begin_runs(new_merge(L, n), 0);
	return merge_on(L, LUA_OK, 0);
}
