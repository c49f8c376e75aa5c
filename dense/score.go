package dense

import (
	"fmt"
	"math"
)

// A score counts one test image's pixels and patches.
type score struct {
	both, predicted, truth [256]int32 // pixels of each class: right, predicted as it, of it
	patches, right         int32      // patches with a class, and those predicted as their commonest one
}

// score compares predictions with the truth: by pixel [S, S], and by patch,
// whose classes are [G*G, patch*patch]. Void counts nowhere.
func (s *segmentation) score(truth, patches []uint8, ofPatch, ofPixel func(int) int) (r score) {
	for i, c := range truth {
		if c == Void {
			continue
		}
		p := ofPixel(i)
		r.truth[c]++
		r.predicted[p]++
		if p == int(c) {
			r.both[c]++
		}
	}
	pixels := s.patch * s.patch
	for cell := range s.grid * s.grid {
		if c, ok := commonest(patches[cell*pixels : (cell+1)*pixels]); ok {
			r.patches++
			if ofPatch(cell) == c {
				r.right++
			}
		}
	}
	return r
}

// commonest returns the class that most pixels have, the smallest of equals;
// false if all are Void.
func commonest(classes []uint8) (class int, ok bool) {
	var count [256]int
	for _, c := range classes {
		count[c]++
	}
	count[Void] = 0
	for c, n := range count {
		if n > count[class] {
			class = c
		}
	}
	return class, count[class] > 0
}

// A tally is the sum of some images' scores.
type tally struct {
	both, predicted, truth [256]int64
	patches, right         int64
}

// sum adds up an encoder's scores, each as often as times says.
func sum(scores []score, times []int, classes []int) *tally {
	t := new(tally)
	for i := range scores {
		n, s := int64(times[i]), &scores[i]
		if n == 0 {
			continue
		}
		for _, c := range classes {
			t.both[c] += n * int64(s.both[c])
			t.predicted[c] += n * int64(s.predicted[c])
			t.truth[c] += n * int64(s.truth[c])
		}
		t.patches += n * int64(s.patches)
		t.right += n * int64(s.right)
	}
	return t
}

// iou is a class's intersection over union; NaN where nothing has it.
func (t *tally) iou(class int) float64 {
	return float64(t.both[class]) / float64(t.predicted[class]+t.truth[class]-t.both[class])
}

func (t *tally) meanIoU(classes []int) float64 {
	total, n := 0.0, 0
	for _, c := range classes {
		if v := t.iou(c); !math.IsNaN(v) {
			total += v
			n++
		}
	}
	return total / float64(n)
}

func (t *tally) pixelAccuracy(classes []int) float64 {
	right, all := int64(0), int64(0)
	for _, c := range classes {
		right += t.both[c]
		all += t.truth[c]
	}
	return float64(right) / float64(all)
}

func (t *tally) patchAccuracy([]int) float64 { return float64(t.right) / float64(t.patches) }

// result sums up. The intervals are drawn from seed.
func (s *segmentation) result(seed uint64) (Segmentation, error) {
	r := Segmentation{Train: s.train, Test: s.test, Bank: s.bank.len(), Bad: s.bad}
	for c, ok := range s.known {
		if ok {
			r.Classes = append(r.Classes, c)
		}
	}
	once := make([]int, s.test)
	for i := range once {
		once[i] = 1
	}
	majority := sum(s.scores[len(s.encoders)], once, r.Classes)
	if majority.patches == 0 {
		return r, fmt.Errorf("the masks of %d images are void", s.test)
	}
	r.MajorityIoU, r.MajorityAccuracy = majority.meanIoU(r.Classes), majority.pixelAccuracy(r.Classes)
	for e := range s.encoders {
		figure := func(of func(*tally, []int) float64) Interval {
			return bootstrap(s.test, seed, func(times []int) float64 { return of(sum(s.scores[e], times, r.Classes), r.Classes) })
		}
		f := Segmented{
			MeanIoU: figure((*tally).meanIoU), PixelAccuracy: figure((*tally).pixelAccuracy), PatchAccuracy: figure((*tally).patchAccuracy),
		}
		whole := sum(s.scores[e], once, r.Classes)
		for _, c := range r.Classes {
			v := whole.iou(c)
			if math.IsNaN(v) {
				v = -1
			}
			f.ClassIoU = append(f.ClassIoU, v)
		}
		r.Encoders = append(r.Encoders, f)
	}
	return r, nil
}
