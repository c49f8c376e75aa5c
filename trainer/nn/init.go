package nn

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
)

// Init is how a parameter gets its first values (SPEC section 3).
type Init struct {
	kind  initKind
	value float64
}

type initKind uint8

const (
	constant initKind = iota
	uniform
	normal
)

// Constant fills with a value: 0 for biases, 1 for norms, LayerScale's gamma.
func Constant(value float64) Init { return Init{constant, value} }

// Uniform draws from [-bound, bound).
func Uniform(bound float64) Init { return Init{uniform, bound} }

// Normal draws from N(0, deviation^2).
func Normal(deviation float64) Init { return Init{normal, deviation} }

// Xavier is Xavier uniform (Glorot and Bengio 2010) for a weight [out, in].
func Xavier(out, in int) Init { return Uniform(math.Sqrt(6 / float64(out+in))) }

// Seeded returns a Fill that draws: a pure function of the seed and the
// parameter's name, whatever else the network has.
func Seeded(seed uint64) func(*Param, Init) error {
	return func(p *Param, init Init) error {
		text := binary.LittleEndian.AppendUint64([]byte("siameseim initialisation "), seed)
		sum := sha256.Sum256(append(text, p.Name...))
		rng := rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:8]), binary.LittleEndian.Uint64(sum[8:16])))
		for i := range p.Data {
			switch init.kind {
			case constant:
				p.Data[i] = float32(init.value)
			case uniform:
				p.Data[i] = float32(init.value * (2*rng.Float64() - 1))
			case normal:
				p.Data[i] = float32(init.value * rng.NormFloat64())
			}
		}
		return nil
	}
}
