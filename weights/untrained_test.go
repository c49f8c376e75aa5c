package weights

import (
	"slices"
	"testing"

	"siameseim/internal/team"
	"siameseim/trainer/nn"
)

// TestUntrainedIsTheStartOfTraining: the values are those that a network of
// the seed starts with, in the order of the encoder's own names.
func TestUntrainedIsTheStartOfTraining(t *testing.T) {
	e := &Encoder{ViT: nn.ViTConfig{ImageSize: 16, Patch: 8, Dim: 8, Depth: 2, Heads: 2, Tokens: 4, LayerScale: 1}, FinalNorm: true}
	u, err := e.Untrained(7)
	if err != nil {
		t.Fatal(err)
	}
	threads := team.New(1)
	defer threads.Close()
	if _, err := u.Frozen(2, threads); err != nil {
		t.Error(err)
	}
	want := &nn.Param{Name: "blocks.1.mlp.fc1.weight", Shape: []int{32, 8}, Data: make([]float32, 256)}
	if err := nn.Seeded(7)(want, nn.Xavier(32, 8)); err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(u.Params, func(p *nn.Param) bool { return p.Name == want.Name })
	if at < 0 || !slices.Equal(u.Params[at].Data, want.Data) {
		t.Errorf("parameter %d isn't what the seed draws", at)
	}
	if last := u.Params[len(u.Params)-2]; last.Name != "norm.weight" || last.Data[0] != 1 {
		t.Errorf("%s %v", last.Name, last.Data[0])
	}
	if _, err := (&Encoder{ViT: nn.ViTConfig{Dim: 6}}).Untrained(0); err == nil {
		t.Error("width 6: no error")
	}
}
