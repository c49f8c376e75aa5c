// Package rss tells how much memory the process has had.
package rss

import "syscall"

// Peak is the most resident memory that the process had, in bytes; 0 where the
// system doesn't tell.
func Peak() int64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return int64(usage.Maxrss) // bytes on Darwin
}
