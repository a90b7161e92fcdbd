package pool

import (
	"bytes"
	"encoding/json"
	"strconv"
	"sync"
)

// encoder builds one line. It does not escape < > &, and replaces bytes that are not UTF-8, so
// that what it makes is always a good line.
type encoder struct {
	buf bytes.Buffer
	enc *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := new(encoder)
	e.enc = json.NewEncoder(&e.buf)
	e.enc.SetEscapeHTML(false)
	return e
}}

func getEncoder() *encoder { return encoders.Get().(*encoder) }

func (e *encoder) release() {
	if e.buf.Cap() > keepBuffer {
		return
	}
	e.buf.Reset()
	encoders.Put(e)
}

// encode appends the JSON text of v.
func (e *encoder) encode(v any) error {
	if err := e.enc.Encode(v); err != nil {
		return err
	}
	e.buf.Truncate(e.buf.Len() - 1) // the encoder's newline
	return nil
}

// splice appends an object's members after what was written, which must end in an open object
// with at least one member, and closes it.
func (e *encoder) splice(v any) error {
	at := e.buf.Len()
	if err := e.encode(v); err != nil {
		return err
	}
	b := e.buf.Bytes()[at:]
	if len(b) < 2 || b[0] != '{' {
		return &json.UnsupportedValueError{Str: "a request's body must be a JSON object"}
	}
	if b[1] == '}' { // no members
		e.buf.Truncate(at)
		e.text("}")
		return nil
	}
	b[0] = ','
	return nil
}

func (e *encoder) text(s string) { e.buf.WriteString(s) }

// quoted appends a short string that is usually plain.
func (e *encoder) quoted(s string) {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			e.buf.Write(jsonString(s))
			return
		}
	}
	e.buf.WriteByte('"')
	e.buf.WriteString(s)
	e.buf.WriteByte('"')
}

func (e *encoder) number(n uint64) {
	e.buf.Write(strconv.AppendUint(e.buf.AvailableBuffer(), n, 10))
}

// jsonString returns s as a JSON string.
func jsonString(s string) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil { // a string always has an encoding
		return json.RawMessage(`""`)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// request makes the line of a request. id 0 sends none.
func (e *encoder) request(op Op, id uint64, body any) error {
	e.text(`{"op":`)
	e.quoted(string(op))
	if id > 0 {
		e.text(`,"id":`)
		e.number(id)
	}
	if body == nil {
		e.text("}\n")
		return nil
	}
	if err := e.splice(body); err != nil {
		return err
	}
	e.text("\n")
	return nil
}

// finish ends the line of an ok reply whose data object was written.
func (e *encoder) finish(id []byte) {
	e.text(`,"error":null`)
	e.echo(id)
}

func (e *encoder) echo(id []byte) {
	if id != nil {
		e.text(`,"id":`)
		e.buf.Write(id)
	}
	e.text("}\n")
}

func (e *encoder) handshakeReply(id []byte, version string) {
	e.text(`{"ok":true,"data":{"kind":"handshake","version":`)
	e.quoted(version)
	e.text(`,"ids":true}`)
	e.finish(id)
}

func (e *encoder) shutdownReply(id []byte) {
	e.text(`{"ok":true,"data":{"kind":"shutdown"}`)
	e.finish(id)
}

func (e *encoder) feedReply(id []byte, f Feed, single bool) error {
	e.text(`{"ok":true,"data":{"kind":"feed","session_id":`)
	e.quoted(f.SessionID)
	e.text(`,"feed_result":`)
	var err error
	if single {
		err = e.encode(f.single())
	} else {
		w := f.Wire()
		err = e.encode(&w)
	}
	e.text(`}`)
	e.finish(id)
	return err
}

func (e *encoder) statusReply(id []byte, s Status) error {
	if s.Sessions == nil {
		s.Sessions = []SessionInfo{}
	}
	e.text(`{"ok":true,"data":{"kind":"status"`)
	err := e.splice(&s)
	e.finish(id)
	return err
}

func (e *encoder) refusal(id []byte, r *RemoteError) {
	e.text(`{"ok":false,"error":`)
	e.quoted(r.Message)
	e.text(`,"code":`)
	e.quoted(string(r.Code))
	if len(r.Details) > 0 {
		at := e.buf.Len()
		e.text(`,"details":`)
		if e.encode(r.Details) != nil { // the text is worth sending without them
			e.buf.Truncate(at)
		}
	}
	e.echo(id)
}
