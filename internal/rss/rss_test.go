package rss

import (
	"runtime"
	"testing"
)

// TestPeak: memory that was written to counts, also after it is gone.
func TestPeak(t *testing.T) {
	before := Peak()
	if before == 0 {
		t.Skipf("%s doesn't tell", runtime.GOOS)
	}
	const size = 64 << 20
	memory := make([]byte, size)
	for i := 0; i < size; i += 4096 {
		memory[i] = 1
	}
	runtime.KeepAlive(memory)
	if got := Peak() - before; got < size/2 {
		t.Errorf("%d bytes more after %d were written", got, size)
	}
}
