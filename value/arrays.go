package value

import "encoding/binary"

// AppendTable begins a plain table in dst. The n elements and then the m pairs of the other keys,
// in canonical order, must follow; elements and values may not be nil.
func AppendTable(dst List, n, m int) List {
	dst = append(dst, tagTable, 0)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
	return binary.LittleEndian.AppendUint32(dst, uint32(m))
}

// AppendFloats appends a table of floats to dst.
func AppendFloats(dst List, fs []float64) List {
	dst = AppendTable(dst, len(fs), 0)
	for _, f := range fs {
		dst = AppendFloat(dst, f)
	}
	return dst
}

// AppendInts appends a table of integers to dst.
func AppendInts[T ~int | ~int64](dst List, ns []T) List {
	dst = AppendTable(dst, len(ns), 0)
	for _, n := range ns {
		dst = AppendInt(dst, int64(n))
	}
	return dst
}
