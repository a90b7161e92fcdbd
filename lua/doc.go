// Package lua is the reference PUC-Lua 5.4 behind a small Go API: states that are
// deterministic to the byte, bounded in memory and CPU, and impossible to hurt from a script.
//
// It knows nothing of alc. A [State] is one Lua VM in an arena of its own, running one chunk
// (its [Program]) as a coroutine that Go resumes:
//
//	Resume(values) → a request with values | returned values | an error
//
// The program's chunk is called with one argument, the table of primitives (below), and what it
// returns ends the state. Everything that a script can reach is what the program gives it.
//
// Read [State.Resume] first, then [Options] and [Event].
package lua
