/* The coroutine library. Differs from the stock one in that requests pass through: a yield that
 * is a request suspends the resumer too, up to the program, and the answer goes the same way
 * back down. Limits travel like requests. */
#include "vmi.h"

/* Resumes co with n values that are already on its stack and returns what lua_resume does. The
 * chain that the new part stands on is noted for requests in it. */
static int run(lua_State *L, lua_State *co, int n, int *results)
{
	vm *v = vm_of(L);
	lua_State *running = v->run, *blocked = v->blocked;
	if (!blocked && !lua_isyieldable(L))
		v->blocked = L;
	v->run = co;
	if (vm_stopped(v))
		vm_arm(v);
	int status = lua_resume(co, L, n, results);
	v->run = running;
	v->blocked = blocked;
	if (vm_stopped(v))
		vm_arm(v);
	return status;
}

/* What a resume gives: values on L, their number; or -1 and the error object. */
static int resumed(lua_State *L, lua_State *co, int status, int results, lua_KFunction k, lua_KContext ctx)
{
	vm *v = vm_of(L);
	vm_caught(L);
	if (status == LUA_YIELD && v->asking)
		return lua_yieldk(L, 0, ctx, k);
	if (status != LUA_OK && status != LUA_YIELD) {
		lua_xmove(co, L, 1);
		return -1;
	}
	if (!vm_stack(L, L, results + 1)) {
		lua_pop(co, results);
		lua_pushliteral(L, "too many results to resume");
		return -1;
	}
	lua_xmove(co, L, results);
	return results;
}

static int resume_with(lua_State *L, lua_State *co, int n, lua_KFunction k, lua_KContext ctx)
{
	int results;
	if (!vm_stack(L, co, n)) {
		lua_pushliteral(L, "too many arguments to resume");
		return -1;
	}
	lua_xmove(L, co, n);
	int status = run(L, co, n, &results);
	return resumed(L, co, status, results, k, ctx);
}

/* After a request: the answer waits in the VM, so co goes on without values. */
static int resume_on(lua_State *L, lua_State *co, lua_KFunction k, lua_KContext ctx)
{
	int results;
	vm_of(L)->asking = false;
	vm_poll(L);
	int status = run(L, co, 0, &results);
	return resumed(L, co, status, results, k, ctx);
}

static lua_State *checked(lua_State *L)
{
	lua_State *co = lua_tothread(L, 1);
	luaL_argexpected(L, co, 1, "thread");
	return co;
}

static int push_outcome(lua_State *L, int n)
{
	lua_pushboolean(L, n >= 0);
	lua_insert(L, n < 0 ? -2 : -(n + 1));
	return n < 0 ? 2 : n + 1;
}

static int resume_again(lua_State *L, int status, lua_KContext ctx)
{
	(void)status;
	return push_outcome(L, resume_on(L, lua_tothread(L, 1), resume_again, ctx));
}

static int co_resume(lua_State *L)
{
	lua_State *co = checked(L);
	return push_outcome(L, resume_with(L, co, lua_gettop(L) - 1, resume_again, 0));
}

/* ---- wrap ---- */

static int close_thread(lua_State *co, lua_State *from)
{
#if LUA_VERSION_RELEASE_NUM >= 50406
	return lua_closethread(co, from);
#else
	(void)from;
	return lua_resetthread(co);
#endif
}

#define CLOSES 100                         /* within each other */
#define STACK_MOST ((ptrdiff_t)512 << 10)  /* of C, in bytes; as much again may come on top */

/* Releases before 5.4.6 do not count the C calls that a close stands on, so a chain of them could
 * take all of the C stack. */
static void check_nesting(lua_State *L)
{
	vm *v = vm_of(L);
	if (v->closing >= CLOSES || v->stack - (char *)__builtin_frame_address(0) > STACK_MOST)
		luaL_error(L, "C stack overflow");
}

