package pool

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestLongestReply gets a reply of exactly 64 MiB, newline included.
func TestLongestReply(t *testing.T) {
	t.Parallel()
	_, sock := startServer(t, ServeOptions{})
	c := dial(t, sock)
	// Slow under the race detector, so that the usual limit does not do.
	ctx, cancel := context.WithTimeout(context.Background(), 2*testPatience)
	defer cancel()
	e := getEncoder()
	defer e.release()
	frame := Feed{SessionID: "big-000000000", Type: FeedFinished, Status: StatusCompleted,
		Output: []byte(`""`), Metrics: []byte(`{"auto":{},"custom":{}}`)}
	if err := e.feedReply([]byte("1"), frame, false); err != nil {
		t.Fatal(err)
	}
	room := MaxLine - e.buf.Len()
	f, err := c.Run(ctx, RunRequest{SID: "big-000000000", Code: ptr(fmt.Sprintf("big %d", room))})
	if err != nil || len(f.Output) != room+2 {
		t.Errorf("got %d bytes, %v", len(f.Output), err)
	}
	if err := ping(t, c); err != nil {
		t.Error(err)
	}
}

// TestReplyTooLong checks what is sent instead of a reply that no line takes.
func TestReplyTooLong(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	c := newServerConn(&server{o: ServeOptions{}.withDefaults()}, ours)
	defer c.close()
	e := getEncoder()
	defer e.release()
	e.buf.Write(make([]byte, MaxLine+1))
	c.send([]byte("7"), e)
	theirs.SetDeadline(time.Now().Add(testPatience))
	got, err := bufio.NewReader(theirs).ReadString('\n')
	want := `{"ok":false,"error":"the reply has 67108865 bytes, a line takes 67108864; ask for less","code":"limit_exceeded","id":7}` + "\n"
	if err != nil || got != want {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestLineTooLong(t *testing.T) {
	t.Parallel()
	_, sock := startServer(t, ServeOptions{})
	c := greeted(t, sock)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		c.Write(bytes.Repeat([]byte("z"), MaxLine+1)) // fails when the worker closes
	}()
	if got := c.line(); !strings.HasPrefix(got, `{"ok":false,"error":"a line takes at most 67108864 bytes`) || !strings.HasSuffix(got, `"code":"line_too_long"}`) {
		t.Errorf("got %s", got)
	}
	c.wantClosed()
	<-sent
	for n, want := range map[int]error{MaxLine: nil, MaxLine + 1: errLineTooLong} {
		text := bytes.Repeat([]byte("z"), n)
		text[n-1] = '\n'
		r := newLineReader(&chunks{pieces: [][]byte{text}, end: io.EOF}, 0)
		if line, err := r.next(); !errors.Is(err, want) || err == nil && len(line) != n-1 {
			t.Errorf("a line of %d bytes: %d bytes, %v", n, len(line), err)
		}
	}
}

// TestHalfALine checks that a caller who stops in the middle of a line is disconnected, and that
// one who is silent between lines is not.
func TestHalfALine(t *testing.T) {
	t.Parallel()
	_, sock := startServer(t, ServeOptions{HalfLineTimeout: 30 * time.Millisecond})
	idle, half := greeted(t, sock), greeted(t, sock)
	half.send(`{"op":"sta`)
	half.wantClosed()
	idle.send(`{"op":"status"}` + "\n")
	if got := idle.line(); !strings.Contains(got, `"kind":"status"`) {
		t.Errorf("got %s", got)
	}
}

// TestSilenceIsCountedAnew checks that each piece of a line sets the limit anew, and that there
// is none between lines.
func TestSilenceIsCountedAnew(t *testing.T) {
	src := &deadlines{chunks: chunks{end: io.EOF}}
	for _, piece := range []string{"a", "b", "c\nd", "\n", "e\n", "f"} {
		src.pieces = append(src.pieces, []byte(piece))
	}
	r := newLineReader(src, time.Hour)
	for {
		if _, err := r.next(); err != nil {
			break
		}
	}
	// One letter a read: a deadline was s(et), m(oved), c(leared) or left a(lone) before it.
	if got := src.seen; got != "asmmcas" {
		t.Errorf("the deadline before each read: %s", got)
	}
}

// deadlines notes what was done to the deadline before each read.
type deadlines struct {
	chunks
	at   time.Time
	what byte
	seen string
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	switch {
	case at.IsZero():
		d.what = 'c'
	case d.at.IsZero():
		d.what = 's'
	default:
		d.what = 'm'
	}
	d.at = at
	return nil
}

func (d *deadlines) Read(p []byte) (int, error) {
	if d.what == 0 {
		d.what = 'a'
	}
	d.seen += string(d.what)
	d.what = 0
	return d.chunks.Read(p)
}

// TestCallerThatDoesNotRead checks that it harms nobody and is disconnected in the end.
func TestCallerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	_, sock := startServer(t, ServeOptions{HalfLineTimeout: 200 * time.Millisecond})
	greedy := greeted(t, sock)
	for range 40 {
		greedy.send(`{"op":"run","code":"big 1000000","sid":"big"}` + "\n")
	}
	if err := ping(t, dial(t, sock)); err != nil {
		t.Error(err)
	}
	n, err := io.Copy(io.Discard, readSlowly{greedy, time.Now().Add(400 * time.Millisecond)})
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
	if n >= 40_000_000 {
		t.Error("all was sent to a caller that did not read in time")
	}
}

