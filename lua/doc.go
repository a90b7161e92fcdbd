// Package lua is the reference PUC-Lua 5.4 behind a small Go API: states that are
// deterministic to the byte, bounded in memory and CPU, and impossible to hurt from a script.
//
// It knows nothing of alc. A [State] is one Lua VM in an arena of its own, running one chunk
// (its [Program]) as a coroutine that Go resumes:
//
//	Resume(values) → a request with values | returned values | an error
//
// Read [State.Resume] first, then [Options] and [Event].
//
// # What a script finds
//
// The globals are the language's: the base library, coroutine, table, string, utf8 and math,
// with the names that math had in 5.3 (pow, log10, cosh, sinh, tanh, frexp, ldexp, atan2).
// There is no io, os, debug, package, require, print, warn, dofile, loadfile and string.dump;
// load takes text only, and finalisers (__gc) never run. A program that wants its scripts to
// have more builds it from the primitives, a table that its chunk gets as first argument:
//
//	request(...)        shows the values to Go and returns what Resume gives, or raises what
//	                    Raise gives. It passes through pcall, coroutines, metamethods, sort
//	                    comparators and gsub callbacks. Where it cannot pause it raises, before
//	                    anything is shown, and says what stands in the way.
//	blocked(f)          lets f word that error: it gets a description of what stands in the way and
//	                    the request's values, and returns the message, which is raised as it is
//	yieldable()         whether request would work here
//	note(...)           adds the values, as one table, to the next event's Notes; never pauses
//	json_encode(v)      JSON text of a value: keys sorted, floats shortest and never as integers
//	json_decode(s)      the value of a JSON text; null is nil, arrays are marked
//	array(t)            marks a table as a JSON array and returns it
//	is_utf8(s)          whether a string is well-formed UTF-8
//	load(s, name, env)  compiles text: the function, or nil and a message that begins with name
//	seed(n)             seeds the generator behind math.random
//	traceback(msg, lvl) the calls that led here, as debug.traceback has them
//	tostring(v)         the original tostring
//	memory()            bytes that the VM holds
//	loaded              the table in which error messages look for the names of functions:
//	                    module name → table of functions
//
// # Why equal inputs give equal runs
//
// Lua iterates over a table in an order that depends on the hash seed and on addresses. Here
// the seed is fixed (seed.c), every VM lives at an address whose low bits are the same (slot.c,
// arena.c), every library function is an object of the VM (base.c), sorting uses no random
// pivot (sort.c), random numbers are the VM's own (math.c), and no text shows an address
// (format.c, base.c). [SelfTest] checks the build; runs may differ between releases of Lua
// ([Release]).
//
// # Why nothing hurts the process
//
// All that allocates runs under lua_pcall or lua_resume, on a bounded arena. A limit is a sticky
// flag that cannot be caught (limits.c): a signal to the thread arms a hook that yields the
// script away for good, and every function of ours that loops or catches looks at the flag. The
// signal is SIGRTMIN+5 on Linux, SIGEMT on macOS; the process must leave it to this package.
package lua
