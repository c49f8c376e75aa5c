package objective

// Config says what network is trained and by which loss: the model half of a
// run's configuration (the optimiser's half is trainer.Config, which embeds
// this one). JSON names are those of the reference states.
type Config struct {
	Objective string `json:"objective" yaml:"objective"` // "siameseim"

	ImageSize       int     `json:"image_size" yaml:"image_size"`               // side S of a view, pixels
	Patch           int     `json:"patch" yaml:"patch"`                         // side p of a patch, pixels
	Dim             int     `json:"dim" yaml:"dim"`                             // encoder width D
	Depth           int     `json:"depth" yaml:"depth"`                         // encoder blocks
	Heads           int     `json:"heads" yaml:"heads"`                         // encoder attention heads
	LayerScale      float64 `json:"layer_scale" yaml:"layer_scale"`             // first gamma in the encoder's blocks; 0: no LayerScale
	DropPath        float64 `json:"drop_path" yaml:"drop_path"`                 // rate of the online encoder's last block, rising linearly from 0
	TrainPatchEmbed bool    `json:"train_patch_embed" yaml:"train_patch_embed"` // false: frozen at its initial value
	Masked          int     `json:"masked" yaml:"masked"`                       // patches of view 1 hidden from the online encoder

	DecoderDim     int    `json:"decoder_dim" yaml:"decoder_dim"`         // width of projector and predictor
	DecoderHeads   int    `json:"decoder_heads" yaml:"decoder_heads"`     // their attention heads
	ProjectorDepth int    `json:"projector_depth" yaml:"projector_depth"` // blocks after the projector's linear layer
	PredictorDepth int    `json:"predictor_depth" yaml:"predictor_depth"` // blocks before the predictor's head
	DecoderNorm    string `json:"decoder_norm" yaml:"decoder_norm"`       // "batch" or "layer"

	Lambda              float64 `json:"lambda_" yaml:"lambda"`                            // weight of the loss's correlation term
	NormalisePrediction bool    `json:"normalise_prediction" yaml:"normalise_prediction"` // predictions through the target's LayerNorm too
	Relative            string  `json:"relative,omitempty" yaml:"relative,omitempty"`     // what the relative embedding tells, one of nn.RelativeKinds; "": full
}

// Grid returns the patches along one side of a view.
func (c *Config) Grid() int { return c.ImageSize / c.Patch }

// Patches returns the patches N of a view.
func (c *Config) Patches() int { return c.Grid() * c.Grid() }

// Visible returns the patches of view 1 that the online encoder sees.
func (c *Config) Visible() int { return c.Patches() - c.Masked }
