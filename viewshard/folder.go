package viewshard

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"siameseim/internal/dirlock"
	"siameseim/views"
	"siameseim/webdataset"
)

// WriteFolder writes every sample into dir/views-NNNNNN.tar and a manifest
// beside them. Called again with the same configuration it goes on where the
// folder stands, and writes nothing if that is complete; with another one it
// returns a *ConfigError and leaves the folder alone. A shard is written under a
// name that ends in .tmp, synced and renamed. On an error, a cancelled context
// included, the complete shards stay and the begun one is removed. Another
// process at work in dir is dirlock.ErrHeld.
func WriteFolder(ctx context.Context, dir string, cfg Config) (Summary, error) {
	if err := cfg.normalise(); err != nil {
		return Summary{}, err
	}
	configuration, err := identify(ctx, &cfg, dir)
	if err != nil {
		return Summary{}, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return Summary{}, fmt.Errorf("viewshard: %w", err)
	}
	lock, err := dirlock.Take(dir)
	if errors.Is(err, dirlock.ErrHeld) {
		return Summary{}, fmt.Errorf("viewshard: %w: wait for it, stop it, or give another --out", err)
	}
	// Where nothing can be locked (no such system, a folder of a complete run
	// that is read-only by now) this goes on without.
	defer lock.Release()
	m, err := prepare(dir, configuration)
	if err != nil {
		return Summary{}, err
	}
	f := &folder{dir: dir, cfg: &cfg, manifest: m, create: createFile, given: giveUp(&cfg, m.BadShards)}
	return f.run(ctx)
}

// file is what a shard is written to; *os.File but for tests.
type file interface {
	io.WriteCloser
	Sync() error
}

func createFile(path string) (file, error) { return os.Create(path) }

// folder is the sink of WriteFolder.
type folder struct {
	dir      string
	cfg      *Config
	manifest *Manifest
	create   func(path string) (file, error)
	given    *givenUp
	sum      Summary
	shard    *shard
}

func (f *folder) run(ctx context.Context) (Summary, error) {
	m := f.manifest
	for _, s := range m.Shards {
		f.sum.Samples += s.Samples
		f.sum.Bad = s.Bad
		f.sum.Shards++
		f.cfg.Pipeline.Start, f.cfg.Pipeline.StartBad = s.Next, s.Bad
	}
	if m.Complete {
		f.sum.Bad, f.sum.BadShards = m.Bad, m.BadShards
		return f.sum, f.allowed()
	}
	// From here on the folder is this configuration's.
	if err := m.save(f.dir); err != nil {
		return f.sum, err
	}
	firstBatch := int64(0)
	if f.cfg.Batch > 0 {
		firstBatch = f.sum.Samples / int64(f.cfg.Batch)
	}
	stats, err := pump(ctx, f.cfg, f, firstBatch)
	if err == nil && f.shard != nil {
		err = f.finish()
	}
	f.sum.BadShards = f.given.list()
	if err != nil {
		return f.sum, errors.Join(err, f.discard())
	}
	f.sum.Bad = stats.Bad
	m.Complete, m.Samples, m.Bad, m.BadShards = true, f.sum.Samples, f.sum.Bad, f.sum.BadShards
	return f.sum, m.save(f.dir)
}

// allowed holds a complete run to the policy of this one, which may be stricter.
func (f *folder) allowed() error {
	p := f.cfg.Pipeline.BadSamples
	if bad := f.manifest.Bad; bad > 0 && (p.Strict || p.Max > 0 && bad > p.Max) {
		return fmt.Errorf("viewshard: %s: is complete, but without %d bad samples, more than are allowed now", f.dir, bad)
	}
	return nil
}

func (f *folder) write(sample func(*keyNames) (*webdataset.Sample, error), images int, next views.Position, bad int64) error {
	if f.shard == nil {
		if err := f.begin(); err != nil {
			return err
		}
	}
	s := f.shard
	made, err := sample(&s.names)
	if err != nil {
		return err
	}
	if err := s.tar.Write(made); err != nil {
		return s.wrap(err)
	}
	s.entry.Samples += int64(images)
	s.entry.Next, s.entry.Bad = next, bad
	f.sum.Samples += int64(images)
	f.sum.Bad = bad
	// Whole batches, and as many of them as shards stay within their size.
	if full := s.entry.Samples+int64(f.cfg.Batch) > int64(f.cfg.ShardSamples); full && f.cfg.Batch > 0 ||
		s.entry.Samples >= int64(f.cfg.ShardSamples) {
		if err := f.finish(); err != nil {
			return err
		}
	}
	if f.cfg.Progress != nil {
		f.cfg.Progress(f.sum)
	}
	return nil
}

// shard is the file being written.
type shard struct {
	path  string // without .tmp
	file  file
	sum   hash.Hash
	buf   *bufio.Writer
	tar   *webdataset.Writer
	names keyNames
	entry Shard
}

func (s *shard) wrap(err error) error {
	return fmt.Errorf("viewshard: %s%s: %w", s.path, tmpSuffix, err)
}

// Write takes what goes into the file.
func (s *shard) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	s.sum.Write(p[:n])
	s.entry.Bytes += int64(n)
	return n, err
}

func (f *folder) begin() error {
	name := shardName(len(f.manifest.Shards))
	s := &shard{path: filepath.Join(f.dir, name), sum: sha256.New(), entry: Shard{Name: name}}
	var err error
	if s.file, err = f.create(s.path + tmpSuffix); err != nil {
		return fmt.Errorf("viewshard: %w", err)
	}
	s.names.reset()
	s.buf = bufio.NewWriterSize(s, buffered)
	s.tar = webdataset.NewWriter(s.buf)
	f.shard = s
	return nil
}

// finish completes the shard: everything is on the disk before its name is.
func (f *folder) finish() error {
	s := f.shard
	if err := s.tar.Close(); err != nil {
		return s.wrap(err)
	}
	if err := s.buf.Flush(); err != nil {
		return s.wrap(err)
	}
	if err := s.file.Sync(); err != nil {
		return s.wrap(err)
	}
	if err := s.file.Close(); err != nil {
		s.file = nil
		return s.wrap(err)
	}
	s.file = nil
	if err := os.Rename(s.path+tmpSuffix, s.path); err != nil {
		return s.wrap(err)
	}
	f.shard = nil
	s.entry.SHA256 = fmt.Sprintf("%x", s.sum.Sum(nil))
	f.manifest.Shards = append(f.manifest.Shards, s.entry)
	f.sum.Shards++
	f.manifest.BadShards = f.given.list()
	return f.manifest.save(f.dir)
}

// discard removes a shard that was begun and takes its samples out of the
// summary.
func (f *folder) discard() error {
	s := f.shard
	if s == nil {
		return nil
	}
	f.shard = nil
	f.sum.Samples -= s.entry.Samples
	if s.file != nil {
		s.file.Close() // the error that ended the run matters, not this one
	}
	if err := os.Remove(s.path + tmpSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("viewshard: %w", err)
	}
	return nil
}
