// Package mcpserver is the face that MCP hosts see: the tools of algocline over stdio.
//
// A tool call is decoded here, carried out by package service, and answered with one text item
// that holds JSON, or with a plain text and isError when it could not be carried out. A script
// that fails is no error of the call. Nothing here holds a session: the server can be closed at
// any moment and another one goes on.
//
// Start with [New] and [Server.Serve]; every tool has a file of its own, tool_*.go.
package mcpserver