/* Runs the pending closes of a coroutine. They cannot pause. */
static int close_from(lua_State *L, lua_State *co)
{
	vm *v = vm_of(L);
	lua_State *running = v->run, *blocked = v->blocked;
	check_nesting(L);
	if (!blocked)
		v->blocked = L;
	v->run = co;
	v->closing++;
	int status = close_thread(co, L);
	v->closing--;
	v->run = running;
	v->blocked = blocked;
	if (vm_stopped(v))
		vm_arm(v);
	vm_caught(L);
	return status;
}

/* The results, or the error, raised where wrap's function was called. */
static int wrap_outcome(lua_State *L, lua_State *co, int n)
{
	if (n >= 0)
		return n;
	int status = lua_status(co);
	if (status != LUA_OK && status != LUA_YIELD) { /* it failed: its variables are still open */
		lua_xmove(L, co, 1); /* the closes want the error where it was */
		close_from(L, co);
		lua_xmove(co, L, 1);
	}
	if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
		luaL_where(L, 1);
		lua_insert(L, -2);
		lua_concat(L, 2);
	}
	return lua_error(L);
}

static int wrap_again(lua_State *L, int status, lua_KContext ctx)
{
	(void)status;
	lua_State *co = lua_tothread(L, lua_upvalueindex(1));
	return wrap_outcome(L, co, resume_on(L, co, wrap_again, ctx));
}

static int wrap_step(lua_State *L)
{
	lua_State *co = lua_tothread(L, lua_upvalueindex(1));
	return wrap_outcome(L, co, resume_with(L, co, lua_gettop(L), wrap_again, 0));
}

static int co_create(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TFUNCTION);
	lua_State *co = lua_newthread(L);
	lua_pushvalue(L, 1);
	lua_xmove(L, co, 1);
	return 1;
}

static int co_wrap(lua_State *L)
{
	co_create(L);
	lua_pushcclosure(L, wrap_step, 1);
	return 1;
}

/* ---- yield and status ---- */

/* The program itself has nobody to yield to: it goes on at once, with nothing. */
static int co_yield(lua_State *L)
{
	if (L == vm_of(L)->L && lua_isyieldable(L))
		return 0;
	return lua_yield(L, lua_gettop(L));
}

static const char *status_of(lua_State *L, lua_State *co)
{
	lua_Debug ar;
	if (L == co)
		return "running";
	switch (lua_status(co)) {
	case LUA_YIELD:
		return "suspended";
	case LUA_OK:
		if (lua_getstack(co, 0, &ar))
			return "normal";
		return lua_gettop(co) == 0 ? "dead" : "suspended";
	}
	return "dead";
}

static int co_status(lua_State *L)
{
	lua_pushstring(L, status_of(L, checked(L)));
	return 1;
}

static int co_isyieldable(lua_State *L)
{
	lua_State *co = lua_isnone(L, 1) ? L : checked(L);
	lua_pushboolean(L, lua_isyieldable(co));
	return 1;
}

static int co_running(lua_State *L)
{
	lua_pushthread(L);
	lua_pushboolean(L, 0);
	return 2;
}

static int co_close(lua_State *L)
{
	lua_State *co = checked(L);
	const char *status = status_of(L, co);
	if (*status != 'd' && *status != 's')
		return luaL_error(L, "cannot close a %s coroutine", status);
	if (close_from(L, co) == LUA_OK) {
		lua_pushboolean(L, 1);
		return 1;
	}
	lua_pushboolean(L, 0);
	lua_xmove(co, L, 1);
	return 2;
}

int open_coroutine(lua_State *L)
{
	static const luaL_Reg own[] = {
		{"close", co_close},
		{"create", co_create},
		{"isyieldable", co_isyieldable},
		{"resume", co_resume},
		{"running", co_running},
		{"status", co_status},
		{"wrap", co_wrap},
		{"yield", co_yield},
		{NULL, NULL},
	};
	lua_createtable(L, 0, 8);
	vm_set_functions(L, own);
	return 1;
}
