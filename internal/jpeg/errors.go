package jpeg

import "fmt"

// A FormatError says what is wrong with a file and where.
type FormatError struct {
	Offset int // in bytes from the start of the file
	What   string
}

func (e *FormatError) Error() string { return fmt.Sprintf("jpeg: offset %d: %s", e.Offset, e.What) }

// An UnsupportedError names a legal feature that this package does not decode.
type UnsupportedError struct {
	Offset int
	What   string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("jpeg: offset %d: unsupported: %s", e.Offset, e.What)
}

// A LimitError says that a file exceeds what Options allow: its pixels if
// Scans is 0, else its number of scans.
type LimitError struct {
	Height, Width int
	Scans         int
	Limit         int64
}

func (e *LimitError) Error() string {
	if e.Scans > 0 {
		return fmt.Sprintf("jpeg: more than %d scans", e.Limit)
	}
	return fmt.Sprintf("jpeg: %d x %d pixels (height x width) exceed the limit of %d pixels", e.Height, e.Width, e.Limit)
}

func (d *Decoder) bad(format string, args ...any) error {
	return &FormatError{Offset: d.at, What: fmt.Sprintf(format, args...)}
}

func (d *Decoder) truncated() error {
	return &FormatError{Offset: len(d.data), What: "file ends early"}
}
