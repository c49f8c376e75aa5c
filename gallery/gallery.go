// Package gallery shows what a frozen encoder sees, as one HTML page of
// pictures: the first three principal components of patch tokens as colours,
// the attention of the class token in the last block, and nearest neighbours,
// by the encoder's features and by raw pixels.
//
// It measures nothing; package dense and evaluate do. A page needs no scripts
// and fetches nothing. Pages of the same encoder and images are the same bytes
// for any number of threads.
package gallery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"siameseim/evaluate"
	"siameseim/internal/team"
	"siameseim/views"
	"siameseim/weights"
)

// Options say how much is shown.
type Options struct {
	Count      int      // images shown
	Pool       int      // images among which neighbours are looked for: the data's first
	Neighbours int      // of each image shown
	Seed       uint64   // chooses the images shown from the pool
	Classes    []string // names of labels; may be nil
}

// A Gallery is what a page shows.
type Gallery struct {
	Size, Grid int
	Images     []Image // shown
	Pool       int     // images that were searched
	Bad        int64   // samples met and left out
	Explained  [3]float64
}

// An Image is one image and what the encoder makes of it.
type Image struct {
	Item
	Components []float64   // [G*G, 3], from 0 to 1: the patches' principal components
	Attention  [][]float32 // of each head [G*G]: the class token's weights, which sum to at most 1
	Nearest    []Neighbour // by the encoder's features
	NearestRaw []Neighbour // by raw pixels
}

// An Item is an image of the pool.
type Item struct {
	Key   string
	Label string // empty: none
	Pix   []uint8
}

// A Neighbour is an image of the pool and its cosine with the one shown.
type Neighbour struct {
	Item
	Cosine float32
}

// errEnough ends a reading that has all it needs.
var errEnough = errors.New("enough")

// pool is the images read, in the order of the data.
type pool struct {
	items    []Item
	features *evaluate.Extractor // means of patch tokens
	limit    int
	bad      int64
	classes  []string
}

// Collect reads the pool and looks at some of its images. d's Size is set here.
// Data without images and features that aren't finite are errors.
func Collect(ctx context.Context, d evaluate.Data, e *weights.Encoder, threads *team.Team, o Options) (*Gallery, error) {
	if o.Count < 1 || o.Pool < 1 || o.Neighbours < 0 {
		return nil, fmt.Errorf("gallery: %d images of a pool of %d with %d neighbours: a number is too small", o.Count, o.Pool, o.Neighbours)
	}
	frozen, err := e.Frozen(d.Batch, threads)
	if err != nil {
		return nil, err
	}
	p := &pool{
		features: evaluate.NewExtractor(evaluate.NewFeatures(frozen, evaluate.Mean, threads), d.Batch),
		limit:    o.Pool, classes: o.Classes,
	}
	d.Size = frozen.Size()
	stats, err := evaluate.Read(ctx, d, p.add)
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	if err == nil { // those behind the last good image too
		p.bad = stats.Bad
	}
	table := p.features.Table()
	g := &Gallery{Size: d.Size, Grid: d.Size / e.ViT.Patch, Pool: len(p.items), Bad: p.bad}
	if at := slices.IndexFunc(table.Data, func(v float32) bool { return v-v != 0 }); at >= 0 {
		return nil, fmt.Errorf("gallery: sample %q: feature %d is %v", p.items[at/table.Dim].Key, at%table.Dim, table.Data[at])
	}
	chosen := choose(len(p.items), o.Count, o.Seed)
	for _, i := range chosen {
		g.Images = append(g.Images, Image{Item: p.items[i]})
	}
	tokens, attention, err := look(e, frozen, threads, d.Batch, g.Images)
	if err != nil {
		return nil, err
	}
	components, explained, err := principal(tokens, frozen.Dim())
	if err != nil {
		return nil, err
	}
	g.Explained = explained
	p.neighbours(g, chosen, o.Neighbours, threads)
	cells := g.Grid * g.Grid
	for i := range g.Images {
		g.Images[i].Components = components[i*cells*3 : (i+1)*cells*3]
		g.Images[i].Attention = attention[i]
	}
	return g, nil
}

// add takes a batch into the pool, up to its limit.
func (p *pool) add(b *views.Batch) error {
	n, each := min(b.Samples, p.limit-len(p.items)), b.Size*b.Size*3
	p.bad = b.Bad
	for i := range n {
		item := Item{Key: b.Keys[i], Pix: slices.Clone(b.View1[i*each : (i+1)*each])}
		switch label := b.Labels[i]; {
		case label >= 0 && label < int64(len(p.classes)):
			item.Label = p.classes[label]
		case label >= 0:
			item.Label = fmt.Sprint(label)
		}
		p.items = append(p.items, item)
	}
	if err := p.features.Add(b.View1[:n*each], b.Labels[:n]); err != nil {
		return err
	}
	if len(p.items) == p.limit {
		return errEnough
	}
	return nil
}

// choose returns count different numbers below n, rising, all if there are no
// more.
func choose(n, count int, seed uint64) []int {
	rng := rand.New(rand.NewPCG(seed, 0x67616c6c657279)) // "gallery"
	chosen := rng.Perm(n)[:min(count, n)]
	slices.Sort(chosen)
	return chosen
}

// look runs the images through the encoder once more, and returns their patch
// tokens [images * G*G, Dim] and each one's attention by head.
func look(e *weights.Encoder, frozen *weights.Frozen, threads *team.Team, batch int, images []Image) (tokens []float32, attention [][][]float32, err error) {
	attend, err := NewAttention(e, batch, threads)
	if err != nil {
		return nil, nil, err
	}
	levels := views.NormaliseTable(views.Mean, views.Std)
	each := 3 * frozen.Size() * frozen.Size()
	pixels := make([]float32, batch*each)
	count, width := frozen.Tokens(), frozen.Dim()
	for first := 0; first < len(images); first += batch {
		n := min(batch, len(images)-first)
		for i := range n {
			views.Normalise(pixels[i*each:(i+1)*each], images[first+i].Pix, levels)
		}
		all, err := frozen.Forward(pixels[:n*each], n)
		if err != nil {
			return nil, nil, err
		}
		for i := range n {
			tokens = append(tokens, all[(i*count+1)*width:(i+1)*count*width]...)
		}
		maps, err := attend.Maps(pixels[:n*each], n)
		if err != nil {
			return nil, nil, err
		}
		attention = append(attention, maps...)
	}
	return tokens, attention, nil
}
