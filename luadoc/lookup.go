package luadoc

import (
	"strings"
)

// Below returns the member of a name, or all members whose names begin with it and a dot or colon.
func (a *API) Below(name string) []*Member {
	if m := a.Member(name); m != nil && m.Function() && !m.Callable {
		return []*Member{m}
	}
	var found []*Member
	for _, m := range a.Members() {
		rest, ok := strings.CutPrefix(m.Name, name)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == ':') {
			found = append(found, m)
		}
	}
	return found
}

// Nearest returns the member whose name is most like one that does not exist, or "" when none is
// alike. It looks for mistyped names, and for right names in another table.
func (a *API) Nearest(name string) string {
	most := (len(last(name)) + 2) / 3 // more slips make another word
	best, least := "", 2*most+1
	for _, m := range a.Members() {
		known := strings.ReplaceAll(m.Name, ":", ".")
		far := 2 * distance(name, known)
		if last(name) == last(known) && root(name) == root(known) {
			far = min(far, 3) // after one slip, before two
		}
		if far < least {
			best, least = m.Name, far
		}
	}
	return best
}

func last(name string) string { return name[strings.LastIndexAny(name, ".:")+1:] }

// distance is how many bytes must be put in, left out, replaced or swapped with a neighbour to make
// b of a (the restricted Damerau-Levenshtein distance).
func distance(a, b string) int {
	var before, above []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, above, row = above, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

// Help writes the member's entry for a terminal.
func (m *Member) Help() string {
	var b strings.Builder
	b.WriteString(m.Signature() + "\n  " + string(m.Class) + strings.ReplaceAll(grantNote(m.Grant), "`", "") + "\n\n")
	indent(&b, strings.TrimSpace(m.Text))
	for _, p := range m.Params {
		indent(&b, p.declared()+": "+spoken(p.Type, p.Text))
	}
	for _, r := range m.Returns {
		indent(&b, "returns "+spoken(r.Type, r.Text))
	}
	for _, e := range m.Errors {
		indent(&b, "raises: "+e)
	}
	if m.Example != "" {
		b.WriteString("\n")
		for line := range strings.Lines(m.example()) {
			b.WriteString("    " + strings.TrimRight(line, "\n") + "\n")
		}
	}
	return b.String()
}

func spoken(typ, text string) string {
	if text == "" {
		return typ
	}
	return typ + ", " + text
}

func indent(b *strings.Builder, text string) {
	for line := range strings.Lines(text) {
		b.WriteString("  " + strings.TrimRight(line, "\n") + "\n")
	}
}
