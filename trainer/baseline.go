package trainer

import (
	"fmt"
	"slices"
	"strings"

	"siameseim/trainer/objective"
)

// For returns the preset with the recipe of an objective (SPEC section 8): the same encoder, optimiser, batch and
// epochs, beside
//   - heads, temperature, mask and momentum as published, whatever the preset's size: a head of 4096 costs a tenth
//     of the smallest encoder's operations at 32 pixels, and figures can be put beside others' then. demo, micro and
//     cifar-small have heads and a decoder that suit their minutes (SmallHeads);
//   - the rate of MAE and MoCo-v3, 1.5e-4 for 256 images, where the preset's is the paper's of SiameseIM; SimCLR,
//     BYOL and SimSiam were published on convolutional networks, so they have MoCo-v3's;
//   - BYOL's momentum for short runs, .99, in the presets whose own starts below the paper's;
//   - half the images at once where both views of each are kept for the backward pass.
//
// An unknown name is an error that lists the known ones.
func (p Preset) For(name string) (Preset, error) {
	c := &p.Config
	if !slices.Contains(objective.Names(), name) {
		return p, fmt.Errorf("trainer: objective %q: unknown, there are %s", name, strings.Join(objective.Names(), ", "))
	}
	c.Objective = name
	if name == objective.SiameseIM {
		return p, nil
	}
	long := p.BaseLR == paperBaseLR
	if long {
		p.BaseLR = baselineLR
	}
	c.Lambda, c.ProjectorDepth, c.DecoderNorm, c.EMA = 0, 0, "", 0
	if name == objective.MAE {
		c.Masked = c.Patches() - c.Patches()/4
		c.TrainPatchEmbed, c.NormalisePixels, c.PredictorDepth = true, true, 8
		if p.SmallHeads {
			c.PredictorDepth = 2
		}
		return p, nil
	}
	c.Masked, c.DecoderDim, c.DecoderHeads, c.PredictorDepth = 0, 0, 0, 0
	p.MicroBatch = max(p.MicroBatch/2, objective.LeastHeadBatch)
	c.HeadHidden, c.HeadOut, c.PredictorHidden = 4096, 256, 4096
	switch name {
	case objective.SimCLR:
		c.HeadHidden, c.HeadOut, c.PredictorHidden, c.Temperature = c.Dim, 128, 0, .1
	case objective.MoCoV3:
		c.Temperature, c.EMA = .2, .99
	case objective.BYOL:
		c.EMA = .99
		if long {
			c.EMA = .996
		}
	case objective.SimSiam:
		c.HeadHidden, c.HeadOut, c.PredictorHidden = 2048, 2048, 512
	}
	if p.SmallHeads {
		c.HeadHidden, c.HeadOut = min(c.HeadHidden, 512), min(c.HeadOut, 128)
		c.PredictorHidden = min(c.PredictorHidden, 512)
		if name == objective.SimSiam {
			c.HeadOut, c.PredictorHidden = 512, 128 // a bottleneck, as published
		}
	}
	return p, nil
}

// Rates for 256 images: SiameseIM's paper's, and MAE's and MoCo-v3's.
const (
	paperBaseLR = 6.25e-5
	baselineLR  = 1.5e-4
)
