package experiment

import (
	"fmt"
	"math"
)

// A sign is something in a run's figures that looks like a collapse or like
// features that don't get better, and what to try.
type sign struct{ name, text string }

// Limits of the signs. Healthy runs stay well on the other side: in the demo
// targets deviate by .4 to .5, predictions by .2 to .4, and RankMe is 8 to 10 of
// 96 (features aren't centred, and what they share counts as one dimension).
const (
	collapsedTarget     = .15 // standard deviation of normalised targets
	collapsedPrediction = .05
	collapsedRank       = .03 // RankMe as a share of what it could be
	leastRank           = 1.5 // whatever the width
	judgedFrom          = .2  // of the schedule: predictions are nearly the same at the start of every run
	lateFrom            = .5  // of the schedule: features should beat untrained ones by then
)

// signs reads an evaluation on the held subset after a share of the schedule's
// steps, beside that of the untrained network. Values that aren't known (NaN,
// and 0 for the deviations) say nothing.
func (p *plan) signs(at, untrained heldLine, done float64) []sign {
	var list []sign
	say := func(name, format string, args ...any) {
		list = append(list, sign{name, fmt.Sprintf(format, args...)})
	}
	if std := float64(at.TargetStd); std > 0 && std < collapsedTarget {
		say("target", "the targets are nearly the same for all patches (target_std %.3f): the network is collapsing. %s", std, p.againstCollapse())
	}
	if std := float64(at.PredictionStd); std > 0 && std < collapsedPrediction && done >= judgedFrom {
		say("prediction", "the predictions are nearly the same for all patches (prediction_std %.3f). %s", std, p.againstConstant())
	}
	reach := float64(min(at.Features, at.Test))
	if rank := float64(at.RankMe); !math.IsNaN(rank) && done >= judgedFrom && rank < max(collapsedRank*reach, leastRank) {
		say("rank", "the features use %.1f of %.0f dimensions (rankme). %s", rank, reach, p.againstCollapse())
	}
	if untrained.Step == 0 && done >= lateFrom && at.High < untrained.Low {
		say("knn", "after %.0f %% of the steps the features are worse in kNN than the untrained network's (%.1f %% of the held images, %.1f %%). "+
			"Look at the views (viewgen preview); try a lower --lr, --views.scale with larger crops, or --colour weak.", 100*done, 100*at.Accuracy, 100*untrained.Accuracy)
	}
	return list
}

// againstCollapse names what keeps this objective's targets apart.
func (p *plan) againstCollapse() string {
	switch p.Objective {
	case "mae":
		return "MAE cannot collapse to a constant, so look at the data: are the images different at all? Try a lower --lr."
	case "simclr":
		return "Try a larger --batch (its other images are the negatives), a lower --lr, a longer --warmup-steps."
	case "simsiam":
		return "Try a lower --lr, a larger --batch for its BatchNorm, a longer --warmup-steps."
	}
	text := "Try a slower target (--ema nearer to 1), a lower --lr, a longer --warmup-steps, --clip 1."
	if p.Objective == "siameseim" {
		text += " For siameseim also --decoder-norm batch and a larger --lambda, which pushes different targets apart."
	}
	return text
}

// againstConstant names what lets this objective's predictions differ.
func (p *plan) againstConstant() string {
	switch p.Objective {
	case "siameseim":
		return "They depend on what view 1 shows and on where each patch lies: try --relative full, a smaller --mask-ratio, " +
			"larger crops (--views.scale) so that the views overlap, a smaller --lambda."
	case "mae":
		return "The mean colour is all that was learned: try a smaller --mask-ratio, a higher --lr."
	}
	return p.againstCollapse()
}
