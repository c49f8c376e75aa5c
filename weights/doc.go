// Package weights reads encoders: this project's checkpoints, safetensors
// files with our or timm's names, and PyTorch's .pth and .pt files, which are
// read without executing them (internal/pth).
//
// An encoder is a ViT of pre-norm blocks with a class token: patch_embed.proj,
// cls_token, blocks.I, with or without pos_embed and a final norm, under any
// prefix ("model.", "state_dict.module.base_encoder."). What stands beside it
// in a file, such as heads, decoders and optimiser states, is passed over; what
// stands inside and isn't known (registers, q_norm, SwiGLU) is an
// *UnsupportedError, since features without it would be wrong.
//
// A classifier on the mean of the patch tokens, as fine-tuning makes one and as
// timm's global_pool='avg' has it (fc_norm, head), is read with the encoder.
//
// Positions are resized for images of another size as timm does: bicubic,
// a = -0.5, with antialiasing.
package weights

import (
	"fmt"

	"siameseim/internal/team"
	"siameseim/trainer/nn"
)

// Options choose what of a file is read, and how.
type Options struct {
	// Branch is "online" (or empty) or "target", the momentum branch of our
	// checkpoints and of MoCo-v3's.
	Branch string
	// ImageSize is the side of the images, in pixels; 0: that of the weights.
	// A multiple of the patch's side.
	ImageSize int
	// Heads is the number of attention heads, for files that don't tell; 0:
	// Dim/64, and what published ViTs of other widths have.
	Heads int
}

// Encoder is the weights of an encoder and what they are.
type Encoder struct {
	ViT       nn.ViTConfig // of all patches; without DropPath
	Params    []*nn.Param  // by the names of docs/formats/checkpoint.md, in that order; then norm.weight and norm.bias with FinalNorm
	FinalNorm bool         // a LayerNorm (eps 1e-6) follows the blocks
	Positions []float32    // [G*G, D] of the patches; nil: the fixed sines and cosines. The class token's is part of cls_token
	Objective string       // that the weights were trained by; empty where the file doesn't tell
	Source    string       // the file
	Head      *Head        // a classifier on the mean of the patch tokens; nil without
}

// A Head makes scores of an encoder: Weight LayerNorm(mean of the patch tokens)
// + Bias, with eps 1e-6. It takes the place of a final norm.
type Head struct {
	NormWeight, NormBias []float32 // [D]
	Weight               []float32 // [K, D]
	Bias                 []float32 // [K]
	Labels               []int64   // [K] rising: score j is that of label Labels[j]
}

// An UnsupportedError is a network that isn't this package's ViT.
type UnsupportedError struct {
	File  string
	Cause string
}

func (e *UnsupportedError) Error() string { return fmt.Sprintf("weights: %s: %s", e.File, e.Cause) }

// Frozen is an encoder ready to run: all patches, no gradient. For one
// goroutine at a time.
type Frozen struct {
	vit    *nn.ViT
	norm   *nn.LayerNorm // nil without a final norm
	config nn.ViTConfig
	batch  int
}

// Frozen returns the encoder for at most batch images at a time. It looks at
// the memory of Params.
func (e *Encoder) Frozen(batch int, t *team.Team) (*Frozen, error) {
	if batch < 1 || batch > 1<<16 {
		return nil, fmt.Errorf("weights: batch %d: must be from 1 to %d", batch, 1<<16)
	}
	arena := new(nn.Arena)
	b := &nn.Builder{Machine: nn.NewMachine(t, nil), Arena: arena, Batch: batch, Fill: nn.Shared(e.Params)}
	f := &Frozen{config: e.ViT, batch: batch, vit: nn.NewViT(b, e.ViT)}
	if e.FinalNorm {
		f.norm = nn.NewLayerNorm(b, "norm", e.ViT.Dim, batch*(1+e.ViT.Tokens))
	}
	if err := b.Err(); err != nil {
		return nil, fmt.Errorf("weights: %s: %w", e.Source, err)
	}
	b.Machine.Plan(arena)
	arena.Allocate()
	return f, nil
}

// Size returns the side of the images, in pixels.
func (f *Frozen) Size() int { return f.config.ImageSize }

// Tokens returns the tokens of an image, 1 + N: the class token, then the
// patches in row order.
func (f *Frozen) Tokens() int { return 1 + f.config.Tokens }

// Dim returns the width D of a token.
func (f *Frozen) Dim() int { return f.config.Dim }

// Forward returns the tokens [n, 1+N, D] of normalised images [n, 3, S, S],
// after the final norm if there is one; they are the encoder's memory, valid
// until the next call. It allocates nothing. n is at most the batch.
func (f *Frozen) Forward(images []float32, n int) ([]float32, error) {
	if n < 1 || n > f.batch {
		return nil, fmt.Errorf("weights: %d images: must be from 1 to %d", n, f.batch)
	}
	if want := n * 3 * f.Size() * f.Size(); len(images) < want {
		return nil, fmt.Errorf("weights: %d pixel values for %d images, want %d", len(images), n, want)
	}
	f.vit.Forward(images, nil, n, nn.DropKey{})
	out := f.vit.Out()[:n*f.Tokens()*f.Dim()]
	if f.norm != nil {
		f.norm.Forward(out, out, n*f.Tokens())
	}
	return out, nil
}
