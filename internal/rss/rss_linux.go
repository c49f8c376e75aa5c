// Package rss tells how much memory the process has had.
package rss

import (
	"bytes"
	"os"
	"strconv"
)

// Peak is the most resident memory that the process had, in bytes; 0 where the
// system doesn't tell. (What getrusage says on Linux includes what the parent
// had when it started us.)
func Peak() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, line, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	line, _, _ = bytes.Cut(line, []byte(" kB"))
	kib, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil {
		return 0
	}
	return kib * 1024
}
