package webdataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Expand turns what a user wrote into the list of sources that Open takes, in
// order. Each spec may hold several, separated by "::"; braces are expanded as
// a shell does ({0000..0009}, {a,b}); a pattern with *, ? or [ gives the files
// that match it, sorted; a folder of shards gives its shards, sorted by name,
// while a folder of images is a source itself. "-", builtin:..., pipe:... and
// URLs with a scheme pass through. A path that isn't there is an error.
func Expand(specs []string) ([]string, error) {
	var sources []string
	for _, spec := range specs {
		for _, part := range splitList(spec) {
			if part == "" {
				return nil, &SpecError{spec, errEmpty}
			}
			// A command and a name inside the program are nobody's pattern.
			if part == "-" || strings.HasPrefix(part, "pipe:") || strings.HasPrefix(part, "builtin:") {
				sources = append(sources, part)
				continue
			}
			paths, err := expandBraces(part)
			if err != nil {
				return nil, &SpecError{part, err}
			}
			for _, path := range paths {
				sources, err = appendSource(sources, path)
				if err != nil {
					return nil, err
				}
			}
		}
	}
	return sources, nil
}

var errEmpty = errors.New("empty source")

// splitList cuts at "::"; a command keeps what follows it.
func splitList(spec string) []string {
	var parts []string
	for !strings.HasPrefix(spec, "pipe:") {
		head, rest, more := strings.Cut(spec, "::")
		parts = append(parts, head)
		if !more {
			return parts
		}
		spec = rest
	}
	return append(parts, spec)
}

func appendSource(sources []string, path string) ([]string, error) {
	if path == "" {
		return nil, &SpecError{path, errEmpty}
	}
	if _, ok := remote(path); ok || path == "-" {
		return append(sources, path), nil
	}
	info, err := os.Stat(path)
	if err != nil && strings.ContainsAny(path, "*?[") {
		return appendMatches(sources, path)
	}
	if err != nil {
		return nil, fileError(path, err)
	}
	if !info.IsDir() {
		return append(sources, path), nil
	}
	entries, err := os.ReadDir(path) // sorted by name
	if err != nil {
		return nil, fileError(path, err)
	}
	found := false
	for _, entry := range entries {
		if !entry.IsDir() && isShardFile(entry.Name()) {
			sources = append(sources, filepath.Join(path, entry.Name()))
			found = true
		}
	}
	if !found {
		sources = append(sources, path)
	}
	return sources, nil
}

// appendMatches appends what a pattern matches, folders of shards as their
// shards.
func appendMatches(sources []string, pattern string) ([]string, error) {
	matches, err := filepath.Glob(pattern)
	if err != nil {
		return nil, &SpecError{pattern, err}
	}
	if len(matches) == 0 {
		return nil, fmt.Errorf("webdataset: %s: no file matches: %w", pattern, os.ErrNotExist)
	}
	sort.Strings(matches)
	for _, path := range matches {
		if _, err := os.Stat(path); err != nil { // a link that leads nowhere is no pattern either
			return nil, fileError(path, err)
		}
		if sources, err = appendSource(sources, path); err != nil {
			return nil, err
		}
	}
	return sources, nil
}

// isShardFile tells a folder's shards by name; hidden files and those that are
// still being written (.tmp) are none.
func isShardFile(name string) bool {
	if strings.HasPrefix(name, ".") {
		return false
	}
	name = strings.ToLower(name)
	for _, ending := range [...]string{".tar", ".tar.gz", ".tgz", ".tar.zst"} {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}
