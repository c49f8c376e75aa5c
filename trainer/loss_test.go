package trainer

import (
	"math"
	"testing"

	"siameseim/trainer/nn"
)

// TestLossChangesNothing: the loss of a batch is what a step on it finds, and looking for it moves nothing. In the
// first step the momentum branch is the online one still, so that both see the same networks.
func TestLossChangesNothing(t *testing.T) {
	forEachPrecision(t, func(t *testing.T, change func(*Config)) {
		watched, plain := newSmall(t, 1, change), newSmall(t, 1, change)
		c := plain.Config()
		for i := range 3 {
			b := syntheticBatch(&c, smallBatch, i)
			loss, err := watched.Loss(b)
			if err != nil {
				t.Fatal(err)
			}
			want, err := plain.Step(b)
			if err != nil {
				t.Fatal(err)
			}
			got, err := watched.Step(b)
			if err != nil {
				t.Fatal(err)
			}
			if got.Loss != want.Loss || got.GradNorm != want.GradNorm {
				t.Errorf("step %d: loss %v, gradient %v; without looking %v, %v", i+1, got.Loss, got.GradNorm, want.Loss, want.GradNorm)
			}
			if i == 0 && loss != want.Loss {
				t.Errorf("loss %v, the first step's is %v", loss, want.Loss)
			}
		}
		for i, list := range [][]nn.Buffer{watched.model.Buffers(), watched.model.TargetBuffers()} {
			other := [][]nn.Buffer{plain.model.Buffers(), plain.model.TargetBuffers()}[i]
			for j, b := range list {
				for k, v := range b.Data {
					if math.Float32bits(v) != math.Float32bits(other[j].Data[k]) {
						t.Fatalf("%s: %v, without looking %v", b.Name, v, other[j].Data[k])
					}
				}
			}
		}
		b := syntheticBatch(&c, smallBatch-1, 9)
		if _, err := watched.Loss(b); err == nil {
			t.Error("a batch of another size was taken")
		}
	})
}
