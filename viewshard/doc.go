// Package viewshard writes two-view samples as WebDataset shards: a folder of
// views-NNNNNN.tar with a manifest, which an interrupted run goes on with, or
// one tar stream for a pipe. docs/formats/shard.md and docs/formats/batch.md
// draw the bytes.
//
// What it writes is a function of the configuration and the data alone: the
// same bytes for any number of workers and after any interruption. It makes no
// views itself (package pipeline does) and prints nothing.
package viewshard
