package mathlib

import (
	"encoding/binary"
	"math/bits"
)

// Stream is a seeded sequence of random 64-bit draws that can be left and taken up again at any
// position: the key stream of ChaCha with 12 rounds (Bernstein 2008), counter and nonce 0, two
// words a draw, the low one first. Nothing but seed and position determines what follows.
//
// It is a source for gonum's distributions. A Stream is for one goroutine.
type Stream struct {
	key   [8]uint32
	pos   uint64 // draws taken
	block [16]uint32
	at    uint64 // the block's counter plus 1; 0: there is none yet
}

const drawsPerBlock = 8

// NewStream returns the stream of a seed after the first pos draws.
func NewStream(seed, pos uint64) *Stream {
	s := &Stream{pos: pos}
	// The key is the first eight outputs of a PCG XSH-RR generator (O'Neill 2014).
	for i := range s.key {
		seed = seed*6364136223846793005 + 11634580027462260723
		s.key[i] = bits.RotateLeft32(uint32((seed>>18^seed)>>27), -int(seed>>59))
	}
	return s
}

// Pos returns how many draws were taken since the seed.
func (s *Stream) Pos() uint64 { return s.pos }

// Uint64 takes the next draw.
func (s *Stream) Uint64() uint64 {
	if n := s.pos/drawsPerBlock + 1; s.at != n {
		s.at = n
		s.fill(n - 1)
	}
	i := s.pos % drawsPerBlock * 2
	s.pos++
	return uint64(s.block[i]) | uint64(s.block[i+1])<<32
}

// sigma is the constant in ChaCha's first row.
var sigma = [4]uint32{
	binary.LittleEndian.Uint32([]byte("expa")), binary.LittleEndian.Uint32([]byte("nd 3")),
	binary.LittleEndian.Uint32([]byte("2-by")), binary.LittleEndian.Uint32([]byte("te k")),
}

func (s *Stream) fill(counter uint64) {
	k := &s.key
	in := [16]uint32{
		sigma[0], sigma[1], sigma[2], sigma[3], k[0], k[1], k[2], k[3], k[4], k[5], k[6], k[7],
		uint32(counter), uint32(counter >> 32), 0, 0,
	}
	x := in
	for range 6 {
		x[0], x[4], x[8], x[12] = quarter(x[0], x[4], x[8], x[12])
		x[1], x[5], x[9], x[13] = quarter(x[1], x[5], x[9], x[13])
		x[2], x[6], x[10], x[14] = quarter(x[2], x[6], x[10], x[14])
		x[3], x[7], x[11], x[15] = quarter(x[3], x[7], x[11], x[15])
		x[0], x[5], x[10], x[15] = quarter(x[0], x[5], x[10], x[15])
		x[1], x[6], x[11], x[12] = quarter(x[1], x[6], x[11], x[12])
		x[2], x[7], x[8], x[13] = quarter(x[2], x[7], x[8], x[13])
		x[3], x[4], x[9], x[14] = quarter(x[3], x[4], x[9], x[14])
	}
	for i := range x {
		s.block[i] = x[i] + in[i]
	}
}

func quarter(a, b, c, d uint32) (uint32, uint32, uint32, uint32) {
	a += b
	d = bits.RotateLeft32(d^a, 16)
	c += d
	b = bits.RotateLeft32(b^c, 12)
	a += b
	d = bits.RotateLeft32(d^a, 8)
	c += d
	b = bits.RotateLeft32(b^c, 7)
	return a, b, c, d
}

// Float64 returns a uniform number in [0, 1) with 53 bits.
func (s *Stream) Float64() float64 { return float64(s.Uint64()>>11) * 0x1p-53 }

// below returns a uniform number in 0..n-1, n above 0: the high half of draw times n, and a
// carry from a second draw where the first leaves it open.
func (s *Stream) below(n uint64) uint64 {
	hi, lo := bits.Mul64(s.Uint64(), n)
	if lo > -n {
		more, _ := bits.Mul64(s.Uint64(), n)
		_, carry := bits.Add64(lo, more, 0)
		hi += carry
	}
	return hi
}

// Int returns a uniform integer in lo..hi, both included.
func (s *Stream) Int(lo, hi int64) (int64, error) {
	if lo > hi {
		return 0, badf("min must not be above max, got %d and %d", lo, hi)
	}
	n := uint64(hi) - uint64(lo) + 1
	if n == 0 { // all 64-bit integers
		return int64(s.Uint64()), nil
	}
	return lo + int64(s.below(n)), nil
}

// Shuffled returns the numbers 0..n-1 in a uniformly random order (Fisher-Yates).
func (s *Stream) Shuffled(n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := s.below(uint64(i) + 1)
		p[i], p[j] = p[j], p[i]
	}
	return p
}

// Picks returns n independent uniform numbers in 0..size-1, size above 0.
func (s *Stream) Picks(size, n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = int(s.below(uint64(size)))
	}
	return p
}
