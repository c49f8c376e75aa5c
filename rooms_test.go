// Package siameseim_test holds the rules that concern the module as a whole.
package siameseim_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// mayImport is docs/design.md's import table: for each room (a package and the
// packages below it, the longest match wins) the rooms that its non-test code
// may import beside itself. A room that is missing here may not exist.
var mayImport = map[string][]string{
	"cmd": {"cmd/internal/cli", "ablate", "experiment", "evaluate", "weights", "finetune", "dense", "export", "gallery", "trainer", "pipeline", "views", "viewshard", "crop", "colorjitter",
		"webdataset", "picture", "internal/imagefile", "internal/simd", "internal/team", "internal/shapes",
		"internal/report", "internal/replay", "internal/fileviews", "internal/rss", "internal/atomicfile", "internal/dirlock"},
	"cmd/internal/cli": {"views", "internal/simd"},
	"docs/bench":       {"trainer", "pipeline", "views", "internal/safetensors"},
	"ablate":           {"experiment", "evaluate", "weights", "dense", "pipeline", "views", "internal/report", "internal/team", "internal/atomicfile", "internal/dirlock"},
	"experiment": {"evaluate", "trainer", "pipeline", "views", "webdataset", "picture", "internal/imagefile", "internal/shapes",
		"internal/report", "internal/tfevents", "internal/simd", "internal/team", "internal/rss", "internal/atomicfile", "internal/dirlock"},
	"evaluate":             {"trainer", "pipeline", "views", "internal/simd", "internal/team", "internal/safetensors"},
	"export":               {"evaluate", "weights", "trainer", "views", "internal/npy", "internal/safetensors"},
	"gallery":              {"evaluate", "weights", "trainer", "views", "internal/simd", "internal/team"},
	"dense":                {"evaluate", "pipeline", "views", "crop", "webdataset", "internal/shapes", "internal/simd", "internal/team"},
	"finetune":             {"evaluate", "export", "weights", "trainer", "pipeline", "views", "internal/simd", "internal/team", "internal/safetensors", "internal/atomicfile", "internal/dirlock"},
	"weights":              {"trainer", "internal/pth", "internal/safetensors", "internal/team"},
	"trainer":              {"views", "crop", "internal/simd", "internal/team", "internal/safetensors"},
	"viewshard":            {"pipeline", "webdataset", "views", "crop", "picture", "internal/npy", "internal/atomicfile", "internal/dirlock"},
	"pipeline":             {"webdataset", "views", "picture", "internal/imagefile", "internal/fileviews", "internal/shapes"},
	"views":                {"crop", "colorjitter", "picture", "internal/simd"},
	"crop":                 {"picture", "internal/simd"},
	"colorjitter":          {"picture", "internal/simd"},
	"webdataset":           {},
	"picture":              {},
	"internal/imagefile":   {"picture", "internal/jpeg"},
	"internal/jpeg":        {"picture", "internal/simd"},
	"internal/fileviews":   {"views", "picture", "internal/imagefile"},
	"internal/replay":      {"webdataset", "views", "picture", "internal/imagefile", "internal/fileviews"},
	"internal/report":      {"views", "crop", "picture"},
	"internal/shapes":      {},
	"internal/simd":        {},
	"internal/team":        {},
	"internal/safetensors": {},
	"internal/pth":         {},
	"internal/npy":         {},
	"internal/atomicfile":  {},
	"internal/dirlock":     {},
	"internal/rss":         {},
	"internal/tfevents":    {},
}

const module = "siameseim/"

// room returns the longest entry of the table that holds a package.
func room(importPath string) (string, bool) {
	for p := strings.TrimPrefix(importPath, module); p != "."; p = path.Dir(p) {
		if _, ok := mayImport[p]; ok {
			return p, true
		}
	}
	return "", false
}

func TestImportTable(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,GoFiles", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := 0
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; packages++ {
		var p struct {
			ImportPath string
			Imports    []string
			GoFiles    []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) == 0 {
			continue // tests alone
		}
		from, ok := room(p.ImportPath)
		if !ok {
			t.Errorf("%s is in no room of docs/design.md's table", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, module) {
				continue
			}
			to, ok := room(imported)
			if !ok || to != from && !slices.Contains(mayImport[from], to) {
				t.Errorf("%s imports %s: room %q may import %q only (docs/design.md says why)",
					p.ImportPath, imported, from, mayImport[from])
			}
		}
	}
	if packages < 10 {
		t.Errorf("go list found %d packages only", packages)
	}
}

// The table itself: crop and colorjitter never import each other, trainer and
// pipeline never do, and leaves stay leaves.
func TestImportTableKeepsItsWalls(t *testing.T) {
	for _, pair := range [][2]string{{"crop", "colorjitter"}, {"trainer", "pipeline"}} {
		if slices.Contains(mayImport[pair[0]], pair[1]) || slices.Contains(mayImport[pair[1]], pair[0]) {
			t.Errorf("%s and %s must not import each other", pair[0], pair[1])
		}
	}
	for _, leaf := range []string{"webdataset", "picture", "internal/simd", "internal/team", "internal/safetensors", "internal/pth", "internal/npy", "internal/tfevents", "internal/shapes", "internal/atomicfile", "internal/dirlock", "internal/rss"} {
		if n := len(mayImport[leaf]); n > 0 {
			t.Errorf("%s is a leaf, but the table lets it import %d rooms", leaf, n)
		}
	}
}
