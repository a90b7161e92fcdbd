#!/usr/bin/env alc
-- What a session refuses, and what it wants to be granted.
os.exit(1)
local p = io.popen("ls")
io.write("hello")
print(os.getenv("HOME"), os.time())
for line in io.lines("/data/x") do print(line) end
local f = io.open("/data/x")
local g = io.open("/data/x", "w")
debug.getinfo(1)
local d = debug
string.dump(print)
package.loadlib("x", "y")
load("\27Lua")
load("return 1", "x", "b")
load("return 1")
print(p, f, g, d)
