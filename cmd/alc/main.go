// Command alc runs LLM reasoning strategies written in Lua.
//
// Without arguments it is the MCP server on standard input and output; its sub-commands run,
// continue and look at sessions from a shell. This package is flags, output and exit codes; what
// is done is in package service and below.
//
// One file is one command. root.go puts them together, voice.go is everything that alc says to
// people, exit.go turns errors into messages, hints and exit codes.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(Main()) }

// Main runs the command line of this process and returns its exit code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// After the first signal the next one ends the process at once.
	defer context.AfterFunc(ctx, stop)()
	return execute(ctx, newApp(os.Stdin, os.Stdout, os.Stderr), os.Args[1:])
}
