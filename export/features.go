package export

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"siameseim/evaluate"
	"siameseim/internal/npy"
	"siameseim/internal/safetensors"
	"siameseim/views"
)

// The tensors of a safetensors file of features.
const (
	FeaturesTensor = "features" // F32 [N, D], or [N, 1+patches, D] of all tokens
	LabelsTensor   = "labels"   // I64 [N]; -1: none
	KeysTensor     = "keys"     // U8: the keys in UTF-8, a line feed behind each
)

// Features says what is written of an image's tokens.
type Features string

// The three kinds.
const (
	Mean  Features = "mean"  // the mean of the patch tokens [D]
	Class Features = "class" // the class token [D]
	All   Features = "all"   // every token [1+patches, D], the class token first
)

// A Written says what WriteFeatures wrote.
type Written struct {
	Files  []string // by name
	Images int64
	Bad    int64 // samples left out
	Shape  []int // of the features
	Rate   float64
}

// WriteFeatures runs the images of d through an encoder and writes their
// features, keys and labels in the order of evaluate.Read (samples of several
// sources in turn). A path that ends in
// .safetensors takes all three (the tensors above); NAME.npy takes the features
// and NAME.labels.npy and NAME.keys.txt the others. d's Size is set here.
//
// Features go to disk as they come: memory grows by key and label alone.
// Features that aren't finite, keys with a line feed, and data without images
// are errors, and leave no file.
func WriteFeatures(ctx context.Context, path string, d evaluate.Data, net evaluate.Tokenizer, kind Features) (Written, error) {
	base, arrays := strings.CutSuffix(path, ".npy")
	if !arrays && !strings.HasSuffix(path, ".safetensors") {
		return Written{}, fmt.Errorf("export: %s: the name must end in .npy or .safetensors", path)
	}
	s := &spool{net: net, kind: kind}
	switch kind {
	case Mean, Class:
		s.shape = []int{net.Dim()}
	case All:
		s.shape = []int{net.Tokens(), net.Dim()}
	default:
		return Written{}, fmt.Errorf("export: features %q: must be mean, class or all", kind)
	}
	f, err := create(path) // before any work: a name that can't be written shows at once
	if err != nil {
		return Written{}, err
	}
	defer f.drop()
	if s.file, err = os.CreateTemp(filepath.Dir(path), ".features-*.tmp"); err != nil {
		return Written{}, fmt.Errorf("export: %w", err)
	}
	defer os.Remove(s.file.Name())
	defer s.file.Close()
	s.out = bufio.NewWriterSize(s.file, 1<<20)

	d.Size = net.Size()
	s.images = make([]float32, d.Batch*3*d.Size*d.Size)
	s.levels = views.NormaliseTable(views.Mean, views.Std)
	stats, err := evaluate.Read(ctx, d, s.add)
	if err != nil {
		return Written{}, err
	}
	if err := s.out.Flush(); err != nil {
		return Written{}, fmt.Errorf("export: %w", err)
	}
	w := Written{
		Files: []string{path}, Images: stats.Images, Bad: stats.Bad, Rate: stats.Rate(),
		Shape: append([]int{len(s.labels)}, s.shape...),
	}
	if !arrays {
		err = safetensors.Write(f, nil, []safetensors.Tensor{
			{Name: FeaturesTensor, DType: safetensors.F32, Shape: w.Shape, Data: io.NewSectionReader(s.file, 0, s.bytes)},
			{Name: LabelsTensor, Shape: []int{len(s.labels)}, Data: s.labels},
			{Name: KeysTensor, Shape: []int{len(s.keys)}, Data: s.keys},
		})
		if err != nil {
			return Written{}, fmt.Errorf("export: %s: %w", path, err)
		}
		return w, f.keep()
	}
	if err := copyTo(f, npy.AppendHeader(nil, "<f4", w.Shape...), io.NewSectionReader(s.file, 0, s.bytes)); err != nil {
		return Written{}, err
	}
	labels := npy.AppendHeader(nil, "<i8", len(s.labels))
	for _, l := range s.labels {
		labels = binary.LittleEndian.AppendUint64(labels, uint64(l))
	}
	for _, beside := range []struct {
		name string
		data []byte
	}{{base + ".labels.npy", labels}, {base + ".keys.txt", s.keys}} {
		if err := writeFile(beside.name, beside.data); err != nil {
			return Written{}, err
		}
		w.Files = append(w.Files, beside.name)
	}
	return w, f.keep() // last: where the features are, the rest is
}

// spool collects features on disk, keys and labels in memory.
type spool struct {
	net    evaluate.Tokenizer
	kind   Features
	shape  []int // of an image's features
	file   *os.File
	out    *bufio.Writer
	bytes  int64
	keys   []byte
	labels []int64

	images []float32 // [batch, 3, S, S]
	levels *[3][256]float32
	row    []float32
	buffer []byte
}

// add appends the features of a batch.
func (s *spool) add(b *views.Batch) error {
	each := b.Size * b.Size * 3
	for i := range b.Samples {
		views.Normalise(s.images[i*each:(i+1)*each], b.View1[i*each:(i+1)*each], s.levels)
	}
	tokens, err := s.net.Forward(s.images[:b.Samples*each], b.Samples)
	if err != nil {
		return err
	}
	count, width := s.net.Tokens(), s.net.Dim()
	for i := range b.Samples {
		key := b.Keys[i]
		if strings.Contains(key, "\n") {
			return fmt.Errorf("export: sample %q: a key with a line feed can't be written", key)
		}
		row := s.pick(tokens[i*count*width:(i+1)*count*width], count, width)
		s.buffer = s.buffer[:0]
		for j, v := range row {
			if v-v != 0 { // a float32 that isn't finite minus itself is NaN
				return fmt.Errorf("export: sample %q: feature %d is %v", key, j, v)
			}
			s.buffer = binary.LittleEndian.AppendUint32(s.buffer, math.Float32bits(v))
		}
		if _, err := s.out.Write(s.buffer); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		s.bytes += int64(len(s.buffer))
		s.keys = append(append(s.keys, key...), '\n')
		s.labels = append(s.labels, b.Labels[i])
	}
	return nil
}

// pick returns what is written of one image's tokens.
func (s *spool) pick(tokens []float32, count, width int) []float32 {
	switch s.kind {
	case All:
		return tokens
	case Class:
		return tokens[:width]
	}
	s.row = append(s.row[:0], tokens[width:2*width]...)
	for t := 2; t < count; t++ {
		for j, v := range tokens[t*width : (t+1)*width] {
			s.row[j] += v
		}
	}
	for j := range s.row {
		s.row[j] *= 1 / float32(count-1)
	}
	return s.row
}

// copyTo writes a head and what follows it.
func copyTo(f *pending, head []byte, rest *io.SectionReader) error {
	if _, err := f.Write(head); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if n, err := io.Copy(f, rest); err != nil {
		return fmt.Errorf("export: %w", err)
	} else if n != rest.Size() {
		return fmt.Errorf("export: %s: %d bytes of %d: %w", f.path, n, rest.Size(), io.ErrUnexpectedEOF)
	}
	return nil
}

func writeFile(path string, data []byte) error {
	f, err := create(path)
	if err != nil {
		return err
	}
	defer f.drop()
	if _, err := f.Write(data); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return f.keep()
}
