package weights

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"siameseim/trainer/nn"
)

// first is the tensor that every ViT has: what stands before it is the prefix
// of the encoder's names.
const first = "patch_embed.proj.weight"

// build finds the encoder among a file's tensors and reads it.
func build(s source, file string, opt Options, t told) (*Encoder, error) {
	unsupported := func(format string, args ...any) error {
		return &UnsupportedError{file, fmt.Sprintf(format, args...)}
	}
	prefix, err := choose(s.names(), opt.Branch)
	if err != nil {
		return nil, unsupported("%v", err)
	}
	shape := func(name string) []int { return s.shape(prefix + name) }

	e := &Encoder{Objective: t.objective, Source: file}
	v := &e.ViT
	patch := shape(first)
	if len(patch) != 4 || patch[1] != 3 || patch[2] != patch[3] || patch[2] < 1 || patch[0] < 1 {
		return nil, unsupported("%s%s has shape %v, want [D, 3, p, p]", prefix, first, patch)
	}
	v.Dim, v.Patch = patch[0], patch[2]
	if v.Depth, err = blocks(s.names(), prefix); err != nil {
		return nil, unsupported("%v", err)
	}
	if !slices.Equal(shape("cls_token"), []int{1, 1, v.Dim}) {
		return nil, unsupported("%scls_token has shape %v, want [1 1 %d]: the encoder needs a class token", prefix, shape("cls_token"), v.Dim)
	}
	if v.Heads, err = heads(opt.Heads, t.heads, v.Dim, prefix); err != nil {
		return nil, unsupported("%v", err)
	}
	if gamma := shape("blocks.0.ls1.gamma"); gamma != nil {
		v.LayerScale = 1 // that there is one; its values are the file's
	}
	e.FinalNorm = shape("norm.weight") != nil

	if err := e.readParams(s, prefix); err != nil {
		return nil, err
	}
	if err := e.readHead(s, prefix, t.labels); err != nil {
		return nil, err
	}
	if err := e.place(s, prefix, opt.ImageSize, t.imageSize); err != nil {
		return nil, err
	}
	return e, nil
}

// choose returns the prefix of the branch's names: of the names that end in
// patch_embed.proj.weight the one that stands for the branch.
func choose(names []string, branch string) (string, error) {
	var online, momentum []string
	for _, name := range names {
		prefix, ok := strings.CutSuffix(name, first)
		if !ok || prefix != "" && !strings.HasSuffix(prefix, ".") {
			continue
		}
		if isMomentum(prefix) {
			momentum = append(momentum, prefix)
		} else {
			online = append(online, prefix)
		}
	}
	list, what := online, "online"
	if branch == "target" {
		list, what = momentum, "target"
	}
	switch {
	case len(online)+len(momentum) == 0:
		return "", fmt.Errorf("no tensor %s under any prefix: no ViT that this program knows", first)
	case len(list) == 0 && branch == "target":
		return "", fmt.Errorf("it has no momentum branch: branch target can't be read")
	case len(list) == 0:
		return "", fmt.Errorf("it has a momentum branch only (%s): read it as branch target", strings.Join(momentum, ", "))
	case len(list) > 1:
		return "", fmt.Errorf("several encoders could be the %s branch: %q", what, list)
	}
	return list[0], nil
}

// isMomentum tells a momentum branch by the words that projects use for it.
func isMomentum(prefix string) bool {
	for part := range strings.SplitSeq(prefix, ".") {
		switch part {
		case "target", "momentum_encoder", "teacher", "ema", "model_ema", "state_dict_ema", "target_encoder":
			return true
		}
	}
	return false
}

// known is what a block may hold.
var known = []string{
	"norm1.weight", "norm1.bias", "attn.qkv.weight", "attn.qkv.bias", "attn.proj.weight", "attn.proj.bias", "ls1.gamma",
	"norm2.weight", "norm2.bias", "mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias", "ls2.gamma",
}

