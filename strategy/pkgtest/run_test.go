package pkgtest

import "testing"

func TestRunEmpty(t *testing.T) {
	r, err := Run(t.Context(), Plan{Specs: []Spec{{Path: "@inline.lua", Name: "inline.lua"}}})
	if err != nil || r.Total != 0 || len(r.Files) != 1 {
		t.Fatalf("Run = %+v, %v", r, err)
	}
}
