package webdataset

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Field is one member of a sample: its extension in lower case without the
// leading dot ("jpg", "cls", "seg.png"), and its bytes.
type Field struct {
	Name string
	Data []byte
}

// Sample is what one run of archive members with a common key holds.
type Sample struct {
	// Key is the member's path up to the first dot of its base name; folders
	// and a leading "./" are part of it.
	Key string
	// Fields stand in the order of the archive. A name that occurs twice stands
	// here twice; Check reports it.
	Fields []Field
	// Source is the shard or folder, as given to Open.
	Source string
	// Index counts the samples of the source from 0.
	Index int64
}

// Errors of single samples. They say what is wrong with a sample, not with its
// shard: reading can go on.
var (
	ErrNoImage        = errors.New("no image")
	ErrTwoImages      = errors.New("two images")
	ErrDuplicateField = errors.New("field occurs twice")
	ErrLabel          = errors.New("label is no class number")
)

// NoLabel is the label of a sample without a cls field.
const NoLabel = -1

// Field returns the bytes of the first field of that name.
func (s *Sample) Field(name string) ([]byte, bool) {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return s.Fields[i].Data, true
		}
	}
	return nil, false
}

// IsImage reports whether a field of this name is a sample's image: the whole
// name is jpg, jpeg, png, webp, gif or bmp ("seg.png" is not).
func IsImage(name string) bool {
	switch name {
	case "jpg", "jpeg", "png", "webp", "gif", "bmp":
		return true
	}
	return false
}

// Image returns the sample's only image field. The error wraps ErrNoImage or
// ErrTwoImages.
func (s *Sample) Image() (name string, data []byte, err error) {
	found := -1
	for i := range s.Fields {
		if !IsImage(s.Fields[i].Name) {
			continue
		}
		if found >= 0 {
			return "", nil, fmt.Errorf("%w: %s and %s", ErrTwoImages, s.Fields[found].Name, s.Fields[i].Name)
		}
		found = i
	}
	if found < 0 {
		return "", nil, fmt.Errorf("%w: fields %s", ErrNoImage, s.fieldNames())
	}
	return s.Fields[found].Name, s.Fields[found].Data, nil
}

// Label returns the number in the cls field, NoLabel without one. The error
// wraps ErrLabel: the field is not a decimal number of at least 0 (white space
// around it is allowed).
func (s *Sample) Label() (int64, error) {
	data, ok := s.Field("cls")
	if !ok {
		return NoLabel, nil
	}
	text := strings.TrimSpace(string(data))
	label, err := strconv.ParseInt(text, 10, 64)
	if err != nil || label < 0 {
		const enough = 40 // characters of a wrong label that a message shows
		return NoLabel, fmt.Errorf("%w: cls %.*q", ErrLabel, enough, text)
	}
	return label, nil
}

// Check reports a field name that occurs twice, or one that the Python package
// reserves for itself (which it calls a duplicate, too). The error wraps
// ErrDuplicateField.
func (s *Sample) Check() error {
	for i := range s.Fields {
		name := s.Fields[i].Name
		if name == "__key__" || name == "__url__" {
			return fmt.Errorf("%w: %q is a reserved name", ErrDuplicateField, name)
		}
		for j := range i {
			if s.Fields[j].Name == name {
				return fmt.Errorf("%w: %q", ErrDuplicateField, name)
			}
		}
	}
	return nil
}

func (s *Sample) fieldNames() string {
	if len(s.Fields) == 0 {
		return "(none)"
	}
	const most = 8 // names that a message lists
	var b strings.Builder
	for i := range s.Fields {
		if i == most {
			b.WriteString(", ...")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(s.Fields[i].Name)
	}
	return b.String()
}

// split cuts a member's name into key and extension (not yet lower-cased) as
// webdataset's regular expression ^((?:.*/|)[^.]+)[.]([^/]*)$ does: the key
// ends at the first dot of the base name. A base name that begins with a dot
// has the folder as its key, if the path from some folder on has no other dot.
func split(name string) (key, ext string, ok bool) {
	end := len(name) // the folders tried are name[:end]
	for {
		// The expression's dot does not match a newline, so a folder part
		// with one in it is out.
		start := strings.LastIndexByte(name[:end], '/') + 1
		if start == 0 || strings.IndexByte(name[:start], '\n') < 0 {
			dot := strings.IndexByte(name[start:], '.')
			if dot > 0 && strings.IndexByte(name[start+dot:], '/') < 0 {
				return name[:start+dot], name[start+dot+1:], true
			}
		}
		if start == 0 {
			return "", "", false
		}
		end = start - 1
	}
}

// isMeta reports whether webdataset leaves a member out as metadata: its first
// path component begins and ends with two underscores.
func isMeta(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return len(first) >= 4 && strings.HasPrefix(first, "__") && strings.HasSuffix(first, "__")
}
