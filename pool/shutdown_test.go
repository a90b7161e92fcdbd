package pool

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// TestShutdown checks that what is in flight is answered, that nothing new is taken, and that
// Serve returns.
func TestShutdown(t *testing.T) {
	h, err := newStub("", Place{})
	if err != nil {
		t.Fatal(err)
	}
	sock, served := serveHandler(t, h, ServeOptions{})
	ctx, c := testContext(t), dial(t, sock)
	inFlight := make(chan error, 1)
	go func() {
		_, err := c.Run(ctx, RunRequest{SID: "g", Code: ptr("gated")})
		inFlight <- err
	}()
	<-h.begun
	idle := greeted(t, sock)
	if err := c.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Run(ctx, RunRequest{Code: ptr("1")}); !errors.Is(err, &RemoteError{Code: CodeShuttingDown}) && !broken(err) {
		t.Errorf("a run after shutdown got %v", err)
	}
	if _, err := Dial(ctx, sock, Options{Version: testVersion}); err == nil {
		t.Error("a connection was taken after shutdown")
	}
	idle.wantClosed()
	close(h.gate)
	if err := <-inFlight; err != nil {
		t.Errorf("the run in flight got %v", err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if h.down != 1 {
		t.Errorf("the handler was shut down %d times", h.down)
	}
}

func TestContextEndsServe(t *testing.T) {
	h, err := newStub("", Place{})
	if err != nil {
		t.Fatal(err)
	}
	ln, sock := listen(t)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, ln, h, ServeOptions{Version: testVersion}) }()
	c := dial(t, sock)
	inFlight := make(chan error, 1)
	go func() {
		_, err := c.Run(testContext(t), RunRequest{Code: ptr("gated")})
		inFlight <- err
	}()
	<-h.begun
	cancel()
	close(h.gate)
	if err := <-inFlight; err != nil {
		t.Errorf("the run in flight got %v", err)
	}
	if err := <-served; err != nil || h.down != 1 {
		t.Errorf("Serve gave %v, shut down %d times", err, h.down)
	}
	<-c.Done()
}

func TestGraceEndsAStuckRequest(t *testing.T) {
	h, err := newStub("", Place{})
	if err != nil {
		t.Fatal(err)
	}
	sock, served := serveHandler(t, h, ServeOptions{Grace: 20 * time.Millisecond})
	c := dial(t, sock)
	stuck := make(chan error, 1)
	go func() {
		_, err := c.Run(testContext(t), RunRequest{Code: ptr("gated")})
		stuck <- err
	}()
	<-h.begun
	if err := c.Shutdown(testContext(t)); err != nil {
		t.Error(err)
	}
	if err := <-stuck; !errors.Is(err, &RemoteError{Code: CodeInternal}) {
		t.Errorf("the stuck request got %v", err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

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

// ping asks for the status.
func ping(t *testing.T, c *Client) error {
	_, err := c.Status(testContext(t), StatusRequest{})
	return err
}

// TestCallersThatLeave closes connections at every point and checks that another caller is
// served and that what was complete was carried out.
func TestCallersThatLeave(t *testing.T) {
	h, sock := startServer(t, ServeOptions{})
	hello := `{"op":"handshake","version":"` + testVersion + `"}` + "\n"
	text := hello + `{"op":"run","code":"1","sid":"left"}` + "\n" + `{"op":"status","id":1}` + "\n"
	var wg sync.WaitGroup
	for n := range len(text) + 1 {
		wg.Go(func() {
			conn, err := net.Dial("unix", sock)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := conn.Write([]byte(text[:n])); err != nil {
				t.Error(err)
			}
			conn.Close()
		})
	}
	wg.Wait()
	c := dial(t, sock)
	if _, err := c.Status(testContext(t), StatusRequest{}); err != nil {
		t.Error(err)
	}
	raw := greeted(t, sock)
	raw.send(`{"op":"run","code":"gated","sid":"midstep","id":1}` + "\n")
	<-h.begun
	raw.Close()
	close(h.gate)
	f, err := c.Run(testContext(t), RunRequest{SID: "midstep", Code: ptr("gated")})
	if err != nil || f.Type != FeedPaused {
		t.Errorf("got %+v, %v", f, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.memory["left"]; !ok {
		t.Error("a complete request of a caller that left was not carried out")
	}
}
