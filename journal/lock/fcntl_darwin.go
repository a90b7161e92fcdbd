package lock

// Commands for open file description locks, as XNU's fcntl.h has them.
const (
	ofdSet     = 90
	ofdSetWait = 91
	ofdGet     = 92
)
