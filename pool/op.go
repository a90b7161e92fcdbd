package pool

// Op names what a request asks for.
type Op string

// The ops. Fork and handover are part of the protocol; this version answers them with
// unknown_op.
const (
	OpHandshake Op = "handshake" // must be the first on a connection
	OpRun       Op = "run"
	OpContinue  Op = "continue"
	OpStatus    Op = "status"
	OpCancel    Op = "cancel"
	OpShutdown  Op = "shutdown"
	OpFork      Op = "fork"
	OpHandover  Op = "handover" // has no version: served before a handshake too
)
