package views

import (
	"encoding/json"
	"fmt"
	"slices"

	"siameseim/colorjitter"
	"siameseim/crop"
)

// Params is everything that was drawn for one view. In JSON it is the object of
// a view in KEY.json:
//
//	{"crop":[top,left,height,width],"flip":false,"jitter":[["hue",0.03],...],
//	 "grey":false,"blur":0.7,"solarize":null}
type Params struct {
	Crop   crop.Box // in pixels of the image after this view's flip
	Flip   bool
	Colour colorjitter.Params
}

// Placement returns where the view lies in its source.
func (p *Params) Placement() crop.Placement {
	return crop.Placement{Box: p.Crop, Flip: p.Flip}
}

// PairParams is everything that was drawn for one sample.
type PairParams struct {
	View1, View2 Params
}

// Relative returns view 2's geometry seen from view 1, for a source of width
// imageWidth.
func (p *PairParams) Relative(imageWidth int) crop.Relative {
	return crop.Relate(p.View1.Placement(), p.View2.Placement(), imageWidth)
}

// Same tells that both views have the same parameters, and so the same pixels:
// a view is a function of its source and its parameters alone.
func (p *PairParams) Same() bool {
	a, b := &p.View1, &p.View2
	return a.Placement() == b.Placement() && slices.Equal(a.Colour.Jitter, b.Colour.Jitter) && a.Colour.Grey == b.Colour.Grey &&
		same(a.Colour.Blur, b.Colour.Blur) && same(a.Colour.Solarize, b.Colour.Solarize)
}

func same[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// Region returns the smallest rectangle of the stored image that both views need:
// all that a decoder has to produce.
func (p *PairParams) Region(imageWidth int) crop.Box {
	return p.View1.Placement().Source(imageWidth).Union(p.View2.Placement().Source(imageWidth))
}

// paramsJSON is Params in the field order and with the names of KEY.json.
type paramsJSON struct {
	Crop     *crop.Box        `json:"crop"`
	Flip     bool             `json:"flip"`
	Jitter   []colorjitter.Op `json:"jitter"`
	Grey     bool             `json:"grey"`
	Blur     *float64         `json:"blur"`
	Solarize *int             `json:"solarize"`
}

// MarshalJSON writes the object shown at Params; a jitter that isn't applied is
// the empty array.
func (p Params) MarshalJSON() ([]byte, error) {
	c := &p.Colour
	v := paramsJSON{Crop: &p.Crop, Flip: p.Flip, Jitter: c.Jitter, Grey: c.Grey, Blur: c.Blur, Solarize: c.Solarize}
	if v.Jitter == nil {
		v.Jitter = []colorjitter.Op{}
	}
	return json.Marshal(v)
}

// UnmarshalJSON reads the object shown at Params. Only crop has to be there;
// unknown names are ignored. Whether the values make sense is for
// colorjitter.Params.Check and crop.Box.Check to say.
func (p *Params) UnmarshalJSON(data []byte) error {
	var v paramsJSON
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("views: parameters: %w", err)
	}
	if v.Crop == nil {
		return fmt.Errorf("views: parameters: no crop")
	}
	*p = Params{Crop: *v.Crop, Flip: v.Flip, Colour: colorjitter.Params{
		Grey: v.Grey, Blur: v.Blur, Solarize: v.Solarize,
	}}
	if len(v.Jitter) > 0 {
		p.Colour.Jitter = v.Jitter
	}
	return nil
}

// ImageSize is the size of a source image in pixels.
type ImageSize struct {
	Height int `json:"height"`
	Width  int `json:"width"`
}

// Record is KEY.json: how the pair of views stored beside it was made.
type Record struct {
	Image    ImageSize     `json:"image"`
	View1    Params        `json:"view1"`
	View2    Params        `json:"view2"`
	Relative crop.Relative `json:"relative"`
	Seed     uint64        `json:"seed"`
	Epoch    int           `json:"epoch"`
}

// NewRecord returns the record of a pair made of an image of height x width
// pixels.
func NewRecord(p *PairParams, height, width int, seed uint64, epoch int) Record {
	return Record{
		Image: ImageSize{Height: height, Width: width},
		View1: p.View1, View2: p.View2,
		Relative: p.Relative(width),
		Seed:     seed, Epoch: epoch,
	}
}
