package viewshard

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"siameseim/views"
	"siameseim/webdataset"
)

// identity is the part of a configuration that the bytes of the shards depend
// on, as the manifest holds it. Sources are named without their folder, so that
// data that was moved stays the same data.
type identity struct {
	Data         []dataFile   `json:"data"`
	Seed         uint64       `json:"seed"`
	FirstEpoch   int          `json:"first_epoch"`
	Epochs       int          `json:"epochs"`
	Recipe       views.Recipe `json:"recipe"`
	Shuffle      int          `json:"shuffle"`
	Interleave   int          `json:"interleave"`
	Rank         int          `json:"rank"`
	World        int          `json:"world"`
	MaxPixels    int64        `json:"max_pixels"`
	Fast         bool         `json:"fast"`
	Format       string       `json:"format"`
	ShardSamples int          `json:"shard_samples"`
	Batch        int          `json:"batch"`
	Dtype        string       `json:"dtype"`
}

type dataFile struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes,omitempty"` // of a file
	Files int    `json:"files,omitempty"` // of a folder of images
	// SHA256 is of the first 64 KiB of a file or a stream, or of the names and
	// sizes of a folder's files.
	SHA256 string `json:"sha256,omitempty"`
}

// headBytes is how much of a file tells it from others of its name and size.
const headBytes = 64 << 10

// identify describes what the bytes of dir's shards depend on. It reads the
// beginning of standard input where that is a source, and puts it back.
func identify(ctx context.Context, c *Config, dir string) (json.RawMessage, error) {
	p := &c.Pipeline
	urls, err := webdataset.Expand(p.Data)
	if err != nil {
		return nil, fmt.Errorf("viewshard: %w", err)
	}
	if err := apart(dir, urls); err != nil {
		return nil, err
	}
	id := identity{
		Seed: p.Seed, FirstEpoch: p.Start.Epoch, Epochs: p.Epochs, Recipe: p.Recipe,
		Shuffle: p.Shuffle, Interleave: p.Interleave, Rank: p.Rank, World: p.World, MaxPixels: p.MaxPixels, Fast: p.Fast,
		Format: c.Format, ShardSamples: c.ShardSamples, Batch: c.Batch, Dtype: c.Dtype,
	}
	for _, url := range urls {
		file := dataFile{Name: url}
		switch info, err := os.Stat(url); {
		case url == "-":
			if p.Stdin == nil {
				p.Stdin = os.Stdin
			}
			if file.SHA256, p.Stdin, err = peek(ctx, p.Stdin); err != nil {
				return nil, fmt.Errorf("viewshard: standard input: %w", err)
			}
		case err != nil: // a name inside the program, a command
		case info.IsDir():
			file.Name = filepath.Base(url)
			var sum [sha256.Size]byte
			if file.Files, sum, err = webdataset.FolderListing(ctx, url); err != nil {
				return nil, fmt.Errorf("viewshard: %w", err)
			}
			file.SHA256 = fmt.Sprintf("%x", sum)
		case info.Mode().IsRegular():
			file.Name, file.Bytes = filepath.Base(url), info.Size()
			if file.SHA256, err = headSum(url); err != nil {
				return nil, fmt.Errorf("viewshard: %w", err)
			}
		default:
			file.Name = filepath.Base(url)
		}
		id.Data = append(id.Data, file)
	}
	return json.Marshal(id)
}

// apart reports a folder whose shards would be sources of the next run.
func apart(dir string, urls []string) error {
	out, err := os.Stat(dir)
	if err != nil {
		return nil // it will be made
	}
	for _, url := range urls {
		for _, at := range [...]string{url, filepath.Dir(url)} {
			if info, err := os.Stat(at); err == nil && os.SameFile(info, out) {
				return &ConfigError{dir, fmt.Sprintf("holds the data too (%s): the next run would read what this one writes; give another folder", url)}
			}
		}
	}
	return nil
}

func headSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyN(h, f, headBytes); err != nil && err != io.EOF {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// peek returns the SHA-256 of the beginning of in, and a reader of all of it.
func peek(ctx context.Context, in io.Reader) (sum string, whole io.Reader, err error) {
	type result struct {
		n   int
		err error
	}
	head, done := make([]byte, headBytes), make(chan result, 1)
	go func() {
		n, err := io.ReadFull(in, head)
		done <- result{n, err}
	}()
	select {
	case <-ctx.Done():
		return "", nil, ctx.Err()
	case r := <-done:
		if r.err != nil && r.err != io.EOF && r.err != io.ErrUnexpectedEOF {
			return "", nil, r.err
		}
		head = head[:r.n]
		return fmt.Sprintf("%x", sha256.Sum256(head)), io.MultiReader(bytes.NewReader(head), in), nil
	}
}

// compare returns nil if two configurations are the same, else an error that
// names what differs.
func compare(dir string, have, want json.RawMessage) error {
	var old, now map[string]json.RawMessage
	if err := json.Unmarshal(have, &old); err != nil {
		return &ConfigError{dir, fmt.Sprintf("manifest: configuration: %v", err)}
	}
	if err := json.Unmarshal(want, &now); err != nil {
		return err
	}
	var differing []string
	for _, key := range slices.Sorted(maps.Keys(now)) {
		if a, b := compact(old[key]), compact(now[key]); !bytes.Equal(a, b) {
			const enough = 60 // characters of a value that a message shows
			if len(a)+len(b) > enough {
				differing = append(differing, key)
			} else {
				differing = append(differing, fmt.Sprintf("%s (%s there, %s now)", key, a, b))
			}
		}
	}
	if len(differing) == 0 {
		return nil
	}
	return &ConfigError{dir, "holds shards of another configuration: different " + strings.Join(differing, ", ")}
}

// compact is a JSON value without the white space that indenting gave it.
func compact(value json.RawMessage) []byte {
	var b bytes.Buffer
	if json.Compact(&b, value) != nil {
		return []byte("nothing")
	}
	return b.Bytes()
}
