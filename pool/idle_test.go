package pool

import (
	"testing"
	"time"
)

func TestIdle(t *testing.T) {
	h, err := newStub("", Place{})
	if err != nil {
		t.Fatal(err)
	}
	busy := make(chan struct{})
	asked := make(chan struct{}, 1000)
	o := ServeOptions{Idle: 20 * time.Millisecond, Busy: func() (int, time.Time) {
		asked <- struct{}{}
		select {
		case <-busy:
			return h.Busy()
		default:
			return 1, time.Time{}
		}
	}}
	sock, served := serveHandler(t, h, o)
	c := dial(t, sock)
	for range 3 { // three idle times pass while a session is stepped
		<-asked
	}
	if err := ping(t, c); err != nil {
		t.Errorf("the server left while it was busy: %v", err)
	}
	close(busy)
	if err := <-served; err != nil {
		t.Error(err)
	}
	<-c.Done() // an idle connection keeps nobody
}

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
