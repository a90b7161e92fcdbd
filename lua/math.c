/* The math library: the stock one, with a generator of the VM's own (xoshiro256**, by Blackman
 * and Vigna), seeded from outside, and the names of 5.3 that scripts still use. */
#include "vmi.h"

#include <math.h>
#include <string.h>

static uint64_t rotate(uint64_t x, int n) { return x << n | x >> (64 - n); }

static uint64_t next_random(vm *v)
{
	uint64_t *s = v->random, r = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return r;
}

void vm_seed(vm *v, uint64_t a, uint64_t b)
{
	v->random[0] = a;
	v->random[1] = 0xff;
	v->random[2] = b;
	v->random[3] = 0;
	for (int i = 0; i < 16; i++)
		next_random(v);
}

/* A number of 0 to max, all equally likely: draws within the next power of two are thrown away
 * until one fits. */
static uint64_t below(vm *v, uint64_t r, uint64_t max)
{
	uint64_t mask = max ? ~0ull >> __builtin_clzll(max) : 0;
	while ((r &= mask) > max)
		r = next_random(v);
	return r;
}

static int math_random(lua_State *L)
{
	vm *v = vm_of(L);
	lua_Integer low = 1, up;
	uint64_t r = next_random(v);
	switch (lua_gettop(L)) {
	case 0:
		lua_pushnumber(L, (lua_Number)(r >> 11) * 0x1p-53);
		return 1;
	case 1:
		up = luaL_checkinteger(L, 1);
		if (up == 0) {
			lua_pushinteger(L, (lua_Integer)r);
			return 1;
		}
		break;
	case 2:
		low = luaL_checkinteger(L, 1);
		up = luaL_checkinteger(L, 2);
		break;
	default:
		return luaL_error(L, "wrong number of arguments");
	}
	luaL_argcheck(L, low <= up, 1, "interval is empty");
	lua_pushinteger(L, (lua_Integer)(below(v, r, (uint64_t)up - (uint64_t)low) + (uint64_t)low));
	return 1;
}

/* Without an argument the next seed comes from the generator itself: no clock, no address. */
static int math_randomseed(lua_State *L)
{
	vm *v = vm_of(L);
	uint64_t a, b;
	if (lua_isnone(L, 1)) {
		a = next_random(v);
		b = next_random(v);
	} else {
		int whole;
		a = (uint64_t)lua_tointegerx(L, 1, &whole);
		if (!whole) {
			lua_Number d = luaL_checknumber(L, 1);
			memcpy(&a, &d, sizeof a);
		}
		b = (uint64_t)luaL_optinteger(L, 2, 0);
	}
	vm_seed(v, a, b);
	lua_pushinteger(L, (lua_Integer)a);
	lua_pushinteger(L, (lua_Integer)b);
	return 2;
}

static int math_cosh(lua_State *L)
{
	lua_pushnumber(L, cosh(luaL_checknumber(L, 1)));
	return 1;
}

static int math_sinh(lua_State *L)
{
	lua_pushnumber(L, sinh(luaL_checknumber(L, 1)));
	return 1;
}

static int math_tanh(lua_State *L)
{
	lua_pushnumber(L, tanh(luaL_checknumber(L, 1)));
	return 1;
}

static int math_pow(lua_State *L)
{
	lua_pushnumber(L, pow(luaL_checknumber(L, 1), luaL_checknumber(L, 2)));
	return 1;
}

static int math_log10(lua_State *L)
{
	lua_pushnumber(L, log10(luaL_checknumber(L, 1)));
	return 1;
}

static int math_frexp(lua_State *L)
{
	int e;
	lua_pushnumber(L, frexp(luaL_checknumber(L, 1), &e));
	lua_pushinteger(L, e);
	return 2;
}

static int math_ldexp(lua_State *L)
{
	lua_Integer e = luaL_checkinteger(L, 2);
	int n = e > 4096 ? 4096 : e < -4096 ? -4096 : (int)e;
	lua_pushnumber(L, ldexp(luaL_checknumber(L, 1), n));
	return 1;
}

static int math_atan2(lua_State *L)
{
	lua_pushnumber(L, atan2(luaL_checknumber(L, 1), luaL_optnumber(L, 2, 1)));
	return 1;
}

void open_math(lua_State *L)
{
	static const luaL_Reg own[] = {
		{"atan2", math_atan2},
		{"cosh", math_cosh},
		{"frexp", math_frexp},
		{"ldexp", math_ldexp},
		{"log10", math_log10},
		{"pow", math_pow},
		{"random", math_random},
		{"randomseed", math_randomseed},
		{"sinh", math_sinh},
		{"tanh", math_tanh},
		{NULL, NULL},
	};
	luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
	vm_close_functions(L);
	vm_set_functions(L, own);
	lua_pop(L, 1);
}