// readSlowly reads nothing before a given time.
type readSlowly struct {
	io.Reader
	from time.Time
}

func (r readSlowly) Read(p []byte) (int, error) {
	<-time.After(time.Until(r.from))
	return r.Reader.Read(p)
}

func TestThousandConnections(t *testing.T) {
	const n = 1000
	h, sock := startServer(t, ServeOptions{})
	ctx := testContext(t)
	clients := make([]*Client, n)
	each := func(do func(i int) error) {
		t.Helper()
		errs := make([]error, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { errs[i] = do(i) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatalf("%.500v", err)
		}
	}
	each(func(i int) (err error) {
		clients[i], err = Dial(ctx, sock, Options{Version: testVersion})
		return err
	})
	each(func(i int) error {
		sid := fmt.Sprintf("c-%d", i)
		f, err := clients[i].Run(ctx, RunRequest{SID: sid, Code: ptr("1")})
		if err == nil && f.SessionID != sid {
			err = fmt.Errorf("asked for %s, got %s", sid, f.SessionID)
		}
		return err
	})
	each(func(i int) error { return clients[i].Close() })
	if len(h.memory) != n {
		t.Errorf("%d sessions", len(h.memory))
	}
}

// TestManyCallersOneClient checks that no reply goes to the wrong caller.
func TestManyCallersOneClient(t *testing.T) {
	_, sock := startServer(t, ServeOptions{})
	ctx, c := testContext(t), dial(t, sock)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := range 50 {
				want := fmt.Sprintf(`"%d/%d%s"`, i, j, strings.Repeat("x", (i*j)%3000))
				short, cancel := context.WithCancel(ctx)
				if (i+j)%7 == 0 {
					cancel() // some give up at once
				}
				f, err := c.Run(short, RunRequest{Code: ptr("echo"), Ctx: []byte(want)})
				cancel()
				if (i+j)%7 != 0 && (err != nil || string(f.Output) != want) {
					t.Errorf("got %s, %v, want %s", f.Output, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestAnotherUser connects as another user: the mode of the socket keeps it out, and where that
// was opened, the worker's check does.
func TestAnotherUser(t *testing.T) {
	if text := os.Getenv("POOL_TEST_DIAL"); text != "" {
		_, err := Dial(testContext(t), text, Options{Version: testVersion})
		fmt.Printf("dialled: %v\n", err)
		return
	}
	if os.Getuid() != 0 {
		t.Skip("only root can run a process of another user")
	}
	_, sock := startServer(t, ServeOptions{})
	dir := shortDir(t)
	bin := dir + "/test"
	copyFile(t, os.Args[0], bin)
	for _, path := range []string{dir, bin, strings.TrimSuffix(sock, "/worker.sock")} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	asOther := func() string {
		cmd := exec.CommandContext(testContext(t), bin, "-test.run=^TestAnotherUser$")
		cmd.Env = append(os.Environ(), "POOL_TEST_DIAL="+sock)
		cmd.Dir = dir
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	if got := asOther(); !strings.Contains(got, "permission denied") || !strings.Contains(got, "another user") {
		t.Errorf("with the socket closed it got %s", got)
	}
	if err := os.Chmod(sock, 0o666); err != nil {
		t.Fatal(err)
	}
	if got := asOther(); !strings.Contains(got, "the worker closed the connection") {
		t.Errorf("with the socket open it got %s", got)
	}
	if err := ping(t, dial(t, sock)); err != nil {
		t.Error(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestSameUser(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if err := SameUser(a); err == nil {
		t.Error("a pipe has no user")
	}
}

func TestListen(t *testing.T) {
	ctx, dir := testContext(t), shortDir(t)
	sock := dir + "/w.sock"
	ln, err := Listen(ctx, sock)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(ctx, sock); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a socket in use was taken: %v", err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	ln.Close()
	if ln, err = Listen(ctx, sock); err != nil {
		t.Errorf("a deserted socket was not replaced: %v", err)
	} else {
		ln.Close()
	}
	file := dir + "/file"
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(ctx, file); err == nil {
		t.Error("a file was replaced by a socket")
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Errorf("the file is %q, %v", text, err)
	}
	exact := dir + "/" + strings.Repeat("p", maxSockPath-len(dir)-1)
	if ln, err := Listen(ctx, exact); err != nil {
		t.Errorf("a path of %d bytes: %v", len(exact), err)
	} else {
		ln.Close()
	}
	var p *PathTooLongError
	if _, err := Listen(ctx, exact+"p"); !errors.As(err, &p) || p.Max != maxSockPath {
		t.Errorf("a path of one byte more: %v", err)
	}
}

// chunks is a stream that gives its pieces one by one.
type chunks struct {
	pieces [][]byte
	end    error
}

func (c *chunks) SetReadDeadline(time.Time) error { return nil }
func (c *chunks) Read(p []byte) (int, error) {
	if len(c.pieces) == 0 {
		return 0, c.end
	}
	n := copy(p, c.pieces[0])
	if c.pieces[0] = c.pieces[0][n:]; len(c.pieces[0]) == 0 {
		c.pieces = c.pieces[1:]
	}
	return n, nil
}

// FuzzLines cuts a stream into pieces and checks that its lines come out whole.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nbb\r\n\n  c \nrest"), uint16(2))
	f.Add(bytes.Repeat([]byte("0123456789"), 2000), uint16(999))
	f.Fuzz(func(t *testing.T, text []byte, size uint16) {
		src := &chunks{end: io.EOF}
		for rest := text; len(rest) > 0; {
			n := min(int(size)+1, len(rest))
			src.pieces, rest = append(src.pieces, rest[:n]), rest[n:]
		}
		r := newLineReader(src, 0)
		want := bytes.Split(text, []byte("\n"))
		for i, w := range want {
			w = bytes.TrimSpace(w)
			got, err := r.next()
			switch {
			case i < len(want)-1 && (err != nil || !bytes.Equal(got, w)):
				t.Fatalf("line %d: %q, %v, want %q", i, got, err, w)
			case i == len(want)-1 && len(w) == 0 && !errors.Is(err, io.EOF):
				t.Fatalf("the end: %q, %v", got, err)
			case i == len(want)-1 && len(w) > 0 && (!errors.Is(err, io.ErrUnexpectedEOF) || !bytes.Equal(got, w)):
				t.Fatalf("the rest: %q, %v, want %q", got, err, w)
			}
		}
	})
}
