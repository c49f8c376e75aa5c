// Package pipeline turns shards, folders and the built-in pictures into batches
// of two-view samples, or into single samples for viewshard, on every core and
// in one order:
//
//	sources -> order -> workers (decode, two views, mask) -> reorder window -> Batches or Items
//
// The order of the samples is a pure function of seed, epoch, the list of
// sources by position, Shuffle, Interleave, Rank and World (docs/design.md,
// "Determinism"); each sample's random numbers are one of seed, epoch and key.
// Neither depends on the number of workers, and a stream that starts at a
// Position gives what an uninterrupted one gives from there on.
//
// Memory: Shuffle encoded samples, a few more for each of the Interleave open
// sources, Window pairs of views, one decoded image a worker, and the batches
// that the consumer holds. A consumer that stops receiving stops everything
// before it. Cancelling the context, or Close, ends every goroutine; the
// pipeline closes what it opened, and the output channels when it is done.
//
// It trains nothing, writes nothing and prints nothing: bad samples go to
// Config.Report.
package pipeline
