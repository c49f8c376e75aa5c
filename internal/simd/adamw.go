package simd

import "math"

// AdamWStep holds the numbers of one AdamW update.
type AdamWStep struct {
	LR, Beta1, Beta2, Eps, WeightDecay float64
	GradScale                          float64 // multiplies every gradient before use (clipping); 1 for none
	Step                               int64   // counts updates from 1; corrects the moments' bias
}

// adamWFactors are AdamWStep's numbers as the kernels use them. The assembly
// reads the fields by their order.
type adamWFactors struct {
	gradScale      float32
	beta1, weight1 float32 // β1, 1-β1
	beta2, weight2 float32 // β2, 1-β2
	decay          float32 // 1 - lr*weight decay
	stepSize       float32 // lr / (1-β1^t)
	rootScale      float32 // 1 / √(1-β2^t)
	eps            float32
}

func (h AdamWStep) factors() adamWFactors {
	t := float64(h.Step)
	return adamWFactors{
		gradScale: float32(h.GradScale),
		beta1:     float32(h.Beta1),
		weight1:   float32(1 - h.Beta1),
		beta2:     float32(h.Beta2),
		weight2:   float32(1 - h.Beta2),
		decay:     float32(1 - h.LR*h.WeightDecay),
		stepSize:  float32(h.LR / (1 - math.Pow(h.Beta1, t))),
		rootScale: float32(1 / math.Sqrt(1-math.Pow(h.Beta2, t))),
		eps:       float32(h.Eps),
	}
}

// AdamW updates param and the moments m and v in place and clears grad, in one
// pass over memory; all four slices have the same length. With
// g = GradScale*grad[i]:
//
//	m = β1 m + (1-β1) g
//	v = β2 v + (1-β2) g²
//	param = param (1 - lr wd) - lr/(1-β1^t) m / (√v / √(1-β2^t) + eps)
//	grad = 0
//
// which is torch.optim.AdamW (decoupled decay, no amsgrad) and zero_grad. The
// update is per element: any split gives the same bits.
func AdamW(param, grad, m, v []float32, h AdamWStep) {
	mustMatch("AdamW", "grad", len(grad), len(param))
	mustMatch("AdamW", "m", len(m), len(param))
	mustMatch("AdamW", "v", len(v), len(param))
	f := h.factors()
	adamW(param, grad, m, v, &f)
}

func adamWGeneric(param, grad, m, v []float32, f *adamWFactors) {
	grad, m, v = grad[:len(param)], m[:len(param)], v[:len(param)]
	for i, p := range param {
		g := float32(grad[i] * f.gradScale)
		m1 := float32(f.beta1*m[i]) + float32(f.weight1*g)
		v1 := float32(f.beta2*v[i]) + float32(f.weight2*float32(g*g))
		m[i], v[i] = m1, v1
		root := float32(float32(math.Sqrt(float64(v1)))*f.rootScale) + f.eps
		param[i] = float32(p*f.decay) - float32(f.stepSize*(m1/root))
	}
	clear(grad)
}
