package report

import (
	"bytes"
	"errors"
	"math"
	"regexp"
	"strings"
	"testing"

	"siameseim/views"
)

// wholeRun is a run with every part of the page.
func wholeRun(t testing.TB) Run {
	run := Run{
		Title:  "SiameseIM <script>alert(1)</script> & co",
		Facts:  []Fact{{"data", "builtin:shapes?size=32&count=20000"}, {"CPU", "<b>fast</b>"}},
		Config: "preset: demo\nseed: 0\n",
		Scores: []Score{
			{"trained", .7125, .6922, .7319, 10000, 2000},
			{"raw pixels", .337, .3166, .358, 10000, 2000},
		},
		Classes: []Class{{"disc", 200, .815}},
		Pairs:   []Pair{newPair(t, 0, 8, views.SmallRecipe(32))},
		Held:    []Held{{0, .3, .5, -.2, 3}, {100, .5, .4, -1, 20}, {200, math.NaN(), .3, -2, math.Inf(1)}},
		Signs:   []string{"Step 100: the targets are <nearly> the same"},
		Next:    []string{"pretrain run --preset cifar --data 'train-{0000..0009}.tar.gz'"},
	}
	for i := range 2000 {
		x := float64(i) / 2000
		s := Step{Step: int64(i), Loss: math.Exp(-x), LR: 1e-3 * x, GradNorm: 1, TargetStd: .9, PredictionStd: x}
		if i%100 == 7 {
			s.Loss, s.GradNorm = math.NaN(), math.Inf(1)
		}
		run.Steps = append(run.Steps, s)
	}
	return run
}

func write(t testing.TB, run Run) string {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, run); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPageHasAll(t *testing.T) {
	page := write(t, wholeRun(t))
	for _, want := range []string{
		"71.2 %", "69.2 % to 73.2 %", "10000 / 2000", "raw pixels", "disc", "81.5 %", "preset: demo",
		"pretrain run --preset cifar", "Loss", "Learning rate", "Gradient before clipping", "shape-00000000",
		"&lt;script&gt;", "&lt;b&gt;fast&lt;/b&gt;", "data:image/png;base64,", "relative geometry",
		"kNN on the held subset", "Alignment and uniformity", "Dimensions that the features use", "the targets are &lt;nearly&gt; the same",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if n := strings.Count(page, "<svg "); n != 7 {
		t.Errorf("%d charts, want 7", n)
	}
	text := regexp.MustCompile(`base64,[^"]*`).ReplaceAllString(page, "")
	if strings.Contains(text, "<script") || strings.Contains(text, "ZgotmplZ") || strings.Contains(text, "NaN") {
		t.Error("the page holds what it must not")
	}
	if page != write(t, wholeRun(t)) {
		t.Error("not the same twice")
	}
}

// TestPageIsOneFile: nothing in it is fetched from elsewhere.
func TestPageIsOneFile(t *testing.T) {
	page := write(t, wholeRun(t))
	for _, found := range regexp.MustCompile(`(?i)(src|href|action|data)\s*=\s*"([^"]{0,40})`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(found[2], "data:image/png;base64,") && !strings.HasPrefix(found[2], "#") {
			t.Errorf("refers to %q", found[0])
		}
	}
	for _, found := range regexp.MustCompile(`(?i)@import|url\(([^)#]{0,40})|https?://[^" ]*`).FindAllString(page, -1) {
		if found != "http://www.w3.org/2000/svg" && found != "http://www.w3.org/1999/xlink" {
			t.Errorf("refers to %q", found)
		}
	}
}

// TestEmptyPartsAreLeftOut: a run that was stopped before its first step still
// has a page.
func TestEmptyPartsAreLeftOut(t *testing.T) {
	page := write(t, Run{Title: "nothing yet"})
	for _, heading := range []string{"<h2>", "<svg", "<table", "<figure", "<pre>", "<ul"} {
		if strings.Contains(page, heading) {
			t.Errorf("%s in a page about nothing", heading)
		}
	}
	nan := math.NaN()
	page = write(t, Run{Steps: []Step{{0, nan, 1e-4, nan, nan, nan, nan}}})
	if n := strings.Count(page, "<svg "); n != 1 || !strings.Contains(page, "Learning rate") {
		t.Errorf("%d charts of one step with a learning rate alone, want 1", n)
	}
}

// TestThin: never more points than a chart can show, the mean of runs, finite
// values alone.
func TestThin(t *testing.T) {
	var steps []Step
	for i := range 1801 {
		steps = append(steps, Step{Step: int64(i), Loss: float64(i)})
	}
	steps[1].Loss = math.NaN()
	points := thin(steps, func(s *Step) float64 { return s.Loss })
	if len(points) > chartPoints || len(points) < chartPoints/2 {
		t.Fatalf("%d points", len(points))
	}
	for _, p := range points {
		if p.X != p.Y {
			t.Fatalf("point %v: the mean step isn't the mean value's", p)
		}
	}
	if last := points[len(points)-1]; last.X < 1797 {
		t.Errorf("ends at %v", last)
	}
	for _, p := range runningMean(points) {
		if math.Abs(p.X-p.Y) > 3 {
			t.Fatalf("the running mean of a straight line leaves it at %v", p)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high, least float64
		want             string
	}{
		{0, 1499, 1, "0 500 1000"},
		{0, 3, 1, "0 1 2 3"},
		{-.05, 1.1, 0, "0 0.2 0.4 0.6 0.8 1"},
		{-1e-5, 1.1e-3, 0, "0 0.0002 0.0004 0.0006 0.0008 0.001"},
		{5.5e6, 6.1e6, 0, "5.5e+06 5.6e+06 5.7e+06 5.8e+06 5.9e+06 6e+06 6.1e+06"},
	} {
		var labels []string
		for _, tick := range evenTicks(c.low, c.high, c.least) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("%g to %g: %s, want %s", c.low, c.high, got, c.want)
		}
	}
}

// full is a writer without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("no space left")

func TestWriteErrors(t *testing.T) {
	if err := Write(full{}, Run{}); !errors.Is(err, errFull) {
		t.Errorf("full disk: %v", err)
	}
	if err := WritePreview(full{}, newPair(t, 0, 8, views.SmallRecipe(32))); !errors.Is(err, errFull) {
		t.Errorf("full disk: %v", err)
	}
	run := Run{Pairs: []Pair{{Name: "broken"}}}
	if err := Write(&bytes.Buffer{}, run); err == nil || !strings.Contains(err.Error(), `"broken"`) {
		t.Errorf("a pair without images: %v", err)
	}
}
