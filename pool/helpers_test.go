package pool

import (
	"bufio"
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// testPatience is how long a test waits for what must come; a test that waits so long has failed.
const testPatience = time.Minute

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testPatience)
	t.Cleanup(cancel)
	return ctx
}

// shortDir is a directory whose sockets have short paths, wherever the tests' own lies.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "alcp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func listen(t testing.TB) (net.Listener, string) {
	t.Helper()
	sock := filepath.Join(shortDir(t), "worker.sock")
	ln, err := Listen(testContext(t), sock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln, sock
}

// startServer serves a stub until the test ends.
func startServer(t testing.TB, o ServeOptions) (*stub, string) {
	t.Helper()
	h, err := newStub("", Place{})
	if err != nil {
		t.Fatal(err)
	}
	sock, _ := serveHandler(t, h, o)
	return h, sock
}

// serveHandler serves h until the test ends; the channel gets what Serve returns.
func serveHandler(t testing.TB, h Handler, o ServeOptions) (string, <-chan error) {
	t.Helper()
	if o.Version == "" {
		o.Version = testVersion
	}
	ln, sock := listen(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended, served := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(ended)
		served <- Serve(ctx, ln, h, o)
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(testPatience):
			t.Error("Serve did not end")
		}
	})
	return sock, served
}

func dial(t testing.TB, sock string) *Client {
	t.Helper()
	c, err := Dial(testContext(t), sock, Options{Version: testVersion})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// rawConn is a caller without a client: it writes bytes and reads lines.
type rawConn struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func dialRaw(t testing.TB, sock string) *rawConn {
	t.Helper()
	conn, err := net.Dial("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(testPatience))
	return &rawConn{t, conn, bufio.NewReader(conn)}
}

// greeted is a raw connection after its handshake.
func greeted(t testing.TB, sock string) *rawConn {
	t.Helper()
	c := dialRaw(t, sock)
	c.send(`{"op":"handshake","version":"` + testVersion + `"}` + "\n")
	if line := c.line(); line == "" {
		t.Fatal("no handshake")
	}
	return c
}

func (c *rawConn) send(s string) {
	c.t.Helper()
	if _, err := c.Write([]byte(s)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *rawConn) line() string {
	c.t.Helper()
	s, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatalf("reading a line: %v (after %q)", err, s)
	}
	return s[:len(s)-1]
}

// closed is an error unless the peer has closed the connection.
func (c *rawConn) wantClosed() {
	c.t.Helper()
	if b, err := c.r.ReadByte(); err == nil {
		c.t.Fatalf("the connection lives, it sent %q", b)
	} else if os.IsTimeout(err) {
		c.t.Fatal("the connection lives")
	}
}

// fakeWorker accepts one connection, shakes hands unless hello is "", and lets script talk.
func fakeWorker(t testing.TB, hello string, script func(*rawConn)) string {
	t.Helper()
	ln, sock := listen(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(testPatience))
		c := &rawConn{t, conn, bufio.NewReader(conn)}
		if hello != "" {
			if _, err := c.r.ReadString('\n'); err != nil {
				return
			}
			conn.Write([]byte(hello + "\n"))
		}
		script(c)
	}()
	t.Cleanup(func() {
		ln.Close()
		<-done
	})
	return sock
}

const plainHello = `{"ok":true,"data":{"kind":"handshake","version":"` + testVersion + `"},"error":null}`
const idsHello = `{"ok":true,"data":{"kind":"handshake","version":"` + testVersion + `","ids":true},"error":null}`
