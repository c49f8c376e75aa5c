package simd

// productGeneric is product in plain Go: B goes through panels of four columns, so
// that the inner loop reads it in order whatever its layout.
func (w *Workspace) productGeneric(c []float32, ldc int, a []float32, ars, aks int, b []float32, bks, bcs int, m, n, k int, accumulate bool, done finish) {
	const width = 4
	chunk := chunkK(k)
	w.blockB = grow(w.blockB, maxChunkK*width)
	for k0 := 0; k0 < k; k0 += chunk {
		kc := min(chunk, k-k0)
		add := accumulate || k0 > 0
		for j0 := 0; j0 < n; j0 += width {
			cols := min(width, n-j0)
			panel := w.blockB[:kc*width]
			clear(panel)
			for p := range kc {
				for j := range cols {
					panel[p*width+j] = b[(k0+p)*bks+(j0+j)*bcs]
				}
			}
			for i := range m {
				var s0, s1, s2, s3 float32
				at := i*ars + k0*aks
				for q := 0; q < len(panel); q += width {
					p := panel[q : q+width : q+width]
					x := a[at]
					at += aks
					s0 += float32(x * p[0])
					s1 += float32(x * p[1])
					s2 += float32(x * p[2])
					s3 += float32(x * p[3])
				}
				sums := [width]float32{s0, s1, s2, s3}
				row := c[i*ldc+j0 : i*ldc+j0+cols]
				if add {
					for j := range row {
						row[j] += sums[j]
					}
				} else {
					copy(row, sums[:])
				}
			}
		}
	}
	done.tile(c, ldc, 0, m, 0, n)
}

// grow returns a slice of n elements, s's own where it is large enough.
func grow(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
