//go:build amd64 && !purego

package simd

import "golang.org/x/sys/cpu"

// hasAVX2, hasAVX512 and hasBF16 say that the processor and the system have every
// feature that a variant's kernels use.
var (
	hasAVX2   = cpu.X86.HasAVX2 && cpu.X86.HasFMA && cpu.X86.HasBMI2
	hasAVX512 = hasAVX2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW
	hasBF16   = hasAVX512 && cpu.X86.HasAVX512BF16
)
