// Package replay applies given parameters to given images and compares the
// pixels with stated SHA-256 hashes: `viewgen replay`, and the golden tests of
// the whole way from a file's bytes to its two views. docs/formats/cases.md has the
// formats.
//
// View cases go the way of `viewgen run`: fileviews.Maker, which decodes only
// what the case's views need; decoding cases go through imagefile.Decoder.
package replay

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"siameseim/internal/fileviews"
)

// Options says what to replay.
type Options struct {
	Cases       []string // files of view cases, one JSON object a line
	DecodeCases []string // files of decoding cases
	Root        string   // the folder of the cases' "file"
	DataRoot    string   // the folder of the cases' "shard"

	Whole  bool // decode whole images for view cases too
	Strict bool // decode every scan to its end

	// Report, if not nil, is called for each case that is counted in
	// Summary.Differing, Summary.Errors or a class's Other, in the order of the
	// cases.
	Report func(Difference)
}

// A Difference is a case that differs or could not be run.
type Difference struct {
	Cases string `json:"cases"` // the file of cases
	Line  int    `json:"line"`  // in it, from 1
	File  string `json:"file,omitempty"`
	Shard string `json:"shard,omitempty"`
	Key   string `json:"key,omitempty"`
	View  string `json:"view,omitempty"` // "view1" or "view2"
	// Stage is the first that differs: "source" (the case could not be run),
	// "decode", "orient", "parameters", "crop", "jitter", "final".
	Stage string `json:"stage"`
	Class string `json:"class,omitempty"`
	Why   string `json:"why"`
}

func (d Difference) String() string {
	source := d.File
	if d.Shard != "" {
		source = d.Shard + ": " + d.Key
	}
	view := ""
	if d.View != "" {
		view = d.View + ": "
	}
	return fmt.Sprintf("%s:%d: %s: %s%s: %s", d.Cases, d.Line, source, view, d.Stage, d.Why)
}

// Summary counts the cases. Cases of a class are counted in Classes only.
type Summary struct {
	Cases     int               `json:"cases"`     // compared, those that differ included
	Differing int               `json:"differing"` // other pixels, pixels for an error, an error for pixels
	Errors    int               `json:"errors"`    // could not be run: no such file, key or hash
	Classes   map[string]*Class `json:"classes"`
}

// Class counts the decoding cases of one class.
type Class struct {
	Same  int `json:"same"`
	Error int `json:"error"` // refused where there are pixels
	Other int `json:"other"` // other pixels, or pixels for an error
}

// Failed tells whether anything differs that must not, or could not be run. Of
// the classes, "smoothing" and "corrupt" must not give other pixels.
func (s *Summary) Failed() bool {
	if s.Differing != 0 || s.Errors != 0 {
		return true
	}
	for _, name := range []string{"smoothing", "corrupt"} {
		if c := s.Classes[name]; c != nil && c.Other != 0 {
			return true
		}
	}
	return false
}

// Run replays all cases. Its error is one of the case files or of the context;
// what is wrong with a case or its image is counted and reported.
func Run(ctx context.Context, opt Options) (Summary, error) {
	var cases []*testCase
	for _, path := range opt.Cases {
		more, err := readCases(path, viewCase)
		if err != nil {
			return Summary{}, err
		}
		cases = append(cases, more...)
	}
	for _, path := range opt.DecodeCases {
		more, err := readCases(path, decodeCase)
		if err != nil {
			return Summary{}, err
		}
		cases = append(cases, more...)
	}
	if err := runAll(ctx, opt, cases); err != nil {
		return Summary{}, err
	}

	sum := Summary{Classes: map[string]*Class{}}
	for _, c := range cases {
		if told := sum.count(c); told && opt.Report != nil {
			opt.Report(c.difference)
		}
	}
	return sum, nil
}

// runAll runs the cases, one image on each processor at a time.
func runAll(ctx context.Context, opt Options, cases []*testCase) error {
	type job struct {
		data  []byte
		cases []*testCase
	}
	jobs := make(chan job)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			r := runner{opt: fileviews.Options{Whole: opt.Whole, Strict: opt.Strict}}
			for j := range jobs {
				r.source(j.data, j.cases)
			}
		})
	}
	err := eachSource(ctx, opt, cases, func(data []byte, cases []*testCase) { jobs <- job{data, cases} })
	close(jobs)
	workers.Wait()
	return err
}

// count adds one case that has been run and tells whether it is to be reported.
func (s *Summary) count(c *testCase) (report bool) {
	switch {
	case c.outcome == notRun:
		s.Errors++
		return true
	case c.line.Class != "":
		class := s.Classes[c.line.Class]
		if class == nil {
			class = new(Class)
			s.Classes[c.line.Class] = class
		}
		switch c.outcome {
		case same:
			class.Same++
		case refused:
			class.Error++
		default:
			class.Other++
			return true
		}
	default:
		s.Cases++
		if c.outcome != same {
			s.Differing++
			return true
		}
	}
	return false
}

// errMissing is the cause of cases whose key isn't in its shard.
var errMissing = errors.New("no such key")
