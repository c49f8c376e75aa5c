package nn

import (
	"fmt"
	"slices"
)

// Builder is what layers are built with: it plans their memory and collects
// one branch's parameters and buffers in the order in which they are made.
type Builder struct {
	Machine *Machine
	Arena   *Arena
	Batch   int // images of a micro-batch, at most

	// Train: gradients are planned for the parameters, and activations are
	// kept for a backward pass.
	Train bool
	// Fill gives a new parameter its values: Seeded, CopyOf or Shared.
	Fill func(p *Param, init Init) error

	Params  []*Param
	Buffers []Buffer
	err     error
}

// Err returns the first error that Fill gave.
func (b *Builder) Err() error { return b.err }

// Param makes a parameter. It has a gradient if both the builder and trained
// say so.
func (b *Builder) Param(name string, init Init, trained bool, shape ...int) *Param {
	n := 1
	for _, side := range shape {
		n *= side
	}
	p := &Param{Name: name, Shape: shape}
	b.Params = append(b.Params, p)
	b.Machine.plan.Weights += 4 * int64(n)
	if b.Train && trained {
		b.Arena.Keep(&p.Grad, n)
		b.Machine.plan.Gradients += 4 * int64(n)
	}
	if b.Machine.dry {
		return p
	}
	p.Data = make([]float32, n)
	if err := b.Fill(p, init); err != nil && b.err == nil {
		b.err = err
	}
	return p
}

// Buffer makes a buffer of n equal values.
func (b *Builder) Buffer(name string, n int, value float32) Buffer {
	data := make([]float32, n)
	for i := range data {
		data[i] = value
	}
	buffer := Buffer{name, data}
	b.Buffers = append(b.Buffers, buffer)
	return buffer
}

// CopyOf returns a Fill that copies the values of the parameter of the same
// name: a momentum branch starts so.
func CopyOf(params []*Param) func(*Param, Init) error {
	return withSource(params, func(p, source *Param) { copy(p.Data, source.Data) })
}

// Shared returns a Fill that makes parameters look at the same memory as those
// of the same name: a frozen encoder reads a training branch so.
func Shared(params []*Param) func(*Param, Init) error {
	return withSource(params, func(p, source *Param) { p.Data = source.Data })
}

func withSource(params []*Param, take func(p, source *Param)) func(*Param, Init) error {
	byName := make(map[string]*Param, len(params))
	for _, p := range params {
		byName[p.Name] = p
	}
	return func(p *Param, _ Init) error {
		source, ok := byName[p.Name]
		if !ok {
			return fmt.Errorf("nn: parameter %q: missing", p.Name)
		}
		if !slices.Equal(source.Shape, p.Shape) || len(source.Data) != len(p.Data) {
			return fmt.Errorf("nn: parameter %q: shape %v, want %v", p.Name, source.Shape, p.Shape)
		}
		take(p, source)
		return nil
	}
}
