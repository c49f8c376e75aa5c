package simd

import (
	"os"
	"testing"
)

// forEachVariant runs f once for each variant that the processor has, with the
// dispatch set to it.
func forEachVariant(t testing.TB, f func(variant string)) {
	t.Helper()
	old2, old512 := useAVX2, useAVX512
	defer func() { useAVX2, useAVX512 = old2, old512 }()
	useAVX2, useAVX512 = false, false
	f(variantGeneric)
	if hasAVX2 {
		useAVX2 = true
		f(variantAVX2)
	}
	if hasAVX512 {
		useAVX512 = true
		f(variantAVX512)
	}
}

// TestRequiredVariant fails where SIAMESEIM_SIMD_REQUIRE names a variant that
// is not in use.
func TestRequiredVariant(t *testing.T) {
	if err := CheckEnvironment(); err != nil {
		t.Error(err)
	}
	t.Logf("variant in use: %s (SIAMESEIM_SIMD=%q)", Variant(), os.Getenv("SIAMESEIM_SIMD"))
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		narrow, require    string
		has2, has512       bool
		use2, use512, fail bool
	}{
		{"", "", false, false, false, false, false},
		{"", "", true, false, true, false, false},
		{"", "", true, true, true, true, false},
		{"", "", false, true, false, false, false},
		{"off", "", true, true, false, false, false},
		{"generic", "", true, true, false, false, false},
		{"avx2", "", true, true, true, false, false},
		{"avx2", "avx2", true, true, true, false, false},
		{"avx512", "", true, false, true, false, false},
		{"avx512", "avx512", true, false, true, false, true},
		{"avx512", "avx512", true, true, true, true, false},
		{"", "avx2", true, true, true, true, true},
		{"", "avx512bf16", true, true, true, true, false}, // init looks further
		{"avx2", "avx512bf16", true, true, true, false, true},
		{"off", "off", true, true, false, false, false},
		{"", "off", true, true, true, true, true},
		{"AVX2", "", true, true, true, true, true},
		{"", "sse9", true, true, true, true, true},
	} {
		use2, use512, err := choose(c.narrow, c.require, c.has2, c.has512)
		if use2 != c.use2 || use512 != c.use512 || (err != nil) != c.fail {
			t.Errorf("choose(%q, %q, %v, %v) = %v, %v, %v", c.narrow, c.require, c.has2, c.has512, use2, use512, err)
		}
	}
}

// forEachBF16Kernel is forEachVariant for the kernels of bfloat16 products, of
// which AVX-512 has two.
func forEachBF16Kernel(t testing.TB, f func(kernel string)) {
	t.Helper()
	old := useBF16
	defer func() { useBF16 = old }()
	forEachVariant(t, func(variant string) {
		useBF16 = false
		f(BF16Kernel())
		if variant == variantAVX512 && hasBF16 {
			useBF16 = true
			f(BF16Kernel())
		}
	})
}
