package imagefile

import (
	"errors"
	"fmt"

	"siameseim/internal/jpeg"
)

// A FormatError says that data is damaged or of no known format.
type FormatError struct {
	Format string // as Sniff gives it; "" if unknown
	Err    error
}

func (e *FormatError) Error() string {
	if e.Format == "" {
		return fmt.Sprintf("imagefile: %v", e.Err)
	}
	return fmt.Sprintf("imagefile: %s: %v", e.Format, e.Err)
}

func (e *FormatError) Unwrap() error { return e.Err }

// An UnsupportedError says that data is legal but uses what this package does
// not decode.
type UnsupportedError struct {
	Format string
	Err    error
}

func (e *UnsupportedError) Error() string { return fmt.Sprintf("imagefile: %s: %v", e.Format, e.Err) }

func (e *UnsupportedError) Unwrap() error { return e.Err }

// A LimitError says that an image has more pixels than the caller allows. It
// is found in the header, before anything of the image's size is allocated.
type LimitError struct {
	Height, Width int
	MaxPixels     int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%d x %d pixels (height x width) exceed the limit of %d pixels", e.Height, e.Width, e.MaxPixels)
}

var (
	errUnknown   = errors.New("unknown image format")
	errTruncated = errors.New("file ends early")
	errAnimated  = errors.New("animation")
)

func limit(maxPixels int64) int64 {
	if maxPixels == 0 {
		return DefaultMaxPixels
	}
	return maxPixels
}

func checkLimit(height, width int, maxPixels int64) error {
	if n := limit(maxPixels); int64(height)*int64(width) > n {
		return &LimitError{Height: height, Width: width, MaxPixels: n}
	}
	return nil
}

// classify wraps a reader's error into one of the package's types.
func classify(format string, err error) error {
	var format1 *FormatError
	var unsupported *jpeg.UnsupportedError
	var tooLarge *jpeg.LimitError
	switch {
	case errors.As(err, &format1):
		return err
	case errors.As(err, &tooLarge) && tooLarge.Scans == 0:
		return fmt.Errorf("imagefile: jpeg: %w", &LimitError{tooLarge.Height, tooLarge.Width, tooLarge.Limit})
	case errors.As(err, &unsupported), errors.Is(err, errRunLength), errors.Is(err, errAnimated):
		return &UnsupportedError{Format: format, Err: err}
	}
	return &FormatError{Format: format, Err: err}
}

// recoverFormat turns a panic into a FormatError. The readers of x/image (and
// the standard library's LZW and deflate) are not ours to make safe against
// every damaged file, and one bad sample must not end a run of millions.
func recoverFormat(format string, err *error) {
	if r := recover(); r != nil {
		*err = &FormatError{Format: format, Err: fmt.Errorf("reader failed: %v", r)}
	}
}
