package objective

// Config says what network is trained and by which loss: the model half of a
// run's configuration (the optimiser's half is trainer.Config, which embeds
// this one). JSON names are those of the reference states.
type Config struct {
	Objective string `json:"objective" yaml:"objective"` // one of Names

	ImageSize       int     `json:"image_size" yaml:"image_size"`               // side S of a view, pixels
	Patch           int     `json:"patch" yaml:"patch"`                         // side p of a patch, pixels
	Dim             int     `json:"dim" yaml:"dim"`                             // encoder width D
	Depth           int     `json:"depth" yaml:"depth"`                         // encoder blocks
	Heads           int     `json:"heads" yaml:"heads"`                         // encoder attention heads
	LayerScale      float64 `json:"layer_scale" yaml:"layer_scale"`             // first gamma in the encoder's blocks; 0: no LayerScale
	DropPath        float64 `json:"drop_path" yaml:"drop_path"`                 // rate of the online encoder's last block, rising linearly from 0
	TrainPatchEmbed bool    `json:"train_patch_embed" yaml:"train_patch_embed"` // false: frozen at its initial value
	Masked          int     `json:"masked" yaml:"masked"`                       // patches of view 1 hidden from the online encoder (siameseim, mae)

	// siameseim's projector and predictor, mae's decoder.
	DecoderDim     int    `json:"decoder_dim" yaml:"decoder_dim"`         // their width
	DecoderHeads   int    `json:"decoder_heads" yaml:"decoder_heads"`     // their attention heads
	ProjectorDepth int    `json:"projector_depth" yaml:"projector_depth"` // siameseim: blocks after the projector's linear layer
	PredictorDepth int    `json:"predictor_depth" yaml:"predictor_depth"` // blocks before the predictor's head; of mae's decoder
	DecoderNorm    string `json:"decoder_norm" yaml:"decoder_norm"`       // siameseim: "batch" or "layer"

	Lambda              float64 `json:"lambda_" yaml:"lambda"`                            // weight of the loss's correlation term
	NormalisePrediction bool    `json:"normalise_prediction" yaml:"normalise_prediction"` // predictions through the target's LayerNorm too
	Relative            string  `json:"relative,omitempty" yaml:"relative,omitempty"`     // what the relative embedding tells, one of nn.RelativeKinds; "": full

	NormalisePixels bool `json:"normalise_pixels,omitempty" yaml:"normalise_pixels,omitempty"` // mae: each patch of the target to mean 0, variance 1

	// The MLP heads of simclr, mocov3, byol and simsiam (SPEC section 8).
	HeadHidden      int     `json:"head_hidden,omitempty" yaml:"head_hidden,omitempty"`           // width of the projector's hidden layers
	HeadOut         int     `json:"head_out,omitempty" yaml:"head_out,omitempty"`                 // width of what is compared
	PredictorHidden int     `json:"predictor_hidden,omitempty" yaml:"predictor_hidden,omitempty"` // width of the predictor's hidden layer; not simclr
	Temperature     float64 `json:"temperature,omitempty" yaml:"temperature,omitempty"`           // simclr, mocov3
}

// The objectives (SPEC sections 4 and 8).
const (
	SiameseIM = "siameseim" // the dense features of another crop, from a masked one
	MAE       = "mae"       // the pixels of a view's hidden patches
	SimCLR    = "simclr"    // the image's other view among all others
	MoCoV3    = "mocov3"    // the same, seen by a momentum branch
	BYOL      = "byol"      // a momentum branch's projection of the other view
	SimSiam   = "simsiam"   // the own projection of the other view, without gradient
)

// Names lists the objectives.
func Names() []string { return []string{SiameseIM, MAE, SimCLR, MoCoV3, BYOL, SimSiam} }

// WholeViews reports whether the objective compares two whole views of an
// image by MLP heads on their class tokens: all but siameseim and mae.
func (c *Config) WholeViews() bool { return c.Objective != SiameseIM && c.Objective != MAE }

// Views returns how many views of an image a step looks at: 1 for mae, else 2.
func (c *Config) Views() int {
	if c.Objective == MAE {
		return 1
	}
	return 2
}

// Masks reports whether patches of view 1 are hidden.
func (c *Config) Masks() bool { return !c.WholeViews() }

// Momentum reports whether the objective keeps a momentum branch.
func (c *Config) Momentum() bool {
	return c.Objective == SiameseIM || c.Objective == MoCoV3 || c.Objective == BYOL
}

// FinalNorm reports whether a LayerNorm, norm.weight and norm.bias, stands
// behind the encoder's blocks: in all but siameseim.
func (c *Config) FinalNorm() bool { return c.Objective != SiameseIM }

// LeastHeadBatch is what LeastBatch is with heads: their BatchNorm is over the
// images of one view.
const LeastHeadBatch = 2

// LeastBatch returns the images that a micro-batch must have.
func (c *Config) LeastBatch() int {
	if c.WholeViews() {
		return LeastHeadBatch
	}
	return 1
}

// Grid returns the patches along one side of a view.
func (c *Config) Grid() int { return c.ImageSize / c.Patch }

// Patches returns the patches N of a view.
func (c *Config) Patches() int { return c.Grid() * c.Grid() }

// Visible returns the patches of view 1 that the online encoder sees.
func (c *Config) Visible() int { return c.Patches() - c.Masked }
