//go:build linux || darwin

package experiment

import (
	"runtime"
	"syscall"
)

// peakRSS is the most resident memory that the process had, in bytes.
func peakRSS() int64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(usage.Maxrss) // bytes there
	}
	return int64(usage.Maxrss) * 1024
}
