package webdataset

import (
	"fmt"
)

// FormatError reports a shard or folder that cannot be read as one: truncated,
// damaged, empty, or not an archive.
type FormatError struct {
	Source string // shard or folder
	Sample string // key of the sample that was being read, "" before the first
	Cause  error
}

func (e *FormatError) Error() string {
	if e.Sample == "" {
		return fmt.Sprintf("webdataset: %s: %v", e.Source, e.Cause)
	}
	return fmt.Sprintf("webdataset: %s: sample %q: %v", e.Source, e.Sample, e.Cause)
}

func (e *FormatError) Unwrap() error { return e.Cause }

// SpecError reports a specification of sources that means nothing: what a user
// wrote, not what lies on the disk.
type SpecError struct {
	Spec  string
	Cause error
}

func (e *SpecError) Error() string { return fmt.Sprintf("webdataset: %q: %v", e.Spec, e.Cause) }
func (e *SpecError) Unwrap() error { return e.Cause }

// UsageError marks it as the caller's.
func (e *SpecError) UsageError() {}

// UnsupportedError reports a source that may well be right but is of a kind
// that cannot be read.
type UnsupportedError struct {
	Source string
	Reason string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("webdataset: %s: %s", e.Source, e.Reason)
}
