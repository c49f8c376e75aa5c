package finetune

import (
	"fmt"
	"slices"

	"siameseim/internal/team"
	"siameseim/trainer/nn"
	"siameseim/weights"
)

// Classifier is a network's forward pass: an evaluate.Encoder of scores. For
// one goroutine at a time.
type Classifier struct {
	net  *network
	size int
}

// NewClassifier returns the classifier of an encoder with a head, for at most
// batch images at a time. It looks at the encoder's memory.
func NewClassifier(e *weights.Encoder, batch int, precision nn.Precision, threads *team.Team) (*Classifier, error) {
	if e.Head == nil {
		return nil, fmt.Errorf("finetune: %s: no classifier beside the encoder", e.Source)
	}
	v := e.ViT
	v.DropPath = 0
	params := append(slices.Clone(e.Params), headParams(e.Head, v.Dim)...)
	net, err := newNetwork(v, len(e.Head.Labels), batch, false, precision, threads, nn.Shared(params))
	if err != nil {
		return nil, err
	}
	return &Classifier{net: net, size: v.ImageSize}, nil
}

// headParams names a head's tensors as parameters, in the network's order.
func headParams(h *weights.Head, dim int) []*nn.Param {
	return []*nn.Param{
		{Name: weights.HeadNormWeight, Shape: []int{dim}, Data: h.NormWeight},
		{Name: weights.HeadNormBias, Shape: []int{dim}, Data: h.NormBias},
		{Name: weights.HeadWeight, Shape: []int{len(h.Labels), dim}, Data: h.Weight},
		{Name: weights.HeadBias, Shape: []int{len(h.Labels)}, Data: h.Bias},
	}
}

// Size is the side of the images.
func (c *Classifier) Size() int { return c.size }

// Dim is the number of classes.
func (c *Classifier) Dim() int { return c.net.classes }

// Features writes the scores [n, Dim] of normalised images.
func (c *Classifier) Features(dst, images []float32, n int) {
	copy(dst, c.net.forward(images, n, nn.DropKey{}))
}

// Encoder returns a copy of the network as it stands, its classifier in Head;
// with EMA the average of the weights. It is what is judged and handed on.
func (t *Tuner) Encoder() *weights.Encoder {
	params := t.net.params
	if t.average != nil {
		params = t.average
	}
	e := t.encoder
	e.Head = &weights.Head{Labels: slices.Clone(t.labels)}
	for _, p := range params {
		data := slices.Clone(p.Data)
		switch p.Name {
		case weights.HeadNormWeight:
			e.Head.NormWeight = data
		case weights.HeadNormBias:
			e.Head.NormBias = data
		case weights.HeadWeight:
			e.Head.Weight = data
		case weights.HeadBias:
			e.Head.Bias = data
		default:
			e.Params = append(e.Params, &nn.Param{Name: p.Name, Shape: p.Shape, Data: data})
		}
	}
	return &e
}
