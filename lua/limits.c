/* The way out of a VM that has hit a limit.
 *
 * A limit is a sticky flag. Whoever strikes sets it; a signal to the thread that runs the VM
 * arms an instruction hook, which yields where the script can yield and raises where it cannot.
 * Errors can be caught and coroutines can swallow yields, so every function of ours that could
 * keep a script going looks at the flag and passes it on. Nothing is paid while no limit is hit. */
#include "vmi.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#ifdef __APPLE__
#include <mach/mach.h>
#include <mach/thread_info.h>
#endif

#define RESERVE ((size_t)1 << 20) /* memory granted for the way out */

/* A thread that runs VMs. Runners are never freed, those of ended threads are used again. */
typedef struct runner {
	_Atomic(vm *) vm;       /* the one it is running */
	_Atomic uint64_t serial;
	_Atomic int looking;    /* how many others are using vm just now */
	_Atomic bool taken;
	pthread_t thread;
	struct runner *next;
	/* for the watchdog alone: when it first saw the present step */
	uint64_t seen;
	uint64_t cpu_then;
} runner;

static _Atomic(runner *) runners;
static __thread runner *self;
static pthread_key_t ending;
static int strike_signal;

/* ---- leaving ---- */

int vm_left(lua_State *L, int status, lua_KContext k)
{
	(void)status;
	(void)k;
	vm_leave(L);
	return 0;
}

void vm_leave(lua_State *L)
{
	if (lua_isyieldable(L))
		lua_yieldk(L, 0, 0, vm_left);
	lua_pushnil(L);
	lua_error(L);
}

static void hook(lua_State *L, lua_Debug *ar)
{
	(void)ar;
	if (lua_isyieldable(L)) {
		lua_yield(L, 0); /* in a hook it takes effect when the hook returns */
		return;
	}
	lua_pushnil(L);
	lua_error(L);
}

void vm_arm(vm *v)
{
	lua_State *L = v->run;
	if (L)
		lua_sethook(L, hook, LUA_MASKCOUNT, 1);
}

static bool flag(vm *v, int why)
{
	int none = STOP_NONE;
	return atomic_compare_exchange_strong(&v->stop, &none, why);
}

/* Called when memory is refused for good. */
void vm_refuse(vm *v)
{
	arena *a = &v->mem;
	if (flag(v, STOP_MEMORY))
		a->cap = (a->held > a->cap ? a->held : a->cap) + RESERVE;
	vm_arm(v);
}

/* Called when the process's budget has refused something: the VM is struck at once. Were it helped
 * by a collection and let go on, a replay, which has another budget, would run differently. */
void vm_crowd(vm *v)
{
	arena *a = &v->mem;
	flag(v, STOP_CROWDED);
	a->exempt = true;
	if (a->held + RESERVE < a->cap)
		a->cap = a->held + RESERVE;
	vm_arm(v);
}

/* ---- who runs what ---- */

static void on_signal(int sig)
{
	(void)sig;
	int saved = errno;
	runner *r = self;
	vm *v = r ? atomic_load(&r->vm) : NULL;
	if (v && vm_stopped(v))
		vm_arm(v);
	errno = saved;
}

static void thread_ended(void *r) { atomic_store(&((runner *)r)->taken, false); }

static runner *reuse(void)
{
	for (runner *r = atomic_load(&runners); r; r = r->next) {
		bool taken = false;
		if (atomic_compare_exchange_strong(&r->taken, &taken, true))
			return r;
	}
	return NULL;
}

static runner *runner_new(void)
{
	runner *r = reuse();
	bool known = r != NULL;
	if (!known && !(r = calloc(1, sizeof *r)))
		abort(); /* a few dozen bytes a thread: the process is beyond help */
	r->thread = pthread_self();
	if (!known) {
		atomic_store(&r->taken, true);
		r->next = atomic_load(&runners);
		while (!atomic_compare_exchange_weak(&runners, &r->next, r))
			;
	}
	pthread_setspecific(ending, r);
	self = r;
	return r;
}

void vm_enter(vm *v)
{
	runner *r = self ? self : runner_new();
	atomic_store_explicit(&r->serial, r->serial + 1, memory_order_relaxed);
	atomic_store(&v->on, r);
	atomic_store(&r->vm, v);
}

void vm_exit(vm *v)
{
	runner *r = self;
	(void)v;
	atomic_store(&r->vm, NULL);
	while (atomic_load(&r->looking))
		sched_yield();
}

/* Between look and looked the runner cannot leave the VM that was returned. */
static vm *look(runner *r)
{
	atomic_fetch_add(&r->looking, 1);
	return atomic_load(&r->vm);
}

static void looked(runner *r) { atomic_fetch_sub(&r->looking, 1); }

void vm_strike(vm *v, int why)
{
	flag(v, why);
	runner *r = atomic_load(&v->on);
	if (!r)
		return;
	if (look(r) == v)
		pthread_kill(r->thread, strike_signal);
	looked(r);
}

/* ---- the watchdog's round ---- */

static uint64_t cpu_of(pthread_t t)
{
#ifdef __APPLE__
	thread_basic_info_data_t i;
	mach_msg_type_number_t n = THREAD_BASIC_INFO_COUNT;
	if (thread_info(pthread_mach_thread_np(t), THREAD_BASIC_INFO, (thread_info_t)&i, &n))
		return 0;
	return ((uint64_t)i.user_time.seconds + i.system_time.seconds) * 1000000000u
		+ ((uint64_t)i.user_time.microseconds + i.system_time.microseconds) * 1000u;
#else
	clockid_t c;
	struct timespec ts;
	if (pthread_getcpuclockid(t, &c) || clock_gettime(c, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
#endif
}

static void check_cpu(runner *r, vm *v)
{
	uint64_t limit = atomic_load(&v->cpu);
	if (!limit)
		return;
	uint64_t serial = atomic_load(&r->serial), now = cpu_of(r->thread);
	if (r->seen != serial) {
		r->seen = serial;
		r->cpu_then = now;
	} else if (now - r->cpu_then >= limit) {
		flag(v, STOP_CPU);
	}
}

static int install(void)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_RESTART};
	sigemptyset(&sa.sa_mask);
	return sigaction(strike_signal, &sa, NULL) ? errno : 0;
}

/* Signals a thread again. Whoever asks Go for all signals takes our handler away with the rest:
 * it is put back. */
static void repeat(runner *r)
{
	struct sigaction now;
	if (sigaction(strike_signal, NULL, &now) == 0 && now.sa_handler != on_signal)
		install();
	pthread_kill(r->thread, strike_signal);
}

/* Looks once at every running VM, strikes those over their CPU time, and signals all that are
 * struck. Returns how many are running. Only one thread may call it at a time. */
int vm_watch(void)
{
	int running = 0;
	for (runner *r = atomic_load(&runners); r; r = r->next) {
		if (!atomic_load(&r->vm))
			continue;
		vm *v = look(r);
		if (v) {
			running++;
			check_cpu(r, v);
			if (vm_stopped(v))
				repeat(r);
		}
		looked(r);
	}
	return running;
}

/* Real-time signals are nobody's; macOS has none, and SIGEMT is as free there. */
int vm_signal(void)
{
#ifdef SIGRTMIN
	return SIGRTMIN + 5;
#else
	return SIGEMT;
#endif
}

int vm_init_limits(int signal)
{
	strike_signal = signal;
	int err = pthread_key_create(&ending, thread_ended);
	return err ? err : install();
}
