package viewshard

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"siameseim/internal/atomicfile"
	"siameseim/views"
)

// Manifest is DIR/manifest.json: what made the shards, and which are complete.
// It is written anew, aside, after each shard.
type Manifest struct {
	Configuration json.RawMessage `json:"configuration"`
	Shards        []Shard         `json:"shards"`
	// Complete is true once the run is at its end; Samples and Bad are then
	// its totals.
	Complete bool  `json:"complete"`
	Samples  int64 `json:"samples"`
	Bad      int64 `json:"bad"`
	// BadShards are Summary.BadShards so far.
	BadShards []string `json:"bad_shards,omitempty"`
}

// Shard is one complete file of the folder.
type Shard struct {
	Name    string `json:"name"`
	Samples int64  `json:"samples"` // images
	Bytes   int64  `json:"bytes"`
	SHA256  string `json:"sha256"`
	// Next is where the source stands behind the shard's last sample, Bad how
	// many bad samples came before that.
	Next views.Position `json:"next"`
	Bad  int64          `json:"bad"`
}

// ManifestName is the manifest's file name.
const ManifestName = "manifest.json"

const tmpSuffix = atomicfile.Suffix

func shardName(number int) string { return fmt.Sprintf("views-%06d.tar", number) }

// isShard tells the names that shardName gives.
func isShard(name string) bool {
	digits, ok := strings.CutPrefix(name, "views-")
	digits, tar := strings.CutSuffix(digits, ".tar")
	return ok && tar && len(digits) >= 6 && strings.Trim(digits, "0123456789") == ""
}

// ReadManifest reads a folder's manifest; without one the error wraps
// fs.ErrNotExist.
func ReadManifest(dir string) (*Manifest, error) {
	data, err := os.ReadFile(filepath.Join(dir, ManifestName))
	if err != nil {
		return nil, fmt.Errorf("viewshard: %w", err)
	}
	m := new(Manifest)
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("viewshard: %s: %w", filepath.Join(dir, ManifestName), err)
	}
	return m, nil
}

// prepare makes the folder ready: it removes what an interrupted run left
// half-written and returns the manifest to go on with, whose shards are all
// there. A *ConfigError means that the folder is another run's, of which at
// least a shard is there.
func prepare(dir string, configuration json.RawMessage) (*Manifest, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("viewshard: %w", err)
	}
	shards := false
	for _, entry := range entries {
		name := entry.Name()
		shards = shards || isShard(name)
	}
	m, err := ReadManifest(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && shards:
		return nil, &ConfigError{dir, "holds view shards but no " + ManifestName + ": not this program's to write over"}
	case errors.Is(err, fs.ErrNotExist):
		m = &Manifest{Configuration: configuration}
	case err != nil:
		return nil, err
	case len(m.Shards) == 0 && !m.Complete: // nothing came of it: a slip in a flag, say
		m = &Manifest{Configuration: configuration}
	default:
		if err := compare(dir, m.Configuration, configuration); err != nil {
			return nil, err
		}
	}
	for _, entry := range entries {
		if name, tmp := strings.CutSuffix(entry.Name(), tmpSuffix); tmp && (isShard(name) || name == ManifestName) {
			if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
				return nil, fmt.Errorf("viewshard: %w", err)
			}
		}
	}
	for i, s := range m.Shards {
		info, err := os.Stat(filepath.Join(dir, s.Name))
		if err == nil && info.Size() == s.Bytes && s.Name == shardName(i) {
			continue
		}
		// A shard that was removed or cut off, and what follows, is made again.
		m.Shards, m.Complete, m.Samples, m.Bad = m.Shards[:i], false, 0, 0
		break
	}
	return m, nil
}

// save replaces the folder's manifest.
func (m *Manifest) save(dir string) error {
	data, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return fmt.Errorf("viewshard: manifest: %w", err)
	}
	err = atomicfile.Write(filepath.Join(dir, ManifestName), func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
	if err != nil {
		return fmt.Errorf("viewshard: manifest: %w", err)
	}
	return nil
}
