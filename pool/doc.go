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
// A worker process is a [Process] around such a handler: it lies in the home's pool directory
// ([Dir]) with a lock that it holds as long as it lives, a socket, and a mark file. Everything that
// is decided about a worker is decided by that lock: nobody believes a pid, a clock or a file that
// is merely there.
//
// Most workers serve everybody. A [Lone] one serves a single session and ends with it: one that asked
// for a process of its own, or one with a grant that only its own process may have. A worker refuses
// what it may not serve, and the Dispatcher starts what is needed.
//
// What a caller sends can always be sent again. The caller names the session before it starts it
// ([NewSID]), and an answer names its query; so a Dispatcher may retry until a worker has answered,
// and a lost reply costs nothing but time.
//
// Requests and replies are the types of protocol.go; codes of refused requests are in codes.go.
package pool
