// Package service holds the use cases, each once: run, continue, cancel, status, and the care of
// the pool. Every face (MCP server, command line, HTTP server) calls it and nothing beneath it.
//
// A [Service] belongs to one home directory. It finds worker processes, starts them when needed
// and turns what they say into the shapes that hosts know. Start with [New] and [Service.Run].
package service
