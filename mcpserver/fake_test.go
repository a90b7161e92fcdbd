package mcpserver

import (
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/goleak"

	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/service"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeService answers from what a test put into it and remembers what it was asked.
type fakeService struct {
	mu sync.Mutex

	feed    pool.Feed
	status  pool.Status
	listing service.Listing
	report  service.PoolReport
	stopped service.PoolStopped
	err     error
	hold    chan struct{} // when set, Run waits for it or its context
	running chan struct{} // when set, told that Run has begun

	ran     service.RunInput
	sid     string
	answers []pool.Answer
	options service.ListOptions
	poolSID *string
	tested  service.PackageTest
	tests   service.TestReport
}

func (f *fakeService) Run(ctx context.Context, in service.RunInput) (pool.Feed, error) {
	f.mu.Lock()
	f.ran = in
	f.mu.Unlock()
	if f.running != nil {
		f.running <- struct{}{}
	}
	if f.hold != nil {
		select {
		case <-f.hold:
		case <-ctx.Done():
			return pool.Feed{}, context.Cause(ctx)
		}
	}
	return f.feed, f.err
}

func (f *fakeService) Continue(_ context.Context, sid string, answers []pool.Answer) (pool.Feed, error) {
	f.sid, f.answers = sid, answers
	return f.feed, f.err
}

func (f *fakeService) Session(_ context.Context, sid string, history bool) (pool.Status, error) {
	f.sid, f.options.History = sid, history
	return f.status, f.err
}

func (f *fakeService) List(_ context.Context, o service.ListOptions) (service.Listing, error) {
	f.options = o
	return f.listing, f.err
}

func (f *fakeService) PoolEnsure(context.Context) (service.PoolReport, error) { return f.report, f.err }

func (f *fakeService) PoolStatus(_ context.Context, sid *string) (service.PoolReport, error) {
	f.poolSID = sid
	return f.report, f.err
}

func (f *fakeService) PoolStop(_ context.Context, sid *string) (service.PoolStopped, error) {
	f.poolSID = sid
	return f.stopped, f.err
}

// serve runs a server over pipes until the test ends and returns the host's ends of them.
func serve(t *testing.T, f *fakeService, o Options) (io.WriteCloser, io.Reader, context.CancelFunc, <-chan error) {
	t.Helper()
	hostIn, out := io.Pipe()
	in, hostOut := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- newServer(f, o).Serve(ctx, in, out)
		out.Close()
	}()
	t.Cleanup(func() {
		hostIn.Close()
		hostOut.Close()
		stop()
		if err, ok := <-done; ok && err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return hostOut, hostIn, stop, done
}

// connect makes a session of the SDK's client with a server over f.
func connect(t *testing.T, f *fakeService) *mcp.ClientSession {
	t.Helper()
	w, r, _, _ := serve(t, f, Options{Version: "1.2.3"})
	c := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	cs, err := c.Connect(t.Context(), &mcp.IOTransport{Reader: io.NopCloser(r), Writer: w}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cs.Close() })
	return cs
}

// call returns the text of a tool's answer and whether it is an error.
func call(t *testing.T, cs *mcp.ClientSession, tool string, args any) (string, bool) {
	t.Helper()
	r, err := cs.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	if len(r.Content) != 1 || r.StructuredContent != nil {
		t.Fatalf("%s: %d content items, structured %v; want one text alone", tool, len(r.Content), r.StructuredContent)
	}
	text, ok := r.Content[0].(*mcp.TextContent)
	if !ok {
		t.Fatalf("%s: content %T", tool, r.Content[0])
	}
	return text.Text, r.IsError
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

func (f *fakeService) TestPackage(_ context.Context, in service.PackageTest) (service.TestReport, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tested = in
	return f.tests, f.err
}