// strange are parts beside the blocks without which features would be wrong.
var strange = []string{"dist_token", "reg_token", "register_tokens", "norm_pre.weight", "patch_embed.norm.weight", "rel_pos_bias.relative_position_bias_table"}

// blocks counts the blocks and looks for parts that the ViT hasn't.
func blocks(names []string, prefix string) (int, error) {
	seen := map[int]bool{}
	for _, name := range names {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		if slices.Contains(strange, rest) {
			return 0, fmt.Errorf("%s: a part of the encoder that this program's ViT hasn't", name)
		}
		rest, ok = strings.CutPrefix(rest, "blocks.")
		if !ok {
			continue
		}
		number, part, _ := strings.Cut(rest, ".")
		index, err := strconv.Atoi(number)
		if err != nil || index < 0 || index >= 1<<10 || !slices.Contains(known, part) {
			return 0, fmt.Errorf("%s: a part of the encoder that this program's ViT hasn't", name)
		}
		seen[index] = true
	}
	if len(seen) == 0 {
		return 0, fmt.Errorf("no tensors %sblocks.0.*", prefix)
	}
	for i := range len(seen) {
		if !seen[i] {
			return 0, fmt.Errorf("%d blocks, but no %sblocks.%d", len(seen), prefix, i)
		}
	}
	return len(seen), nil
}

// heads returns the number of attention heads, which no tensor tells.
func heads(asked, told, dim int, prefix string) (int, error) {
	n := asked
	if n == 0 {
		n = told
	}
	if asked > 0 && told > 0 && asked != told {
		return 0, fmt.Errorf("%d heads asked for, the file was trained with %d", asked, told)
	}
	if n == 0 {
		switch {
		case dim == 384 && strings.Contains(prefix, "base_encoder."), dim == 384 && strings.Contains(prefix, "momentum_encoder."):
			n = 12 // MoCo-v3's ViT-S
		case dim == 1280, dim == 1408, dim == 1664:
			n = 16 // ViT-H, -g and -G
		case dim%64 == 0:
			n = dim / 64
		default:
			return 0, fmt.Errorf("the file doesn't tell its attention heads: give their number (--heads)")
		}
	}
	if n < 1 || dim%n != 0 {
		return 0, fmt.Errorf("%d heads don't divide the width %d", n, dim)
	}
	return n, nil
}

// readParams reads the tensors that a ViT of this configuration has, and
// checks shapes and values.
func (e *Encoder) readParams(s source, prefix string) error {
	d, p := e.ViT.Dim, e.ViT.Patch
	type want struct {
		name  string
		shape []int
	}
	list := []want{{first, []int{d, 3, p, p}}, {"patch_embed.proj.bias", []int{d}}, {"cls_token", []int{1, 1, d}}}
	for i := range e.ViT.Depth {
		block := fmt.Sprintf("blocks.%d.", i)
		for _, part := range known {
			shape := []int{d}
			switch part {
			case "attn.qkv.weight":
				shape = []int{3 * d, d}
			case "attn.qkv.bias":
				shape = []int{3 * d}
			case "attn.proj.weight":
				shape = []int{d, d}
			case "mlp.fc1.weight":
				shape = []int{4 * d, d}
			case "mlp.fc1.bias":
				shape = []int{4 * d}
			case "mlp.fc2.weight":
				shape = []int{d, 4 * d}
			case "ls1.gamma", "ls2.gamma":
				if e.ViT.LayerScale == 0 {
					continue
				}
			}
			list = append(list, want{block + part, shape})
		}
	}
	if e.FinalNorm {
		list = append(list, want{"norm.weight", []int{d}}, want{"norm.bias", []int{d}})
	}
	for _, w := range list {
		data, err := e.tensor(s, prefix+w.name, w.shape)
		if err != nil {
			return err
		}
		e.Params = append(e.Params, &nn.Param{Name: w.name, Shape: w.shape, Data: data})
	}
	return nil
}

func notFinite(data []float32) int {
	return slices.IndexFunc(data, func(v float32) bool { return v-v != 0 })
}
