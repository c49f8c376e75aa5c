package crop

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestBoxCheck(t *testing.T) {
	for _, c := range []struct {
		box Box
		ok  bool
	}{
		{Box{0, 0, 37, 45}, true},
		{Box{36, 44, 1, 1}, true},
		{Box{}, false},
		{Box{0, 0, 0, 5}, false},
		{Box{0, 0, 5, -1}, false},
		{Box{-1, 0, 5, 5}, false},
		{Box{0, -1, 5, 5}, false},
		{Box{33, 0, 5, 5}, false},
		{Box{0, 41, 5, 5}, false},
		{Box{0, 0, 38, 45}, false},
		{Box{math.MaxInt, 0, math.MaxInt, 1}, false},
		{Box{1, 1, math.MaxInt, math.MaxInt}, false},
		{Box{math.MinInt, math.MinInt, 1, 1}, false},
	} {
		err := c.box.Check(37, 45)
		var be *BoxError
		if (err == nil) != c.ok || err != nil && !errors.As(err, &be) {
			t.Errorf("%v: %v", c.box, err)
		}
	}
	want := "crop: box [33, 0, 5, 5]: not within an image of 37 x 45 (height x width)"
	if err := (Box{33, 0, 5, 5}).Check(37, 45); err.Error() != want {
		t.Errorf("%q", err)
	}
}

func TestBoxJSON(t *testing.T) {
	b := Box{1, 2, 3, 4}
	data, err := json.Marshal(struct{ B Box }{b})
	if err != nil || string(data) != `{"B":[1,2,3,4]}` {
		t.Errorf("%s, %v", data, err)
	}
	var back struct{ B Box }
	if err := json.Unmarshal(data, &back); err != nil || back.B != b {
		t.Errorf("%v, %v", back, err)
	}
	for _, bad := range []string{`[1,2,3]`, `[1,2,3,4,5]`, `[]`, `null`, `{}`, `"1"`, `[1,2,3,4.5]`, `[1,2,3,1e99]`, `[1,2,"3",4]`} {
		got := b
		if err := json.Unmarshal([]byte(bad), &got); err == nil && bad != "null" || got != b {
			t.Errorf("%s: %v, %v", bad, got, err)
		}
	}
}

func TestUnionAndSource(t *testing.T) {
	a, b := Box{2, 10, 5, 4}, Box{4, 3, 9, 2}
	if got, want := a.Union(b), (Box{2, 3, 11, 11}); got != want || b.Union(a) != want {
		t.Errorf("union %v", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b, height, width := drawPair(t)
		u := a.Source(width).Union(b.Source(width))
		if err := u.Check(height, width); err != nil {
			t.Fatal(err)
		}
		if u.Union(a.Source(width)) != u || u.Union(b.Source(width)) != u {
			t.Fatalf("%v doesn't hold %v and %v", u, a, b)
		}
		// Mirroring twice is nothing.
		again := Placement{Box: a.Source(width), Flip: a.Flip}
		if again.Source(width) != a.Box {
			t.Fatalf("%v: %v", a, again.Source(width))
		}
	})
}
