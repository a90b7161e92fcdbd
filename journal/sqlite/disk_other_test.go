//go:build !linux

package sqlite_test

import "testing"

// fastDisk is the default VFS: without fault injection every sync is real.
func fastDisk(*testing.T) string { return "" }
