//go:build !linux

package nn

import "siameseim/internal/simd"

// preferHugePages does nothing: the system has no say in it, or decides itself.
func preferHugePages[T float32 | simd.BF16]([]T) {}
