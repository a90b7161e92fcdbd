package lua

/*
#cgo CFLAGS: -O2 -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter
#cgo linux CFLAGS: -I/usr/include/lua5.4
#cgo linux LDFLAGS: -l:liblua5.4.a -lm -ldl -lpthread -Wl,--wrap=luaS_hash
#cgo darwin,arm64 CFLAGS: -I/opt/homebrew/opt/lua@5.4/include/lua
#cgo darwin,arm64 LDFLAGS: /opt/homebrew/opt/lua@5.4/lib/liblua.a -lm
#cgo darwin,amd64 CFLAGS: -I/usr/local/opt/lua@5.4/include/lua
#cgo darwin,amd64 LDFLAGS: /usr/local/opt/lua@5.4/lib/liblua.a -lm
*/
import "C"
