package views

import (
	"strings"
	"testing"
)

func TestSetColour(t *testing.T) {
	full := DefaultRecipe()
	for name, check := range map[string]func(got, full ViewRecipe) bool{
		ColourFull: func(got, full ViewRecipe) bool { return got == full },
		ColourWeak: func(got, full ViewRecipe) bool {
			return got.Jitter == [4]float64{.2, .2, .1, .05} && got.JitterP == full.JitterP &&
				got.GreyP == full.GreyP/2 && got.BlurP == full.BlurP/2 && got.SolarizeP == full.SolarizeP/2
		},
		ColourNone: func(got, _ ViewRecipe) bool {
			return got.JitterP == 0 && got.GreyP == 0 && got.BlurP == 0 && got.SolarizeP == 0
		},
	} {
		r := full
		if err := r.SetColour(name); err != nil {
			t.Fatal(err)
		}
		if !check(r.View1, full.View1) || !check(r.View2, full.View2) {
			t.Errorf("%s: %+v", name, r)
		}
		for _, v := range []ViewRecipe{r.View1, r.View2} {
			if v.Scale != full.View1.Scale || v.Flip != full.View1.Flip || v.Sigma != full.View1.Sigma {
				t.Errorf("%s changes more than colours: %+v", name, v)
			}
		}
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := full
	if err := r.SetColour("strong"); err == nil || !strings.Contains(err.Error(), "none, weak, full") || r != full {
		t.Errorf("strong: %v, %+v", err, r)
	}
}
