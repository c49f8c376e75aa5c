// Package pth reads the tensors of PyTorch's .pth, .pt and .pth.tar files
// without Python and without executing anything.
//
// Such a file is a pickle: a program for a stack machine, that may name any
// function of the reader's Python and call it. Here the machine knows a short
// list of names (package torch's tensor rebuilding, storages and types,
// OrderedDict, and a few inert holders of settings), builds plain values for
// them, and refuses every other name when it is mentioned, before anything
// could be done with it: a *RefusedError.
//
// Both layouts are read: the zip archive of torch 1.6 and later, and the row
// of pickles before it. What is damaged is a *FormatError. Sizes in the file
// are checked against the bytes that are there before memory is taken for
// them; the data of a tensor is read when it is asked for.
//
// Not read: sparse, quantised and complex tensors, TorchScript, big-endian
// files.
package pth

import "fmt"

// A FormatError is a file that isn't what torch.save writes.
type FormatError struct {
	File  string
	Cause string
}

func (e *FormatError) Error() string { return fmt.Sprintf("pth: %s: %s", e.File, e.Cause) }

// A RefusedError is a file that names Python code beyond rebuilding tensors.
type RefusedError struct {
	File string
	Name string // module and name, such as "os.system"
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("pth: %s: its pickle names %q: refused: only tensors and plain containers are read, and nothing is executed", e.File, e.Name)
}

// An UnsupportedError is a tensor that torch can save and this package can't
// read.
type UnsupportedError struct {
	File string
	What string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("pth: %s: %s: not supported", e.File, e.What)
}
