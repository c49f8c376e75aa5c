package pipeline

import (
	"siameseim/picture"
	"siameseim/views"
	"siameseim/webdataset"
)

// Item is one sample with its two views. It belongs to the receiver until
// Recycle takes it back; View1, View2, Mask, Source and Encoded are used again
// then.
type Item struct {
	Sample *webdataset.Sample // as read; a drawn picture has its label as cls and no image
	Label  int64              // webdataset.NoLabel: none
	Params views.PairParams
	Record views.Record // KEY.json

	View1, View2 picture.RGB // Recipe.Size x Recipe.Size
	Mask         []uint8     // [Grid*Grid], empty without masks
	Source       picture.RGB // the decoded image, if Config.KeepSource
	Encoded      [2][]byte   // what Config.Encode made of the views

	Next views.Position // where the stream stands behind this sample
	Bad  int64          // bad samples met before it in the run

	owner *task // that the item is part of
}

// what a task carries through the reorder window.
type what uint8

const (
	oneSample what = iota
	badShard       // err is the shard's; the stream goes on
	epochEnd
	failure // err ends the stream
)

// task is one place in the order, on its way through the workers.
type task struct {
	Item
	what    what
	sampler views.Sampler // Params point into it
	entry   entry
	at      views.Position
	err     error         // what the worker, or the source, found wrong
	done    chan struct{} // holds one token once the task is ready for the collector
}

func newTask() *task {
	t := &task{done: make(chan struct{}, 1)}
	t.owner = t
	return t
}

// reset forgets the last sample but keeps its buffers.
func (t *task) reset(w what, e entry, at views.Position, err error) {
	t.what, t.entry, t.at, t.err = w, e, at, err
	t.Sample, t.Label = e.sample, webdataset.NoLabel
	t.Params, t.Record = views.PairParams{}, views.Record{}
}
