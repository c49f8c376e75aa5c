// Package webdataset turns shards (tar files by WebDataset's convention) and
// folders of images into samples, and samples into shards. A sample is a key
// and named fields of bytes; the rules by which members of an archive are
// grouped are those of the Python package webdataset 1.0.
//
// It knows no images: nothing is decoded here, and which order shards are read
// in is the caller's business. It does not read from networks or object stores
// yet; Open is the one place where another kind of URL comes in.
package webdataset
