package ablate

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stored makes a folder in which a grid was run to these results, by cell.
func stored(t *testing.T, text string, results map[string]Result) string {
	t.Helper()
	dir := t.TempDir()
	if err := read(t, text).store(dir); err != nil {
		t.Fatal(err)
	}
	for name, r := range results {
		folder := filepath.Join(dir, cellsName, name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := r.write(folder); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func knn(value float64) Result {
	return Result{
		Figures: map[string]Figure{FigureKNN: {value, value - .02, value + .02}},
		Steps:   100, Images: 6400, Epochs: .5, GFLOPPerImage: .25, Seconds: 20,
		Held: []HeldPoint{{0, .2}, {50, value - .1}},
	}
}

const twoByThree = "title: <b>Two</b>\ngrid: {lambda: [0, 0.02]}\nseeds: 3\nevaluate: [linear]"

// TestTable: Student's interval of three seeds by hand, the figure's own of one,
// failures and cells that aren't done.
func TestTable(t *testing.T) {
	first := knn(.4)
	first.Figures[FigureRaw] = Figure{.1, .08, .12}
	failed := knn(.9)
	failed.Figures, failed.Error = nil, "loss not finite"
	dir := stored(t, twoByThree, map[string]Result{
		"lambda=0,seed=0": first, "lambda=0,seed=1": knn(.46), "lambda=0,seed=2": knn(.43),
		"lambda=0.02,seed=0": knn(.5), "lambda=0.02,seed=1": failed,
	})
	table, err := WriteReport(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := table.Rows[0].Figures[FigureKNN]
	half := 4.302652729911275 * .03 / math.Sqrt(3) // t(.975, 2) s / sqrt(n)
	if math.Abs(m.Value-.43) > 1e-12 || math.Abs(m.Low-(.43-half)) > 1e-9 || math.Abs(m.High-(.43+half)) > 1e-9 || m.Seeds != 3 || !m.OverSeeds {
		t.Errorf("mean %+v, want .43 +- %g", m, half)
	}
	if m := table.Rows[1].Figures[FigureKNN]; m != (Mean{.5, .48, .52, 1, false}) {
		t.Errorf("of one seed: %+v", m)
	}
	if r := table.Rows[1]; r.Cells != 3 || r.Done != 1 || r.Failed != 1 {
		t.Errorf("second row %+v", r)
	}
	for name, want := range map[string]string{
		tableName: "lambda,cells,done,failed,knn,knn_low,knn_high,knn_seeds\n0,3,3,0,0.4300,0.3555,0.5045,3\n0.02,3,1,1,0.5000,0.4800,0.5200,1\n",
		cellsCSV: "lambda,seed,steps,images,knn,knn_low,knn_high,knn_raw,knn_raw_low,knn_raw_high,knn_untrained,knn_untrained_low,knn_untrained_high,error\n" +
			"0,0,100,6400,0.4000,0.3800,0.4200,0.1000,0.0800,0.1200,,,,\n0.02,0,100,6400,0.5000,0.4800,0.5200,,,,,,,\n" +
			"0,1,100,6400,0.4600,0.4400,0.4800,,,,,,,\n0.02,1,100,6400,,,,,,,,,,loss not finite\n0,2,100,6400,0.4300,0.4100,0.4500,,,,,,,\n",
		costName: "lambda,steps,images,epochs,gflop_per_image,seconds\n0,100,6400,0.5,0.25,20.0\n0.02,100,6400,0.5,0.25,20.0\n",
	} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s, %v:\n%s\nwant:\n%s", name, err, got, want)
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"&lt;b&gt;Two&lt;/b&gt;", "Partial: 4 of 6 runs are done", "1 runs failed", "43.0 %", "35.5 % to 50.5 %", "1 of 3",
		"raw pixels", "<svg ", "kNN on the held subset", "failed: loss not finite", "not begun", "lambda:",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, name := range []string{"knn.svg", "held.svg"} {
		if svg, err := os.ReadFile(filepath.Join(dir, "plots", name)); err != nil || !strings.HasPrefix(string(svg), "<svg ") || !strings.HasSuffix(string(svg), "</svg>\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReportOfNothing: a grid of which no cell is done yet has a report.
func TestReportOfNothing(t *testing.T) {
	table, err := WriteReport(stored(t, twoByThree, nil))
	if err != nil || len(table.Rows) != 2 || len(table.Figures) != 0 {
		t.Errorf("%+v, %v", table, err)
	}
}

func TestDamagedResult(t *testing.T) {
	dir := stored(t, twoByThree, map[string]Result{"lambda=0,seed=0": knn(.4)})
	path := filepath.Join(dir, cellsName, "lambda=0,seed=0", resultName)
	if err := os.WriteFile(path, []byte(`{"cell":`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteReport(dir); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
}
