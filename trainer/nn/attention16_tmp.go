package nn

import "siameseim/internal/simd"

// Until the tiled attention is there: conversion around the float32 one.
func conv(x []simd.BF16) []float32 { y := make([]float32, len(x)); simd.FromBF16(y, x); return y }

func (a *attention) forward16(out, qkv []simd.BF16, batch int) {
	n := batch * a.tokens * a.heads * a.width
	o := make([]float32, n)
	a.forward(o, conv(qkv[:3*n]), batch)
	simd.ToBF16(out[:n], o)
}

func (a *attention) backward16(dqkv, dout, out, qkv []simd.BF16, batch int) {
	n := batch * a.tokens * a.heads * a.width
	d := make([]float32, 3*n)
	a.backward(d, conv(dout[:n]), conv(out[:n]), conv(qkv[:3*n]), batch)
	simd.ToBF16(dqkv[:3*n], d)
}
