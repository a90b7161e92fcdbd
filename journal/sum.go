package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// Sum is a checksum over an event and, through the one before, over all of its history.
type Sum [16]byte

// String returns the sum in hexadecimal.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// ContentHash names a stored content by its SHA-256.
type ContentHash [32]byte

// String returns the hash in hexadecimal.
func (h ContentHash) String() string { return hex.EncodeToString(h[:]) }

// HashContent returns the name of a content.
func HashContent(p []byte) ContentHash { return sha256.Sum256(p) }

// Seal returns the sum of e as it follows an event with the sum prev (zero for the first one):
// SHA-256 over prev, seq, kind, time in microseconds, path and body, each with its length, cut
// to 16 bytes.
func Seal(prev Sum, e *Event) Sum {
	h := sha256.New()
	buf := make([]byte, 0, 96)
	buf = append(buf, prev[:]...)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(e.Seq))
	buf = binary.LittleEndian.AppendUint64(buf, uint64(e.At.UnixMicro()))
	buf = appendLen(buf, string(e.Kind))
	buf = appendLen(buf, e.Path)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(len(e.Body)))
	h.Write(buf)
	h.Write(e.Body)
	var s Sum
	copy(s[:], h.Sum(buf[:0]))
	return s
}

func appendLen(dst []byte, s string) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(s)))
	return append(dst, s...)
}

// Verify checks that events follow prev without a gap and with the sums they carry. It returns
// the index of the first that does not and why, or -1.
func Verify(prev Sum, after int64, events []Event) (int, string) {
	for i := range events {
		e := &events[i]
		if e.Seq != after+int64(i)+1 {
			return i, "the sequence has a gap"
		}
		if s := Seal(prev, e); s != e.Sum {
			return i, "the checksum does not match"
		}
		prev = e.Sum
	}
	return -1, ""
}
