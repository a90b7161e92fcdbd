package pool

import (
	"testing"
	"time"
)

// A server for one session that is not given it does not stay, whatever idle time others have, also
// when whoever started it keeps the connection.
func TestLoneServerIsNotGivenItsSession(t *testing.T) {
	for name, idle := range map[string]time.Duration{"no idle time": 0, "a long one": time.Hour} {
		t.Run(name, func(t *testing.T) {
			h, err := newStub("", Place{})
			if err != nil {
				t.Fatal(err)
			}
			o := ServeOptions{Idle: idle, LoneWait: 50 * time.Millisecond, Lone: func() (given, held bool) { return false, false }}
			sock, served := serveHandler(t, h, o)
			conn := dialRaw(t, sock)
			if err := <-served; err != nil {
				t.Error(err)
			}
			if _, err := conn.r.ReadByte(); err == nil {
				t.Error("the connection is still open")
			}
		})
	}
}
