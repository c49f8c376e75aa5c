//go:build !linux

package trainer

// availableMemory is what is left of GOMEMLIMIT; 0: no limit.
func availableMemory() int64 { return goLimit() }
