package viewshard

import (
	"encoding/json"
	"fmt"
	"strings"

	"siameseim/pipeline"
	"siameseim/webdataset"
)

// single turns an item into the sample that is written for it: both views,
// KEY.json, and the source's other fields. The image isn't passed on.
func single(item *pipeline.Item, key, extension string) (*webdataset.Sample, error) {
	record, err := json.Marshal(&item.Record)
	if err != nil {
		return nil, fmt.Errorf("viewshard: sample %q: %w", item.Sample.Key, err)
	}
	s := &webdataset.Sample{Key: key, Fields: []webdataset.Field{
		{Name: "view1." + extension, Data: item.Encoded[0]},
		{Name: "view2." + extension, Data: item.Encoded[1]},
		{Name: "json", Data: record},
	}}
	taken := map[string]bool{}
	for _, f := range item.Sample.Fields {
		taken[f.Name] = true
	}
	for _, f := range item.Sample.Fields {
		if webdataset.IsImage(f.Name) {
			continue
		}
		if name := passedName(f.Name, taken); name != f.Name {
			f.Name = name
			taken[name] = true
		}
		s.Fields = append(s.Fields, f)
	}
	return s, nil
}

// passedName is the name under which a source's field stands beside the views:
// its own, unless a view or the record has that.
func passedName(name string, taken map[string]bool) string {
	renamed := name
	switch {
	case name == "json":
		renamed = "meta.json"
	case strings.HasPrefix(name, "view1."), strings.HasPrefix(name, "view2."):
	default:
		return name
	}
	for prefix := "source."; taken[renamed] || renamed == name; prefix += "source." {
		renamed = prefix + name
	}
	return renamed
}

// keyNames gives the keys of one shard: one that was used already gets -2,
// -3, ... so that no two samples run together.
type keyNames struct {
	used map[string]int // the number that a key got last
	last string
}

func (k *keyNames) reset() {
	k.used = map[string]int{}
	if k.last != "" {
		k.used[k.last] = 1 // its run may still be growing for a reader
	}
}

func (k *keyNames) name(key string) string {
	name := key
	for n := k.used[key]; k.used[name] > 0; {
		n++
		k.used[key] = n
		name = fmt.Sprintf("%s-%d", key, n)
	}
	k.used[name] = max(k.used[name], 1)
	k.last = name
	return name
}
