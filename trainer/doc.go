// Package trainer is a run's optimiser steps: configuration and presets, the step (SPEC section 5), what is
// done about values that aren't finite, saving and resuming, and a loop over batches.
//
// A step is: momentum update of the target, forward and backward of each micro-batch, the gradient's norm,
// clipping, AdamW. The layers are in trainer/nn, networks and losses in trainer/objective, the optimiser in
// trainer/optim, checkpoint files in trainer/checkpoint. Parameters after any number of steps have the same
// bits for any number of threads, and after any resume.
//
// The package doesn't read images, doesn't evaluate and writes no logs: batches come through a Source, and
// what happened goes to Hooks.
package trainer
