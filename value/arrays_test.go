package value

import (
	"bytes"
	"testing"
)

// What is written without boxing is what Append writes.
func TestArrays(t *testing.T) {
	tests := []struct {
		name string
		got  List
		want *Table
	}{
		{"floats", AppendFloats(nil, []float64{1, -0.5}), &Table{Seq: []any{1.0, -0.5}}},
		{"no floats", AppendFloats(nil, nil), &Table{}},
		{"integers", AppendInts(nil, []int64{1, -2}), &Table{Seq: []any{int64(1), int64(-2)}}},
		{"ints", AppendInts(nil, []int{7}), &Table{Seq: []any{int64(7)}}},
		{"record", AppendInt(AppendString(AppendTable(nil, 0, 1), "k"), 3), &Table{Keys: []any{"k"}, Vals: []any{int64(3)}}},
		{"nested", AppendInts(AppendTable(nil, 1, 0), []int{1}), &Table{Seq: []any{&Table{Seq: []any{int64(1)}}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if want := Of(tt.want); !bytes.Equal(tt.got, want) {
				t.Errorf("got % x, want % x", tt.got, want)
			}
			if _, err := Decode(tt.got); err != nil {
				t.Error(err)
			}
		})
	}
}
