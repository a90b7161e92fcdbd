// Package pool is how fronts and workers talk: JSON lines over Unix-domain sockets after a
// version handshake.
//
// A worker process holds sessions and outlives the front that started it. A front (the MCP
// server, the command line, the HTTP server) dials a worker with [Dial], which shakes hands, and
// sends requests with [Client.Do]. A [Dispatcher] finds the worker of a session, starts one when
// none is up, and follows a session whose worker has died to the next.
//
// The worker's side is [Serve], which frames, checks and answers, and asks a [Handler] for what
// each request means; package pool/worker is that handler, with the engine and the journal
// behind it.
//
// Requests and replies are the types of protocol.go; codes of refused requests are in codes.go.
package pool
