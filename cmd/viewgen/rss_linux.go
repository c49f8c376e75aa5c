package main

import (
	"bytes"
	"os"
	"strconv"
)

// peakRSS is the most resident memory that the process had, in bytes. (What
// getrusage says includes what the parent had when it started us.)
func peakRSS() int64 {
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
