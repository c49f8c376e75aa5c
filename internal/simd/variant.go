package simd

import (
	"fmt"
	"os"
)

// The variants, in the order of preference from the last.
const (
	variantGeneric = "generic"
	variantAVX2    = "avx2"
	variantAVX512  = "avx512"
)

// The kernels of bfloat16 products besides variantGeneric. The widening ones
// turn their inputs into float32.
const (
	kernelAVX2       = "avx2 widening"
	kernelAVX512     = "avx512 widening"
	kernelAVX512BF16 = "avx512bf16"
)

// useAVX2, useAVX512 and useBF16 steer the dispatch; each implies the ones
// before. They are set once at init and by tests.
var (
	useAVX2, useAVX512, useBF16 bool
	environmentErr              error
)

func init() {
	useAVX2, useAVX512, environmentErr = choose(os.Getenv("SIAMESEIM_SIMD"), os.Getenv("SIAMESEIM_SIMD_REQUIRE"), hasAVX2, hasAVX512)
	useBF16 = useAVX512 && hasBF16
	if os.Getenv("SIAMESEIM_SIMD_REQUIRE") == kernelAVX512BF16 && environmentErr == nil && !useBF16 {
		environmentErr = fmt.Errorf("simd: SIAMESEIM_SIMD_REQUIRE: %q is required, %q is in use for bfloat16", kernelAVX512BF16, BF16Kernel())
	}
}

// BF16Kernel names the kernel of bfloat16 products: "generic", "avx2 widening",
// "avx512 widening" or "avx512bf16" (VDPBF16PS).
func BF16Kernel() string {
	switch {
	case useBF16 && useAVX512:
		return kernelAVX512BF16
	case useAVX512:
		return kernelAVX512
	case useAVX2:
		return kernelAVX2
	}
	return variantGeneric
}

// Variant names the kernels in use: "generic", "avx2" or "avx512".
func Variant() string {
	switch {
	case useAVX512:
		return variantAVX512
	case useAVX2:
		return variantAVX2
	}
	return variantGeneric
}

// CheckEnvironment reports what is wrong with SIAMESEIM_SIMD or
// SIAMESEIM_SIMD_REQUIRE: a value that is not known (the widest variant the
// processor has is then used), or a required variant that is not in use.
// Programs call it at their start; the kernels work either way.
func CheckEnvironment() error { return environmentErr }

// choose maps the two environment values and the processor's features to the
// variant in use. SIAMESEIM_SIMD narrows: "off" (or "generic"), "avx2",
// "avx512" is the widest variant allowed, empty allows all.
func choose(narrow, require string, has2, has512 bool) (use2, use512 bool, err error) {
	has512 = has512 && has2
	switch narrow {
	case "off", variantGeneric:
	case variantAVX2:
		use2 = has2
	case variantAVX512, "":
		use2, use512 = has2, has512
	default:
		use2, use512 = has2, has512
		err = fmt.Errorf("simd: SIAMESEIM_SIMD: unknown value %q, want off, avx2 or avx512", narrow)
	}
	used := variantGeneric
	if use512 {
		used = variantAVX512
	} else if use2 {
		used = variantAVX2
	}
	switch require {
	case "", used:
	case "off":
		if used != variantGeneric {
			err = fmt.Errorf("simd: SIAMESEIM_SIMD_REQUIRE: %q is required, %q is in use", require, used)
		}
	case kernelAVX512BF16: // a variant of avx512: see init
		if !use512 {
			err = fmt.Errorf("simd: SIAMESEIM_SIMD_REQUIRE: %q is required, %q is in use", require, used)
		}
	case variantGeneric, variantAVX2, variantAVX512:
		err = fmt.Errorf("simd: SIAMESEIM_SIMD_REQUIRE: %q is required, %q is in use", require, used)
	default:
		err = fmt.Errorf("simd: SIAMESEIM_SIMD_REQUIRE: unknown value %q, want off, avx2, avx512 or avx512bf16", require)
	}
	return use2, use512, err
}
