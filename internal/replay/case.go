package replay

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"siameseim/views"
)

// line is one line of a file of cases, of either kind. Names that aren't here are
// ignored.
type line struct {
	File  string `json:"file"`
	Shard string `json:"shard"`
	Key   string `json:"key"`
	Error bool   `json:"error"` // decoding is to fail
	Class string `json:"class"`

	// Decoding cases.
	Height   int    `json:"height"` // 0: not compared, as Width
	Width    int    `json:"width"`
	RGB      string `json:"sha256_rgb"`
	Oriented string `json:"sha256_rgb_oriented"`

	// View cases.
	Size  int   `json:"size"`
	View1 *view `json:"view1"`
	View2 *view `json:"view2"`
}

// view is one view's parameters with the SHA-256 of its stages, by their names
// in package views.
type view struct {
	params views.Params
	hashes map[string]string
}

func (v *view) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &v.params); err != nil {
		return err
	}
	var h struct {
		Crop   string `json:"sha256_crop"`
		Jitter string `json:"sha256_jitter"`
		Final  string `json:"sha256"`
	}
	if err := json.Unmarshal(data, &h); err != nil {
		return err
	}
	v.hashes = map[string]string{views.StageCrop: h.Crop, views.StageJitter: h.Jitter, views.StageFinal: h.Final}
	return nil
}

type kind int

const (
	viewCase kind = iota
	decodeCase
)

// outcome of a case.
type outcome int

const (
	notRun  outcome = iota
	same            // as stated, an expected error included
	refused         // an error where pixels are stated
	other           // other pixels, or pixels where an error is stated
)

// testCase is a case and what has become of it.
type testCase struct {
	kind kind
	line line
	err  error // the line has no meaning

	outcome    outcome
	difference Difference // unless outcome is same
}

// finish sets the outcome; stage, view and why are those of the difference.
func (c *testCase) finish(o outcome, stage, view, why string) {
	c.outcome = o
	c.difference.Stage, c.difference.View, c.difference.Why = stage, view, why
}

// maxLine bounds a line of a file of cases.
const maxLine = 16 << 20

// readCases reads a file of cases. A line without meaning is a case that can't be
// run; empty lines are passed over.
func readCases(path string, k kind) ([]*testCase, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("replay: cases: %w", err)
	}
	defer f.Close()
	cases, err := parseCases(f, path, k)
	if err != nil {
		return nil, fmt.Errorf("replay: cases: %s: %w", path, err)
	}
	return cases, nil
}

func parseCases(in io.Reader, path string, k kind) (cases []*testCase, err error) {
	s := bufio.NewScanner(in)
	s.Buffer(nil, maxLine)
	for number := 1; s.Scan(); number++ {
		if len(s.Bytes()) == 0 {
			continue
		}
		c := &testCase{kind: k}
		if c.err = json.Unmarshal(s.Bytes(), &c.line); c.err == nil {
			c.err = c.line.check(k)
		}
		c.difference = Difference{
			Cases: path, Line: number, Class: c.line.Class,
			File: c.line.File, Shard: c.line.Shard, Key: c.line.Key,
		}
		cases = append(cases, c)
	}
	return cases, s.Err()
}

// maxSize bounds a case's "size".
const maxSize = 16384

func (l *line) check(k kind) error {
	switch {
	case l.File == "" && l.Shard == "":
		return errors.New("neither file nor shard")
	case l.File != "" && l.Shard != "":
		return errors.New("both file and shard")
	case l.Error:
		return nil
	case k == decodeCase && l.RGB == "":
		return errors.New("no sha256_rgb")
	case k == decodeCase:
		return nil
	case l.Size < 1 || l.Size > maxSize:
		return fmt.Errorf("size: %d is not from 1 to %d", l.Size, maxSize)
	case l.View1 == nil && l.View2 == nil:
		return errors.New("neither view1 nor view2")
	}
	for _, v := range []*view{l.View1, l.View2} {
		if v != nil && v.hashes[views.StageFinal] == "" {
			return errors.New("a view without sha256")
		}
	}
	return nil
}
