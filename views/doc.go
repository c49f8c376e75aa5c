// Package views makes the two augmented views of one decoded image that siamese
// pre-training learns from (SPEC sections 1 and 2): a recipe and a sample's own
// random stream give each view's parameters, a pure function of the parameters
// gives its pixels, and the two placements give the geometry between the views.
//
// It joins the packages crop and colorjitter, owns the Batch that travels from
// the pipeline to the trainer, the masks of the masked view and the record that
// is stored beside a pair (KEY.json). It reads no files and starts no goroutines.
package views
