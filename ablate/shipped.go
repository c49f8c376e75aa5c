package ablate

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

//go:embed grids/*.yaml
var grids embed.FS

// Shipped lists the grids that come with the program.
func Shipped() []string {
	files, err := grids.ReadDir("grids")
	if err != nil {
		panic(err) // they are part of the program
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".yaml"))
	}
	return names
}

// Source returns the YAML of a shipped grid, or of a file: a name with a dot or
// a slash in it.
func Source(name string) ([]byte, error) {
	if strings.ContainsAny(name, "./"+string(filepath.Separator)) {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, errorf("grid: %w", err)
		}
		return data, nil
	}
	data, err := grids.ReadFile(path.Join("grids", name+".yaml"))
	if err != nil {
		return nil, errorf("grid %q: unknown, there are %s (a file's name has a dot or a slash)", name, strings.Join(Shipped(), ", "))
	}
	return data, nil
}

// Load reads a shipped grid or a file.
func Load(name string) (*Grid, error) {
	data, err := Source(name)
	if err != nil {
		return nil, err
	}
	g, err := Read(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return g, nil
}
