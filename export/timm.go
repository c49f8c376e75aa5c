package export

import (
	"bufio"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"siameseim/internal/safetensors"
	"siameseim/trainer/nn"
	"siameseim/views"
	"siameseim/weights"
)

// Metadata keys of an exported file, beside those of the caller.
const (
	MetadataCall      = "timm"      // the call that makes the model (Call)
	MetadataHeads     = "num_heads" // which no tensor tells; package weights reads it back
	MetadataObjective = "objective" // likewise; absent where nothing tells it
)

// Call returns the Python expression for the timm model (1.0 or newer) that
// takes an encoder's exported weights strictly: every name, and none else.
// vit_base_patch16_224 is timm's plain ViT; the arguments make it this one. An
// encoder with a head is a classifier: num_classes scores of the patches' mean.
func Call(e *weights.Encoder) string {
	v := &e.ViT
	scale, norm := "None", "False"
	if v.LayerScale != 0 {
		scale = "1.0" // that there is one; its values are loaded
	}
	if e.FinalNorm {
		norm = "True"
	}
	head := "num_classes=0, final_norm=" + norm
	if e.Head != nil {
		// The mean's own norm, fc_norm, takes the place of the final one.
		head = fmt.Sprintf("num_classes=%d, global_pool='avg'", len(e.Head.Labels))
	}
	return fmt.Sprintf("timm.create_model('vit_base_patch16_224', %s, img_size=%d, patch_size=%d, embed_dim=%d, depth=%d, num_heads=%d, init_values=%s)",
		head, v.ImageSize, v.Patch, v.Dim, v.Depth, v.Heads, scale)
}

// Tensors returns an encoder's weights under timm's names: those of Params, and
// pos_embed [1, 1+N, D] with the positions that the encoder uses. The class
// token's position is zero, since cls_token holds it already. With a head its
// tensors come last: fc_norm, head.
func Tensors(e *weights.Encoder) []safetensors.Tensor {
	var list []safetensors.Tensor
	for _, p := range e.Params {
		list = append(list, safetensors.Tensor{Name: p.Name, Shape: p.Shape, Data: p.Data})
	}
	v := &e.ViT
	positions := e.Positions
	if positions == nil {
		positions = nn.Positions(v.Dim, v.ImageSize/v.Patch)
	}
	table := append(make([]float32, v.Dim), positions...)
	list = append(list, safetensors.Tensor{Name: "pos_embed", Shape: []int{1, 1 + v.Tokens, v.Dim}, Data: table})
	if h := e.Head; h != nil {
		classes := len(h.Labels)
		list = append(list,
			safetensors.Tensor{Name: weights.HeadNormWeight, Shape: []int{v.Dim}, Data: h.NormWeight},
			safetensors.Tensor{Name: weights.HeadNormBias, Shape: []int{v.Dim}, Data: h.NormBias},
			safetensors.Tensor{Name: weights.HeadWeight, Shape: []int{classes, v.Dim}, Data: h.Weight},
			safetensors.Tensor{Name: weights.HeadBias, Shape: []int{classes}, Data: h.Bias})
	}
	return list
}

// WriteTimm writes an encoder to a safetensors file that timm loads strictly
// (Call), and returns the number of tensors. about goes into the file's metadata
// besides: it must not depend on time or machine, or the file's bytes will.
func WriteTimm(path string, e *weights.Encoder, about map[string]string) (tensors int, err error) {
	metadata := maps.Clone(about)
	if metadata == nil {
		metadata = map[string]string{}
	}
	metadata["format"] = "pt" // what other readers take for "made for PyTorch"
	metadata[MetadataCall] = Call(e)
	metadata[MetadataHeads] = strconv.Itoa(e.ViT.Heads)
	metadata["mean"], metadata["std"] = numbers(views.Mean), numbers(views.Std)
	if e.Objective != "" {
		metadata[MetadataObjective] = e.Objective
	}
	if e.Head != nil {
		metadata[weights.MetadataLabels] = weights.FormatLabels(e.Head.Labels)
	}
	f, err := create(path)
	if err != nil {
		return 0, err
	}
	defer f.drop()
	list, w := Tensors(e), bufio.NewWriterSize(f, 1<<20)
	if err := safetensors.Write(w, metadata, list); err != nil {
		return 0, fmt.Errorf("export: %s: %w", path, err)
	}
	if err := w.Flush(); err != nil {
		return 0, fmt.Errorf("export: %w", err)
	}
	return len(list), f.keep()
}

// numbers writes a channel statistic as timm's configurations have it.
func numbers(values [3]float32) string {
	var text []string
	for _, v := range values {
		text = append(text, strconv.FormatFloat(float64(v), 'g', -1, 32))
	}
	return strings.Join(text, ", ")
}
