/* A VM's life: made under protection, resumed, dropped. */
#include "charset.h"
#include "number.h"
#include "vmi.h"

#include <stdlib.h>
#include <string.h>

/* ---- making ---- */

struct making {
	const char *code;
	size_t ncode;
};

static void open_libraries(lua_State *L)
{
	luaL_requiref(L, LUA_GNAME, open_base, 1);
	luaL_requiref(L, LUA_COLIBNAME, open_coroutine, 1);
	lua_pop(L, 2);
	open_table(L);
	open_string(L);
	open_math(L);
	lua_settop(L, 0);
}

static void make_marker(lua_State *L)
{
	lua_createtable(L, 0, 1);
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	vm_of(L)->marker = lua_topointer(L, -1);
	lua_rawseti(L, LUA_REGISTRYINDEX, KEY_MARKER);
}

static const char *read_once(lua_State *L, void *ud, size_t *n)
{
	(void)L;
	struct making *m = ud;
	*n = m->ncode;
	m->ncode = 0;
	return m->code;
}

static int make(lua_State *L)
{
	vm *v = vm_of(L);
	struct making m = *(struct making *)lua_touserdata(L, 1);
	lua_gc(L, LUA_GCSTOP);
	lua_settop(L, 0);
	make_marker(L);
	open_libraries(L);
	v->L = lua_newthread(L);
	lua_rawseti(L, LUA_REGISTRYINDEX, KEY_PROGRAM);
	if (lua_load(L, read_once, &m, "program", "b") != LUA_OK)
		return lua_error(L);
	vm_push_sys(L);
	lua_xmove(L, v->L, 2);
	lua_gc(L, LUA_GCRESTART);
	return 0;
}

/* Why a VM could not be made: the process's budget or its own bound. */
static int no_memory(vm *v) { return v->mem.crowded ? VM_CROWDED : VM_NO_MEMORY; }

/* A VM without libraries or program. */
int vm_new_bare(vm **out)
{
	int status = VM_OK;
	*out = NULL;
	char *slot = slot_take();
	if (!slot)
		return VM_NO_SLOT;
	vm *v = (vm *)slot;
	memset(v, 0, sizeof *v);
	arena_init(&v->mem, slot, MEMORY_MAX);
	char *near = slot + NEAR_AT;
	area_init(&v->out, near, slot + OUT_AT, SCRATCH_AT - OUT_AT);
	area_init(&v->scratch, near + NEAR_SIZE, slot + SCRATCH_AT, PAD_AT - SCRATCH_AT);
	area_init(&v->pad, near + 2 * NEAR_SIZE, slot + PAD_AT, NOTES_AT - PAD_AT);
	area_init(&v->notes, near + 3 * NEAR_SIZE, slot + NOTES_AT, (size_t)4 << 20);
	v->M = vm_new_state(v, vm_allocate);
	if (!v->M) {
		status = no_memory(v);
		slot_give(slot, arena_end(&v->mem));
		return status;
	}
	*(vm **)lua_getextraspace(v->M) = v;
	*out = v;
	return status;
}

int vm_new(vm **out, const char *code, size_t ncode, size_t memory, uint64_t cpu, const char **reason)
{
	vm *v;
	int status = vm_new_bare(&v);
	if (status != VM_OK)
		return status;
	v->mem.cap = memory;
	v->cpu = cpu;
	vm_seed(v, 0, 0);
	struct making m = {code, ncode};
	lua_pushcfunction(v->M, make);
	lua_pushlightuserdata(v->M, &m);
	status = lua_pcall(v->M, 1, 0, 0);
	if (status == LUA_ERRMEM || vm_stopped(v)) {
		status = no_memory(v);
		vm_close(v);
		return status;
	}
	*out = v;
	if (status == LUA_OK)
		return VM_OK;
	*reason = lua_tostring(v->M, -1);
	return VM_BAD_PROGRAM;
}

void vm_close(vm *v)
{
	size_t touched = arena_end(&v->mem);
	area_trim(&v->mem, &v->out);
	area_trim(&v->mem, &v->scratch);
	area_trim(&v->mem, &v->pad);
	area_trim(&v->mem, &v->notes);
	slot_give((char *)v, touched);
}

/* ---- running ---- */

/* Moves the first resume's arguments behind the program's own. Runs protected. */
static int push_arguments(lua_State *L)
{
	vm *v = vm_of(L);
	int n = vm_decode(L, v->args, v->nargs, &v->malformed);
	if (n < 0)
		return 0;
	if (!vm_stack(L, v->L, n + LUA_MINSTACK))
		return luaL_error(L, "too many arguments");
	lua_xmove(L, v->L, n);
	lua_pushinteger(L, n);
	return 1;
}

static int start(vm *v, int *results)
{
	int n = 0;
	if (v->nargs && !v->raise) {
		lua_pushcfunction(v->M, push_arguments);
		int status = lua_pcall(v->M, 0, 1, 0);
		vm_settle(v);
		if (status != LUA_OK) {
			lua_xmove(v->M, v->L, 1);
			return status;
		}
		n = (int)lua_tointeger(v->M, -1);
		lua_settop(v->M, 0);
		if (v->malformed)
			return LUA_YIELD;
	}
	v->loaded = true;
	return lua_resume(v->L, v->M, n + 1, results);
}

