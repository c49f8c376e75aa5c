package viewshard

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"siameseim/crop"
	"siameseim/internal/npy"
	"siameseim/views"
	"siameseim/webdataset"
)

// batches turns batches into samples whose fields are whole arrays.
type batches struct {
	dtype  dtype
	levels *levels
	buf    [7][]byte // of the arrays, used again
}

func newBatches(d dtype) *batches { return &batches{dtype: d, levels: d.levels()} }

// sample returns batch number index; its fields live until the next call.
func (s *batches) sample(b *views.Batch, index int64) (*webdataset.Sample, error) {
	n := b.Samples
	keys, err := json.Marshal(struct {
		Keys []string `json:"keys"`
	}{b.Keys[:n]})
	if err != nil {
		return nil, fmt.Errorf("viewshard: batch %d: %w", index, err)
	}
	out := &webdataset.Sample{Key: fmt.Sprintf("batch-%08d", index)}
	array := func(name, descr string, shape ...int) *[]byte {
		i := len(out.Fields)
		out.Fields = append(out.Fields, webdataset.Field{Name: name + ".npy"})
		s.buf[i] = npy.AppendHeader(s.buf[i][:0], descr, shape...)
		return &s.buf[i]
	}
	for v, pixels := range [2][]uint8{b.View1, b.View2} {
		a := array(fmt.Sprintf("view%d", v+1), s.dtype.descr, n, 3, b.Size, b.Size)
		*a = s.dtype.appendPlanes(*a, s.levels, pixels, n, b.Size)
	}
	a := array("crop", "<i4", n, 2, 4)
	for _, x := range b.Crop[:n*8] {
		*a = binary.LittleEndian.AppendUint32(*a, uint32(x))
	}
	a = array("flip", "|u1", n, 2)
	*a = append(*a, b.Flip[:n*2]...)
	a = array("image_size", "<i4", n, 2)
	for _, x := range b.ImageSize[:n*2] {
		*a = binary.LittleEndian.AppendUint32(*a, uint32(x))
	}
	a = array("relative", "<f8", n, 6)
	for i := range n {
		for _, x := range relative(b, i) {
			*a = binary.LittleEndian.AppendUint64(*a, math.Float64bits(x))
		}
	}
	a = array("label", "<i8", n)
	for _, x := range b.Labels[:n] {
		*a = binary.LittleEndian.AppendUint64(*a, uint64(x))
	}
	for i := range out.Fields {
		out.Fields[i].Data = s.buf[i]
	}
	out.Fields = append(out.Fields, webdataset.Field{Name: "json", Data: keys})
	return out, nil
}

// relative is sample i's relative geometry in KEY.json's order, flip as 0 or 1.
func relative(b *views.Batch, i int) [6]float64 {
	var p [2]crop.Placement
	for v := range p {
		box := b.Crop[i*8+v*4 : i*8+v*4+4]
		p[v] = crop.Placement{Box: crop.Box{Top: int(box[0]), Left: int(box[1]), Height: int(box[2]), Width: int(box[3])},
			Flip: b.Flip[i*2+v] != 0}
	}
	r := crop.Relate(p[0], p[1], int(b.ImageSize[i*2+1]))
	flip := 0.
	if r.Flip {
		flip = 1
	}
	return [6]float64{r.DeltaTop, r.DeltaLeft, r.DeltaHeight, r.DeltaWidth, flip, r.FlipLeft}
}
