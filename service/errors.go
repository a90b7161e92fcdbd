package service

import (
	"errors"
	"fmt"
)

// What Run refuses before anything is started. The texts are those that hosts know.
var (
	ErrCodeAndFile = errors.New("Provide either `code` or `code_file`, not both.")       //nolint:staticcheck // a wire text
	ErrNoCode      = errors.New("Either `code` or `code_file` must be provided.")        //nolint:staticcheck // a wire text
	ErrNoJournal   = errors.New("there is no journal yet: no session was ever run here") // see [Service.Journal]
)

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
