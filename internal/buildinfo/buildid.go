package buildinfo

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
)

const (
	elfGoNote = 4       // type of the note that holds Go's build id
	scanLimit = 1 << 18 // how far into a file of another format the id is looked for
)

// goBuildID returns the build id of a Go executable, or "" when it has none that can be found.
func goBuildID(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if e, err := elf.NewFile(f); err == nil {
		return elfBuildID(e)
	}
	return textBuildID(io.NewSectionReader(f, 0, scanLimit))
}

// elfBuildID reads the ELF note that the linker writes.
func elfBuildID(e *elf.File) string {
	for _, p := range e.Progs {
		if p.Type != elf.PT_NOTE {
			continue
		}
		notes, err := io.ReadAll(io.LimitReader(p.Open(), scanLimit))
		if err != nil {
			return ""
		}
		if id := noteBuildID(notes, e.ByteOrder); id != "" {
			return id
		}
	}
	return ""
}

// noteBuildID walks a segment of notes: the lengths of name and text, a type, name and text,
// the last two padded to four bytes.
func noteBuildID(notes []byte, order binary.ByteOrder) string {
	const header = 12
	for len(notes) >= header {
		name, text := uint64(order.Uint32(notes)), uint64(order.Uint32(notes[4:]))
		kind := order.Uint32(notes[8:])
		textAt := header + (name+3)&^3
		next := textAt + (text+3)&^3
		if textAt+text > uint64(len(notes)) {
			return ""
		}
		if kind == elfGoNote && bytes.HasPrefix(notes[header:header+name], []byte("Go\x00")) {
			return string(notes[textAt : textAt+text])
		}
		notes = notes[min(next, uint64(len(notes))):]
	}
	return ""
}

// textBuildID finds the id where formats without notes have it: at the start of the program's
// text, quoted, after a fixed mark.
func textBuildID(r io.Reader) string {
	head, err := io.ReadAll(r)
	if err != nil {
		return ""
	}
	_, rest, ok := bytes.Cut(head, []byte("\xff Go build ID: \""))
	if !ok {
		return ""
	}
	id, _, ok := bytes.Cut(rest, []byte("\"\n \xff"))
	if !ok {
		return ""
	}
	return string(id)
}
