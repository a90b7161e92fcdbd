// Package stock runs chunks in a plain, unprotected Lua VM with the standard libraries, for
// tests that compare the library functions of package lua with the originals. Nothing but tests
// may import it.
package stock

/*
#cgo linux CFLAGS: -I/usr/include/lua5.4
#cgo linux LDFLAGS: -l:liblua5.4.a -lm -ldl
#cgo darwin,arm64 CFLAGS: -I/opt/homebrew/opt/lua@5.4/include/lua
#cgo darwin,arm64 LDFLAGS: /opt/homebrew/opt/lua@5.4/lib/liblua.a -lm
#cgo darwin,amd64 CFLAGS: -I/usr/local/opt/lua@5.4/include/lua
#cgo darwin,amd64 LDFLAGS: /usr/local/opt/lua@5.4/lib/liblua.a -lm
#include <lauxlib.h>
#include <lualib.h>

static lua_State *open(void)
{
	lua_State *L = luaL_newstate();
	if (L)
		luaL_openlibs(L);
	return L;
}

static int run(lua_State *L, const char *s, size_t n, const char *arg, size_t narg)
{
	lua_settop(L, 0);
	if (luaL_loadbufferx(L, s, n, "@test.lua", "t"))
		return 1;
	lua_pushlstring(L, arg, narg);
	return lua_pcall(L, 1, 1, 0);
}

static const char *text(lua_State *L, size_t *n) { return luaL_tolstring(L, -1, n); }
*/
import "C"

import (
	"errors"
	"unsafe"
)

// VM is a plain Lua VM, for one goroutine.
type VM struct{ state *C.lua_State }

// Open makes a VM.
func Open() (*VM, error) {
	if s := C.open(); s != nil {
		return &VM{s}, nil
	}
	return nil, errors.New("no memory for a Lua VM")
}

// Run runs a chunk with one argument and returns the text of its first result.
func (v *VM) Run(source, arg string) (string, error) {
	status := C.run(v.state, (*C.char)(unsafe.Pointer(unsafe.StringData(source))), C.size_t(len(source)),
		(*C.char)(unsafe.Pointer(unsafe.StringData(arg))), C.size_t(len(arg)))
	var n C.size_t
	p := C.text(v.state, &n)
	out := C.GoStringN(p, C.int(n))
	C.lua_settop(v.state, 0)
	if status != 0 {
		return "", errors.New(out)
	}
	return out, nil
}

// Close frees the VM.
func (v *VM) Close() { C.lua_close(v.state) }
