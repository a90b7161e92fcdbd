/* What the C files of package lua share. */
#ifndef ALC_VMI_H
#define ALC_VMI_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "vm.h"

#if LUA_VERSION_NUM != 504
#error "Lua 5.4 is needed: scripts depend on its semantics"
#endif

struct vm {
	lua_State *M;             /* the main thread: builds, reports, never runs scripts */
	lua_State *L;             /* the program's coroutine */
	lua_State *volatile run;  /* whose instructions are running; the signal handler arms it */
	_Atomic int stop;         /* the sticky limit flag, a STOP_ value */
	_Atomic uint64_t cpu;     /* nanoseconds of CPU time a step may take, 0 = any */
	_Atomic(struct runner *) on; /* the thread that ran it last */
	bool asking;              /* the yield under way is a request */
	bool waiting;             /* a request is open: the next resume answers it */
	bool loaded;              /* the program has been started */
	bool ended;
	lua_State *blocked;       /* a coroutine below that cannot yield, or NULL */
	int closing;              /* closes of coroutines that run within each other */
	char *stack;              /* where the C stack of the call that runs it begins */
	const char *malformed;    /* what was wrong with the arguments */
	const char *args;         /* what the next resume brings, in the caller's memory */
	size_t nargs;
	bool raise;               /* it is to be raised, not returned */
	const void *marker;       /* the metatable of JSON arrays */
	uint64_t random[4];
	uint64_t digest;
	lua_Integer ordinals;     /* given to objects that were printed */
	size_t notes_from;        /* where the oldest note begins */
	size_t pad_top;
	arena mem;
	area out, scratch, pad, notes;
};

static inline vm *vm_of(lua_State *L) { return *(vm **)lua_getextraspace(L); }

/* Keys of the registry. */
enum { KEY_MARKER = 16, KEY_ORDINALS, KEY_PROGRAM, KEY_BLOCKED };

/* limits.c */
int vm_init_limits(int signal);
void vm_leave(lua_State *L);                 /* yields or raises; returns only where both are impossible */
int vm_left(lua_State *L, int status, lua_KContext k);
void vm_arm(vm *v);
void vm_enter(vm *v);
void vm_exit(vm *v);
void vm_refuse(vm *v);
void vm_crowd(vm *v);
static inline bool vm_stopped(vm *v)
{
	return atomic_load_explicit(&v->stop, memory_order_relaxed) != STOP_NONE;
}
static inline void vm_poll(lua_State *L)
{
	if (vm_stopped(vm_of(L)))
		vm_leave(L);
}

/* memory.c */
void *vm_allocate(void *ud, void *p, size_t old, size_t n);
void vm_settle(vm *v);
void vm_caught(lua_State *L);
void vm_relax(vm *v);

/* area use: raises when the memory is not there */
void vm_reserve(lua_State *L, area *r, size_t more);
static inline char *vm_room(lua_State *L, area *r, size_t more)
{
	if (r->len + more > r->committed)
		vm_reserve(L, r, more);
	return r->base + r->len;
}

/* room.c */
void vm_ensure(lua_State *L, size_t n);
bool vm_stack(lua_State *L, lua_State *of, int n);
char *vm_prep(luaL_Buffer *b, size_t n);
void vm_add(luaL_Buffer *b, const char *s, size_t n);
void vm_add_value(luaL_Buffer *b);
void vm_put_before(lua_State *L, const char *name, lua_CFunction f);
int string_pack(lua_State *L);
int string_slice(lua_State *L);
int utf8_char(lua_State *L);

/* letters.c */
int string_char(lua_State *L);
int string_lower(lua_State *L);
int string_reverse(lua_State *L);
int string_upper(lua_State *L);

/* seed.c */
lua_State *vm_new_state(vm *v, lua_Alloc f);

/* state.c */
int vm_new_bare(vm **out);

/* transfer_encode.c, transfer_decode.c */
void vm_encode(lua_State *L, area *r, int from, int to);
int vm_decode(lua_State *L, const char *p, size_t n, const char **why);
int vm_encode_note(lua_State *L);
size_t vm_encoded_size(const char *p);

/* keys.c */
typedef struct {
	const char *s;
	size_t len;
	union {
		lua_Integer i;
		lua_Number d;
		uint64_t prefix;  /* of a string: its first 8 bytes, the first one highest */
	} u;
	int rank;             /* integers, floats, strings, false, true */
	int at;               /* stack index of the key; its value follows it; 0: not on the stack */
} key;
enum { RANK_INT, RANK_FLOAT, RANK_STRING, RANK_FALSE, RANK_TRUE };
key *key_push(lua_State *L, int at);
void key_sort(key *k, size_t n);
void key_value(lua_State *L, const key *k, int table);
void key_hold(lua_State *L, int table);

/* json.c, sys.c, base.c, coroutine.c ... */
void vm_digest(vm *v, const void *p, size_t n);
int string_find(lua_State *L);
int string_format(lua_State *L);
int string_gmatch(lua_State *L);
int string_gsub(lua_State *L);
int string_match(lua_State *L);
int string_rep(lua_State *L);
int table_sort(lua_State *L);
int open_base(lua_State *L);
int base_load(lua_State *L);
void vm_close_functions(lua_State *L);
void vm_push_identity(lua_State *L, int i);
int open_coroutine(lua_State *L);
void open_string(lua_State *L);
void open_table(lua_State *L);
void open_math(lua_State *L);
void vm_push_sys(lua_State *L);
int sys_box(lua_State *L);
int sys_floats(lua_State *L);
int sys_unbox(lua_State *L);
int json_encode(lua_State *L);
int json_decode(lua_State *L);
int utf8_valid(const char *s, size_t n);
int vm_load_text(lua_State *L, const char *s, size_t n, const char *name);
void vm_set_functions(lua_State *L, const luaL_Reg *l);
void vm_tostring(lua_State *L, int i);
void vm_traceback(lua_State *L, lua_State *of, const char *message, int level);
void vm_seed(vm *v, uint64_t a, uint64_t b);
int vm_request(lua_State *L);
int vm_guard(lua_State *L);
bool vm_can_pause(lua_State *L);
int vm_cannot_pause(lua_State *L);

#endif
