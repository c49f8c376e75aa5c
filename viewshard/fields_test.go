package viewshard

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"siameseim/pipeline"
	"siameseim/webdataset"
)

func TestPassedFields(t *testing.T) {
	for source, want := range map[string]string{
		"jpg cls":                    "cls",
		"png json cls":               "meta.json cls",
		"meta.json json webp":        "meta.json source.json",
		"json meta.json source.json": "source.source.json meta.json source.json",
		"view1.jpg jpg view2.npy":    "source.view1.jpg source.view2.npy",
		"gif seg.png txt":            "seg.png txt",
	} {
		item := &pipeline.Item{Sample: &webdataset.Sample{Key: "k"}}
		for _, name := range strings.Fields(source) {
			item.Sample.Fields = append(item.Sample.Fields, webdataset.Field{Name: name})
		}
		s, err := single(item, "k", "jpg")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range s.Fields[3:] {
			got = append(got, f.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %s", source, got, want)
		}
		if err := s.Check(); err != nil {
			t.Error(err)
		}
	}
}

func TestKeyNames(t *testing.T) {
	var k keyNames
	k.reset()
	var got []string
	for _, key := range strings.Fields("a a b a a-2 a-2 a-3 b a") {
		got = append(got, k.name(key))
	}
	if want := "a a-2 b a-3 a-2-2 a-2-3 a-3-2 b-2 a-4"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %s", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		var k keyNames
		k.reset()
		seen := map[string]bool{}
		for range rapid.IntRange(0, 40).Draw(t, "keys") {
			name := k.name(rapid.StringMatching(`a(-[23]){0,2}`).Draw(t, "key"))
			if seen[name] {
				t.Fatalf("%s twice", name)
			}
			seen[name] = true
		}
	})
}
