//go:build asan || race

package lua

// Sanitizers keep memory of their own for every byte touched.
const sanitized = true
