// Package nn holds the layers of a vision transformer, each written forward
// and backward by hand (SPEC section 3): linear, LayerNorm, BatchNorm, exact
// GELU, softmax attention, pre-norm block, patch embedding, fixed positions
// and the relative embedding of a second crop.
//
// Everything is float32, row-major; sums that decide a statistic run in
// float64. Letters: B batch, T tokens (N of them patches), C or D channels, H
// heads; a gradient of x is dx.
//
// Layers are made by a [Builder], which collects their parameters and plans
// all their memory in an [Arena]: what backward reads is kept, the rest is
// scratch that layers share. A forward and a backward pass then allocate
// nothing: even the functions given to the threads are made at construction,
// and a running call's arguments stand in the layer's fields.
//
// Work is split over outputs and never over a summed axis, and sums run in
// chunks of a fixed size, so that the same bits come out for any number of
// threads. Sums that go over the ranks of a distributed run stand behind
// [Reducer].
//
// The package doesn't know losses, optimisers, checkpoints or images.
package nn
