// Package recording keeps what an LLM said and plays it back: the same prompts get the same
// answers, without a model, a key or a network.
//
// A recording is a text of JSON lines. The first line says that it is one and what it holds, each
// line after it is an exchange, in the order in which the queries were asked:
//
//	{"recording":1,"about":"written by hand for the demo"}
//	{"digest":"sha256:9f86…","prompt":"What is 2+2?","system":null,"response":"4"}
//
// Members of an exchange:
//
//	digest    "sha256:" and the hexadecimal SHA-256 over the prompt and, when the query has a
//	          system text, a zero byte and that text; may be left out when prompt is there
//	prompt    the prompt; may be left out when digest is there
//	system    the system text or null
//	response  the answer; required
//	usage     {"prompt_tokens":n,"completion_tokens":n}, each may be left out
//
// Empty lines are skipped, unknown members are ignored. [Parse] and [Open] read a recording, a
// [Player] answers from it, a [Writer] makes one and [Tee] fills it while somebody else answers.
package recording

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/algocline/algocline/pool"
)

// Format is the version of the format that this package writes, and the only one it reads.
const Format = 1

// maxLine bounds one line of a recording, as the pool bounds its lines.
const maxLine = 64 << 20

// Exchange is one query and its answer.
type Exchange struct {
	Digest   string      `json:"digest"`
	Prompt   *string     `json:"prompt,omitempty"`
	System   *string     `json:"system"`
	Response *string     `json:"response"`
	Usage    *pool.Usage `json:"usage,omitempty"`
}

// Recording is a list of exchanges, in the order in which the queries were asked.
type Recording struct {
	About     string // what the first line says of it
	Exchanges []Exchange
}

type header struct {
	Recording int    `json:"recording"`
	About     string `json:"about"`
}

// ErrNoHeader is a text whose first line does not say that it is a recording.
var ErrNoHeader = errors.New(`the first line of a recording is {"recording":1,"about":"…"}`)

// ParseError is a line that is not what it should be.
type ParseError struct {
	Line int // from 1
	Err  error
}

func (e *ParseError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *ParseError) Unwrap() error { return e.Err }

// Digest returns the digest of a query by its prompt and its system text, nil for none.
func Digest(prompt string, system *string) string {
	h := sha256.New()
	io.WriteString(h, prompt)
	if system != nil {
		h.Write([]byte{0})
		io.WriteString(h, *system)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// Open reads the recording in a file. Errors name the file.
func Open(path string) (*Recording, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the recording: %w", err)
	}
	defer f.Close()
	r, err := Parse(f)
	if err != nil {
		return nil, fmt.Errorf("reading the recording %s: %w", path, err)
	}
	return r, nil
}

// Parse reads a recording to its end. Errors in it are [*ParseError].
func Parse(r io.Reader) (*Recording, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	var rec *Recording
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		if rec == nil {
			about, err := parseHeader(line)
			if err != nil {
				return nil, &ParseError{Line: n, Err: err}
			}
			rec = &Recording{About: about}
			continue
		}
		x, err := parseExchange(line)
		if err != nil {
			return nil, &ParseError{Line: n, Err: err}
		}
		rec.Exchanges = append(rec.Exchanges, x)
	}
	if err := lines.Err(); err != nil {
		return nil, &ParseError{Line: n + 1, Err: err}
	}
	if rec == nil {
		return nil, &ParseError{Line: 1, Err: ErrNoHeader}
	}
	return rec, nil
}

func parseHeader(line []byte) (about string, err error) {
	var h header
	if err := json.Unmarshal(line, &h); err != nil || h.Recording == 0 {
		return "", ErrNoHeader
	}
	if h.Recording != Format {
		return "", fmt.Errorf("this recording has format %d, this alc reads format %d", h.Recording, Format)
	}
	return h.About, nil
}

func parseExchange(line []byte) (Exchange, error) {
	var x Exchange
	if err := json.Unmarshal(line, &x); err != nil {
		return x, fmt.Errorf("not an exchange: %w", err)
	}
	if x.Response == nil {
		return x, errors.New(`an exchange needs a "response"`)
	}
	if x.Prompt == nil {
		if x.Digest == "" {
			return x, errors.New(`an exchange needs a "prompt" or a "digest"`)
		}
		return x, nil
	}
	digest := Digest(*x.Prompt, x.System)
	if x.Digest != "" && x.Digest != digest {
		return x, fmt.Errorf(`the "digest" is not that of prompt and system, which is %s; remove it or mend the prompt`, digest)
	}
	x.Digest = digest
	return x, nil
}
