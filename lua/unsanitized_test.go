//go:build !asan && !race

package lua

const sanitized = false
