// Package report draws what a person looks at: the page of a training run
// (report.html: what it was, its curves, its kNN figures, a few pairs of views)
// and the preview of a pair of views with the relative geometry between them
// (SPEC section 1). Pages are single files without scripts or anything to fetch.
//
// It reads no files and computes no figures; callers hand over what they know.
package report
