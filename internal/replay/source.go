package replay

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"siameseim/webdataset"
)

// eachSource calls run once for each image that cases need, with its bytes and
// the cases of it: files in the order of their first case, then shards, each read
// once from its start until its last needed key. Cases whose image can't be read
// are finished here. Its error is the context's.
func eachSource(ctx context.Context, opt Options, cases []*testCase, run func(data []byte, cases []*testCase)) error {
	var files, shards []string
	byFile := map[string][]*testCase{}
	byShard := map[string]map[string][]*testCase{}
	for _, c := range cases {
		l := &c.line
		switch {
		case c.err != nil:
			c.finish(notRun, "source", "", c.err.Error())
		case l.File != "":
			if byFile[l.File] == nil {
				files = append(files, l.File)
			}
			byFile[l.File] = append(byFile[l.File], c)
		default:
			if byShard[l.Shard] == nil {
				shards = append(shards, l.Shard)
				byShard[l.Shard] = map[string][]*testCase{}
			}
			byShard[l.Shard][l.Key] = append(byShard[l.Shard][l.Key], c)
		}
	}
	for _, name := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		data, err := os.ReadFile(filepath.Join(opt.Root, filepath.FromSlash(name)))
		if err != nil {
			notRunnable(byFile[name], err)
			continue
		}
		run(data, byFile[name])
	}
	for _, name := range shards {
		byKey := byShard[name]
		err := eachSample(ctx, filepath.Join(opt.DataRoot, filepath.FromSlash(name)), byKey, run)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, left := range byKey {
			notRunnable(left, err)
		}
	}
	return nil
}

// eachSample reads a shard and takes every key that it finds out of byKey. Its
// error is why the keys that are left weren't found.
func eachSample(ctx context.Context, path string, byKey map[string][]*testCase, run func([]byte, []*testCase)) error {
	r, err := webdataset.Open(ctx, path, webdataset.Options{})
	if err != nil {
		return err
	}
	defer r.Close()
	for len(byKey) > 0 {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return errMissing
		}
		if err != nil {
			return err
		}
		cases := byKey[s.Key]
		if cases == nil {
			continue
		}
		delete(byKey, s.Key)
		_, data, err := s.Image()
		if err != nil {
			notRunnable(cases, err)
			continue
		}
		run(data, cases)
	}
	return nil
}

func notRunnable(cases []*testCase, err error) {
	for _, c := range cases {
		c.finish(notRun, "source", "", err.Error())
	}
}
