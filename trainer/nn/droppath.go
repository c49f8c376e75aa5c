package nn

// DropKey says which step and which images a forward pass is for: all that
// DropPath's random numbers depend on.
type DropKey struct {
	Seed uint64
	Step int64 // optimiser step
	Row  int   // row of the step's whole batch that the micro-batch's first image has
}

// dropScale returns what a sample's residual branch is multiplied by: 0 if it
// is dropped, 1/(1-rate) if it is kept. A pure function of (seed, step, row,
// branch), where branch counts the residual branches of the network: two a
// block.
func dropScale(key DropKey, row, branch int, rate float64) float32 {
	if rate == 0 {
		return 1
	}
	h := key.Seed
	for _, v := range [...]uint64{uint64(key.Step), uint64(key.Row + row), uint64(branch)} {
		h = mix(h ^ mix(v+golden))
	}
	if uniform := float64(h>>11) / (1 << 53); uniform >= 1-rate {
		return 0
	}
	return float32(1 / (1 - rate))
}

// golden is 2^64 divided by the golden ratio, splitmix64's increment.
const golden = 0x9E3779B97F4A7C15

// mix is splitmix64's finaliser (Steele, Lea and Flood 2014): every bit of v
// changes half of the result's.
func mix(v uint64) uint64 {
	v += golden
	v = (v ^ v>>30) * 0xBF58476D1CE4E5B9
	v = (v ^ v>>27) * 0x94D049BB133111EB
	return v ^ v>>31
}
