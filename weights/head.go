package weights

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Names of a head's tensors, timm's.
const (
	HeadNormWeight = "fc_norm.weight"
	HeadNormBias   = "fc_norm.bias"
	HeadWeight     = "head.weight"
	HeadBias       = "head.bias"
)

// MetadataLabels is the key of a safetensors file's metadata under which the
// labels of a head's scores stand, by commas. Without it they are 0 to K-1.
const MetadataLabels = "labels"

// readHead reads the classifier that stands beside an encoder. A head without
// fc_norm acts on something else than the mean of the patch tokens and is
// passed over, as any other part beside the encoder.
func (e *Encoder) readHead(s source, prefix string, labels []int64) error {
	shape := s.shape(prefix + HeadWeight)
	if s.shape(prefix+HeadNormWeight) == nil || len(shape) != 2 || e.FinalNorm {
		return nil
	}
	classes, d := shape[0], e.ViT.Dim
	if classes < 1 || shape[1] != d {
		return &UnsupportedError{e.Source, fmt.Sprintf("tensor %s%s has shape %v, want [K %d]", prefix, HeadWeight, shape, d)}
	}
	h := &Head{Labels: labels}
	if len(h.Labels) == 0 {
		for i := range classes {
			h.Labels = append(h.Labels, int64(i))
		}
	}
	if len(h.Labels) != classes {
		return &UnsupportedError{e.Source, fmt.Sprintf("%d labels for the %d scores of %s%s", len(h.Labels), classes, prefix, HeadWeight)}
	}
	for _, part := range []struct {
		name  string
		shape []int
		data  *[]float32
	}{
		{HeadNormWeight, []int{d}, &h.NormWeight}, {HeadNormBias, []int{d}, &h.NormBias},
		{HeadWeight, []int{classes, d}, &h.Weight}, {HeadBias, []int{classes}, &h.Bias},
	} {
		var err error
		if *part.data, err = e.tensor(s, prefix+part.name, part.shape); err != nil {
			return err
		}
	}
	e.Head = h
	return nil
}

// ParseLabels reads the labels of a head's scores, rising numbers by commas;
// the empty text is none.
func ParseLabels(text string) ([]int64, error) {
	if text == "" {
		return nil, nil
	}
	var labels []int64
	for part := range strings.SplitSeq(text, ",") {
		label, err := strconv.ParseInt(part, 10, 64)
		if err != nil || label < 0 || len(labels) > 0 && label <= labels[len(labels)-1] {
			return nil, fmt.Errorf("weights: labels %.40q: must be rising numbers from 0 on", text)
		}
		labels = append(labels, label)
	}
	return labels, nil
}

// FormatLabels writes what ParseLabels reads.
func FormatLabels(labels []int64) string {
	var text []string
	for _, label := range labels {
		text = append(text, strconv.FormatInt(label, 10))
	}
	return strings.Join(text, ",")
}

// tensor reads a tensor of that shape, all of whose values are finite.
func (e *Encoder) tensor(s source, name string, want []int) ([]float32, error) {
	shape := s.shape(name)
	switch {
	case shape == nil:
		return nil, &UnsupportedError{e.Source, fmt.Sprintf("no tensor %s, which this program's ViT has", name)}
	case !slices.Equal(shape, want):
		return nil, &UnsupportedError{e.Source, fmt.Sprintf("tensor %s has shape %v, want %v", name, shape, want)}
	}
	data, err := s.read(name)
	if err != nil {
		return nil, fmt.Errorf("weights: %s: %w", e.Source, err)
	}
	if at := notFinite(data); at >= 0 {
		return nil, fmt.Errorf("weights: %s: tensor %s: value %d is %v", e.Source, name, at, data[at])
	}
	return data, nil
}