static int encode_results(lua_State *L)
{
	vm *v = vm_of(L);
	int n = lua_gettop(v->L);
	if (!vm_stack(L, L, n) || !vm_stack(L, v->L, 1))
		return luaL_error(L, "stack overflow (too many results)");
	for (int i = 1; i <= n; i++) {
		lua_pushvalue(v->L, i);
		lua_xmove(v->L, L, 1);
	}
	vm_encode(L, &v->out, 1, n);
	return 0;
}

/* Message and traceback of the error on top of the program's coroutine. */
static int report(lua_State *L)
{
	vm *v = vm_of(L);
	v->out.len = 0;
	if (lua_gettop(L) == 0)
		lua_xmove(v->L, L, 1);
	vm_tostring(L, 1);
	vm_traceback(L, v->L, NULL, 0);
	vm_encode(L, &v->out, 2, 3);
	return 0;
}

/* Calls the function that lies on the main thread below nargs arguments. */
static int protected(vm *v, int nargs)
{
	lua_State *running = v->run;
	v->run = v->M;
	if (vm_stopped(v))
		vm_arm(v);
	int status = lua_pcall(v->M, nargs, 0, 0);
	vm_settle(v);
	v->run = running;
	return status;
}

static int report_error(vm *v)
{
	v->ended = true;
	lua_settop(v->M, 0);
	lua_pushcfunction(v->M, report);
	int status = protected(v, 0);
	if (status == LUA_OK || vm_stopped(v))
		return VM_ERROR;
	/* The error's own tostring failed: that error is the message, the place stays. */
	lua_pushcfunction(v->M, report);
	lua_insert(v->M, 1);
	lua_settop(v->M, 2);
	if (protected(v, 1) != LUA_OK)
		v->out.len = 0;
	return VM_ERROR;
}

static int outcome(vm *v, int status)
{
	if (status == LUA_YIELD)
		return v->malformed ? VM_MALFORMED : VM_REQUEST;
	if (status != LUA_OK)
		return report_error(v);
	v->out.len = 0;
	v->ended = true;
	lua_settop(v->M, 0);
	lua_pushcfunction(v->M, encode_results);
	if (protected(v, 0) == LUA_OK)
		return VM_RETURN;
	lua_settop(v->L, 0);
	lua_xmove(v->M, v->L, 1);
	return report_error(v);
}

static void trim(vm *v)
{
	vm_relax(v);
	area_trim(&v->mem, &v->out);
	area_trim(&v->mem, &v->notes);
	v->notes_from = 0;
}

int vm_resume(vm *v, const char *args, size_t nargs, int raise, vm_event *ev)
{
	int results = 0, kind = VM_STOPPED;
	trim(v);
	v->args = args;
	v->nargs = nargs;
	v->raise = raise;
	v->malformed = NULL;
	v->asking = false;
	v->blocked = NULL;
	v->stack = __builtin_frame_address(0);
	if (!vm_stopped(v)) {
		vm_enter(v);
		v->run = v->L;
		if (vm_stopped(v))
			vm_arm(v);
		int status = v->loaded ? lua_resume(v->L, v->M, 0, &results) : start(v, &results);
		vm_settle(v);
		if (!vm_stopped(v))
			kind = outcome(v, status);
		v->run = NULL;
		vm_exit(v);
	}
	v->args = NULL;
	ev->stop = atomic_load(&v->stop);
	if (ev->stop)
		kind = VM_STOPPED;
	ev->values = v->out.base;
	ev->nvalues = kind == VM_STOPPED || kind == VM_MALFORMED ? 0 : v->out.len;
	ev->notes = v->notes.base + v->notes_from;
	ev->nnotes = v->notes.len - v->notes_from;
	ev->digest = v->digest;
	ev->reason = v->malformed;
	return kind;
}

void vm_set_limits(vm *v, size_t memory, uint64_t cpu)
{
	v->mem.cap = memory;
	atomic_store(&v->cpu, cpu);
}

size_t vm_held(vm *v) { return v->mem.held; }

void vm_set_budget(size_t bytes) { budget_set(bytes); }

size_t vm_all_held(void) { return budget_held(); }

void vm_trim(vm *v)
{
	area_trim(&v->mem, &v->out);
	area_trim(&v->mem, &v->scratch);
	area_trim(&v->mem, &v->pad);
	area_trim(&v->mem, &v->notes);
	v->notes_from = 0;
}

void vm_fail_allocation(vm *v, long nth, long times)
{
	v->mem.fail_in = nth;
	v->mem.fail_times = times;
}

long vm_allocations(vm *v) { return v->mem.count; }

const char *vm_release(void) { return LUA_RELEASE; }

/* Once a process: the table of powers of ten and the signal that strikes. Returns an errno. */
int vm_init(int signal, const uint64_t *powers)
{
	number_init(powers);
	charset_set_up();
	return vm_init_limits(signal);
}
