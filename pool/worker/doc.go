// Package worker is the process that holds sessions: it answers the pool's protocol with the
// engine and the journal behind it.
//
// [Main] is the process: it opens the journal, takes its lock, listens and serves until it is
// told to stop or has been idle for long. [Sessions] is what it serves: every session that this
// worker owns, each stepped by one caller at a time, and every other one that can be taken over
// because its owner is dead.
package worker
