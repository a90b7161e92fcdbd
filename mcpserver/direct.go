package mcpserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// direct answers plain calls of our tools beside the SDK, which spends more on passing such a call
// on than a worker spends on answering it. It takes only what needs nothing of the SDK: a tools/call of
// a session that is initialized, for a tool that exists, with its name and arguments and nothing else
// but a progress token, for we report no progress. All else, errors included, is the SDK's.
type direct struct {
	tools map[string]*tool
	ctx   context.Context // of the calls
	calls sync.WaitGroup

	agreed      atomic.Bool // whether the SDK has accepted initialize
	initialized bool        // whether the host has said that it is; only the reading goroutine looks

	mu      sync.Mutex
	hello   jsonrpc.ID                        // of the initialize request
	cancels map[jsonrpc.ID]context.CancelFunc // of calls being answered
}

// take begins to answer a request if it can be answered directly, and tells whether it does. write
// gets the line of the reply, once.
func (d *direct) take(req *jsonrpc.Request, write func([]byte)) bool {
	switch req.Method {
	case "initialize":
		d.greet(req.ID)
	case "notifications/initialized":
		d.initialized = true
	case "notifications/cancelled":
		d.cancel(req.Params)
	case "tools/call":
		if !d.initialized || !d.agreed.Load() || !req.IsCall() {
			break
		}
		if t, args := d.plain(req.Params); t != nil {
			d.begin(req.ID, t, args, write)
			return true
		}
	}
	return false
}

// greet remembers the request that opens the session.
func (d *direct) greet(id jsonrpc.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hello = id
}

// said is told of each reply that the SDK gives, before the host gets it.
func (d *direct) said(r *jsonrpc.Response) {
	if d.agreed.Load() || r.Error != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.agreed.Store(d.hello.IsValid() && r.ID == d.hello)
}

// plain returns the tool and its arguments if the call is a plain one.
func (d *direct) plain(params json.RawMessage) (*tool, json.RawMessage) {
	var p map[string]json.RawMessage
	if json.Unmarshal(params, &p) != nil {
		return nil, nil
	}
	var name string
	for key, raw := range p {
		switch key {
		case "name":
			if json.Unmarshal(raw, &name) != nil {
				return nil, nil
			}
		case "arguments":
		case "_meta":
			if !onlyProgress(raw) {
				return nil, nil
			}
		default:
			return nil, nil
		}
	}
	return d.tools[name], p["arguments"]
}

func onlyProgress(meta json.RawMessage) bool {
	var m map[string]json.RawMessage
	if json.Unmarshal(meta, &m) != nil {
		return false
	}
	delete(m, "progressToken")
	return len(m) == 0
}

// begin answers a call in a goroutine of its own.
func (d *direct) begin(id jsonrpc.ID, t *tool, args json.RawMessage, write func([]byte)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, used := d.cancels[id]; used {
		write(errorLine(id, &jsonrpc.Error{Code: jsonrpc.CodeInvalidRequest, Message: fmt.Sprintf("request id %v is in use", id.Raw())}))
		return
	}
	ctx, cancel := context.WithCancel(d.ctx)
	d.cancels[id] = cancel
	d.calls.Go(func() {
		text, failed, err := t.answer(ctx, args)
		cancel()
		d.mu.Lock()
		delete(d.cancels, id)
		d.mu.Unlock()
		if err != nil {
			write(errorLine(id, err))
			return
		}
		write(resultLine(id, text, failed))
	})
}

// cancel ends the call that the host no longer waits for; the SDK hears of it too.
func (d *direct) cancel(params json.RawMessage) {
	var p struct {
		RequestID any `json:"requestId"`
	}
	if json.Unmarshal(params, &p) != nil {
		return
	}
	id, err := jsonrpc.MakeID(p.RequestID)
	if err != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if cancel := d.cancels[id]; cancel != nil {
		cancel()
	}
}

// resultLine is the reply that shows a text to the host, as the SDK writes one.
func resultLine(id jsonrpc.ID, text string, failed bool) []byte {
	var line bytes.Buffer
	line.Grow(len(text) + len(text)/8 + 128)
	line.WriteString(`{"jsonrpc":"2.0","id":`)
	encodeInto(&line, id.Raw())
	line.WriteString(`,"result":{"content":[{"type":"text","text":`)
	encodeInto(&line, text)
	line.WriteString(`}]`)
	if failed {
		line.WriteString(`,"isError":true`)
	}
	line.WriteString(`}}`)
	return line.Bytes()
}

func errorLine(id jsonrpc.ID, e *jsonrpc.Error) []byte {
	var line bytes.Buffer
	line.WriteString(`{"jsonrpc":"2.0","id":`)
	encodeInto(&line, id.Raw())
	line.WriteString(`,"error":`)
	encodeInto(&line, e)
	line.WriteString(`}`)
	return line.Bytes()
}

// encodeInto appends a value of which encoding cannot fail: a string, a number or an error.
func encodeInto(line *bytes.Buffer, v any) {
	enc := json.NewEncoder(line)
	enc.SetEscapeHTML(false)
	enc.Encode(v)
	line.Truncate(line.Len() - 1) // the newline
}
