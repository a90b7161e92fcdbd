package service

import (
	"errors"
	"fmt"
)

// What Run refuses before anything is started.
var (
	ErrCodeAndFile error = hostText("Provide either `code` or `code_file`, not both.")
	ErrNoCode      error = hostText("Either `code` or `code_file` must be provided.")
)

// ErrNoJournal is a home where no session was ever run; see [Service.Journal].
var ErrNoJournal = errors.New("there is no journal yet: no session was ever run here")

// hostText is an error in the words, capitals and full stops included, that hosts know.
type hostText string

func (e hostText) Error() string { return string(e) }

// ReadError is a code file that cannot be used.
type ReadError struct {
	Path string
	Err  error
}

func (e *ReadError) Error() string { return fmt.Sprintf("Failed to read %s: %v", e.Path, e.Err) }

// Unwrap returns why.
func (e *ReadError) Unwrap() error { return e.Err }

// InputError is an argument that cannot be used.
type InputError struct {
	What string // which argument
	Why  string // and what is wrong with it, continuing the sentence
}

func (e *InputError) Error() string { return e.What + " " + e.Why }
