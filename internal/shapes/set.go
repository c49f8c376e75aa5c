package shapes

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// A Set is one data set: a size, a seed and a range of picture numbers. Its
// methods may be called by any number of goroutines.
type Set struct {
	Size  int    // pixels a side
	Seed  uint64 // sets of different seeds share nothing
	Split string // "train" or "test"; the two share no picture
	Count int64  // number of pictures, 0 if endless
	Light Light  // even, if it isn't said
}

// URL is the name that Parse reads, without its query.
const URL = "builtin:shapes"

// testStart is where the picture numbers of the test split begin; those of the
// training split begin at 0.
const testStart = 1 << 40

// Parse reads builtin:shapes?size=32&count=20000&split=train&seed=0&light=patchy.
// Every key may be left out: the size is then DefaultSize, the count endless, the
// split train, the seed 0, the light even. A key it doesn't know, a key given
// twice and a value out of range are errors.
func Parse(spec string) (Set, error) {
	set := Set{Size: DefaultSize, Split: "train"}
	name, query, _ := strings.Cut(spec, "?")
	if name != URL {
		return Set{}, &SpecError{spec, fmt.Errorf("not %s", URL)}
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return Set{}, &SpecError{spec, fmt.Errorf("query: %w", err)}
	}
	for key, list := range values {
		if len(list) > 1 {
			return Set{}, &SpecError{spec, fmt.Errorf("%s given %d times", key, len(list))}
		}
		value, err := list[0], error(nil)
		switch key {
		case "size":
			set.Size, err = strconv.Atoi(value)
			if err == nil && (set.Size < MinSize || set.Size > MaxSize) {
				err = fmt.Errorf("%d is outside %d..%d", set.Size, MinSize, MaxSize)
			}
		case "count":
			set.Count, err = strconv.ParseInt(value, 10, 64)
			if err == nil && (set.Count < 0 || set.Count > testStart) {
				err = fmt.Errorf("%d is outside 0..%d", set.Count, int64(testStart))
			}
		case "split":
			set.Split = value
			if value != "train" && value != "test" {
				err = fmt.Errorf("%q is neither train nor test", value)
			}
		case "seed":
			set.Seed, err = strconv.ParseUint(value, 10, 64)
		case "light":
			set.Light, err = parseLight(value)
		default:
			err = fmt.Errorf("unknown key; known are size, count, split, seed and light")
		}
		if err != nil {
			return Set{}, &SpecError{spec, fmt.Errorf("%s: %w", key, err)}
		}
	}
	return set, nil
}

// SpecError reports a URL that names no set.
type SpecError struct {
	Spec  string
	Cause error
}

func (e *SpecError) Error() string { return fmt.Sprintf("shapes: %q: %v", e.Spec, e.Cause) }
func (e *SpecError) Unwrap() error { return e.Cause }

// UsageError marks it as the caller's.
func (e *SpecError) UsageError() {}

// String is the whole URL of a set, as Parse reads it.
func (s Set) String() string {
	text := fmt.Sprintf("%s?size=%d&count=%d&split=%s&seed=%d", URL, s.Size, s.Count, s.Split, s.Seed)
	if s.Light != EvenLight {
		text += "&light=" + s.Light.String()
	}
	return text
}

// Key is the name of picture i of the set, such as shape-00000012, and
// shape-test-00000012 in the test split.
func (s Set) Key(i int64) string {
	if s.Split == "test" {
		return fmt.Sprintf("shape-test-%08d", i)
	}
	return fmt.Sprintf("shape-%08d", i)
}

// Scene returns what picture i of the set shows; its Class is the label.
func (s Set) Scene(i int64) Scene {
	if s.Split == "test" {
		i += testStart
	}
	scene := Sample(Stream(s.Seed, i))
	if s.Light == PatchyLight {
		scene.Patches = SamplePatches(Stream(^s.Seed, i))
	}
	return scene
}

// Draw paints picture i of the set: pix takes Size*Size*3 bytes, mask, if not
// nil, Size*Size (see Painter.Draw). It returns the label.
func (s Set) Draw(p *Painter, pix, mask []uint8, i int64) (label int) {
	scene := s.Scene(i)
	p.Draw(pix, mask, s.Size, &scene)
	return scene.Class
}
