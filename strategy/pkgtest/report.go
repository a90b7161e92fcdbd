package pkgtest

// Report is what became of the spec files of a plan, in the plan's order.
type Report struct {
	Passed     int    `json:"passed"`
	Failed     int    `json:"failed"`
	Pending    int    `json:"pending"` // always 0
	Total      int    `json:"total"`
	DurationMS int64  `json:"duration_ms"`
	Files      []File `json:"spec_files"`
}

// File is one spec file.
type File struct {
	Path       string `json:"path"`
	Passed     int    `json:"passed"`
	Failed     int    `json:"failed"`
	Total      int    `json:"total"`
	DurationMS int64  `json:"duration_ms"`
	Tests      []Test `json:"tests"`
}

// Test is one test. A file that could not be run to its end has one, failed, named [TopLevel].
type Test struct {
	Suite   string  `json:"suite"` // the names of the describe blocks around it, outermost first
	Name    string  `json:"name"`
	Passed  bool    `json:"passed"`
	Pending bool    `json:"pending"` // always false
	Error   *string `json:"error"`   // nil when it passed
	// Traceback is the spec's call stack, when the error does not come from the spec file itself.
	Traceback string `json:"traceback,omitempty"`
}

// TopLevel is the name of the test that stands for a file that could not be run to its end: it does
// not parse, raised an error outside any test, or reached a limit.
const TopLevel = "<top-level>"

func (f *File) count() {
	f.Total = len(f.Tests)
	for _, t := range f.Tests {
		if t.Passed {
			f.Passed++
		} else {
			f.Failed++
		}
	}
}

func (r *Report) add(f File) {
	r.Files = append(r.Files, f)
	r.Passed += f.Passed
	r.Failed += f.Failed
	r.Total += f.Total
}
