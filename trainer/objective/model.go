package objective

import "siameseim/trainer/nn"

// Model is an objective on its network: both branches and the loss. Forward
// and Backward allocate nothing; a Model is for one goroutine at a time.
//
// The order of a step is the trainer's: momentum update of TargetParams,
// zeroed gradients, then for each micro-batch Forward and Backward, then the
// optimiser. A changed Data of a Param counts from the next Forward on.
type Model interface {
	// Params returns the online branch, trained and frozen, in a fixed order.
	Params() []*nn.Param
	// TargetParams returns the momentum branch under the online branch's
	// names, nil if there is none. All of them are averages of Params.
	TargetParams() []*nn.Param
	// Buffers and TargetBuffers return the BatchNorm averages of each branch.
	// Forward moves them.
	Buffers() []nn.Buffer
	TargetBuffers() []nn.Buffer

	// Forward runs both branches on one micro-batch and returns its loss. An
	// error names what in the input doesn't fit the configuration; nothing
	// has been computed then. A loss that isn't finite is no error.
	Forward(in *nn.Input, key nn.DropKey) (loss float64, err error)
	// Backward adds scale times the gradient of the last Forward's loss to
	// the Grad of every trained Param. Once per Forward; the input's slices
	// must still hold what Forward saw.
	Backward(scale float32)

	// Prediction and Target return what the last loss compared: [B, N, Dd] for
	// siameseim, [B, N, 3pp] for mae (all patches), unit rows [2, B, out] for
	// the others, the first index being the view; simclr has no Target. The
	// model's memory, valid until the next Forward.
	Prediction() []float32
	Target() []float32
	// RelativeEmbedding returns [B, N, 2 Dd] of the last Forward, nil where
	// the objective has none.
	RelativeEmbedding() []float32
	// Health measures the last Forward's signs of collapse.
	Health() Health
}

// Health watches for collapse: all three sink towards 0 (Rank towards 1) when
// the network answers the same to everything.
type Health struct {
	// TargetStd and PredictionStd: the standard deviation over rows (root of
	// the mean variance over channels) of the targets and of the predictions.
	// Near 1 where all rows differ: siameseim's are measured through the
	// targets' LayerNorm; of unit rows it is the root of the channels' summed
	// variance, and simclr's two are one; mae's are those of the hidden
	// patches' pixels.
	TargetStd, PredictionStd float64
	// Rank is the effective rank (tr C)^2 / |C|^2 of the targets'
	// correlation; 0 for mae, and for siameseim where the loss doesn't need C.
	Rank float64
}
