package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/service"
)

// Options sets up a [Server]. The zero value is usable.
type Options struct {
	Version string // shown to hosts; "" is that of the service
	// PreviewChars is how many characters of a prompt alc_status previews. 0 takes
	// ALC_PROMPT_PREVIEW_CHARS, and 200 without that.
	PreviewChars int
	// Grace is how long calls in flight may still be answered after the host has closed its
	// end or the server was told to stop. 0 is 3 s.
	Grace time.Duration
	Log   *slog.Logger // nil discards; never write it to standard output
}

// backend is what the tools need of [service.Service].
type backend interface {
	Run(ctx context.Context, in service.RunInput) (pool.Feed, error)
	Continue(ctx context.Context, sid string, answers []pool.Answer) (pool.Feed, error)
	Session(ctx context.Context, sid string, history bool) (pool.Status, error)
	List(ctx context.Context, o service.ListOptions) (service.Listing, error)
	PoolEnsure(ctx context.Context) (service.PoolReport, error)
	PoolStatus(ctx context.Context, sid *string) (service.PoolReport, error)
	PoolStop(ctx context.Context, sid *string) (service.PoolStopped, error)
	TestPackage(ctx context.Context, in service.PackageTest) (service.TestReport, error)
}

// Server answers MCP hosts. It keeps nothing of its own between calls and is safe for concurrent
// use.
type Server struct {
	svc     backend
	mcp     *mcp.Server
	tools   map[string]*tool
	preview int
	grace   time.Duration
}

// New makes a server over a service, which stays the caller's to close.
func New(s *service.Service, o Options) *Server {
	if o.Version == "" {
		o.Version = s.Version()
	}
	return newServer(s, o)
}

func newServer(b backend, o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.PreviewChars <= 0 {
		o.PreviewChars = previewFromEnv()
	}
	if o.Grace <= 0 {
		o.Grace = 3 * time.Second
	}
	s := &Server{svc: b, tools: map[string]*tool{}, preview: o.PreviewChars, grace: o.Grace}
	s.mcp = mcp.NewServer(
		&mcp.Implementation{Name: "algocline", Title: "algocline", Version: o.Version},
		&mcp.ServerOptions{
			Instructions: instructions,
			Logger:       o.Log,
			// Named, so that the SDK does not announce logging and changing tool lists.
			Capabilities: &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{}},
		})
	s.mcp.AddReceivingMiddleware(refuseNameless)
	for _, t := range []tool{
		s.runTool(), s.continueTool(), s.statusTool(), s.poolEnsureTool(), s.poolStatusTool(), s.poolStopTool(), s.pkgTestTool(),
	} {
		s.tools[t.Name] = &t
		s.mcp.AddTool(&t.Tool, t.handle)
	}
	return s
}

func previewFromEnv() int {
	n, err := strconv.Atoi(os.Getenv("ALC_PROMPT_PREVIEW_CHARS"))
	if err != nil || n <= 0 {
		return service.DefaultPreview
	}
	return n
}

// Serve speaks MCP as JSON lines on in and out until in ends or ctx is done. Calls that are in
// flight then are answered if they are ready within the grace, and abandoned after it: what they
// started goes on in its worker. Both ends are an ordinary end, without an error.
//
// Serve closes in. A read of in that a close cannot interrupt, as of a terminal, stays behind
// until the process ends.
func (s *Server) Serve(ctx context.Context, in io.ReadCloser, out io.Writer) error {
	calls, abandon := context.WithCancel(context.WithoutCancel(ctx))
	d := &direct{tools: s.tools, ctx: calls, cancels: map[jsonrpc.ID]context.CancelFunc{}}
	defer d.calls.Wait()
	defer abandon()
	ss, err := s.mcp.Connect(ctx, &lineTransport{in: in, out: out, direct: d, stop: ctx.Done(), grace: s.grace}, nil)
	if err != nil {
		return err
	}
	err = ss.Wait()
	if errors.Is(err, io.EOF) || errors.Is(err, errPeerGone) {
		return nil
	}
	return err
}

// refuseNameless answers a call of no tool as hosts know it: as a method that does not exist.
func refuseNameless(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		if r, ok := req.(*mcp.CallToolRequest); ok && r.Params.Name == "" {
			return nil, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "tools/call names no tool"}
		}
		return next(ctx, method, req)
	}
}

// tool is a tool with what it does. call returns the JSON of the answer; its error is shown to
// the host as the text of an isError result.
type tool struct {
	mcp.Tool
	call func(ctx context.Context, args arguments) (json.RawMessage, error)
}

// answer carries out a call. The text is for the host to read, as an error where failed is set; the
// error is of a call that cannot be read. It decodes the arguments itself, because hosts send more,
// less and other than a schema allows, and validating costs more than the work.
func (t *tool) answer(ctx context.Context, raw json.RawMessage) (text string, failed bool, err *jsonrpc.Error) {
	args, bad := parseArguments(raw)
	if bad != nil {
		return "", false, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: bad.Error()}
	}
	out, fault := t.call(ctx, args)
	if fault != nil {
		return fault.Error(), true, nil
	}
	return string(out), false, nil
}

// handle is a raw [mcp.ToolHandler].
func (t *tool) handle(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	text, failed, err := t.answer(ctx, req.Params.Arguments)
	if err != nil {
		return nil, err
	}
	return &mcp.CallToolResult{IsError: failed, Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil
}
