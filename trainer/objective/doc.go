// Package objective holds what is trained and by which loss: SiameseIM (SPEC
// sections 3 and 4), an online branch that predicts a momentum branch's dense
// features of another crop from a masked view and the crop's relative place;
// and on the same encoder its rivals of SPEC section 8, MAE, SimCLR, MoCo-v3,
// BYOL and SimSiam.
//
// A [Model] computes a loss and gradients. It doesn't change its parameters,
// except for the first values that [New] gives them: optimiser, schedules and
// momentum updates belong to the trainer. An [Encoder] is the frozen encoder
// alone, for evaluation.
package objective
