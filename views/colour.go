package views

import (
	"fmt"
	"strings"
)

// The strengths of colour augmentation that SetColour knows.
const (
	ColourNone = "none" // crop and flip alone
	ColourWeak = "weak" // half of the recipe's
	ColourFull = "full" // the recipe's own
)

// SetColour changes how strongly both views' colours are changed, with
// everything else as it is: ColourFull leaves the recipe, ColourWeak halves the
// jitter's strengths and the probabilities of greyscale, blur and solarize,
// ColourNone leaves all four out. Another name is an error.
func (r *Recipe) SetColour(name string) error {
	for _, v := range [...]*ViewRecipe{&r.View1, &r.View2} {
		switch name {
		case ColourFull:
		case ColourWeak:
			for i := range v.Jitter {
				v.Jitter[i] /= 2
			}
			v.GreyP, v.BlurP, v.SolarizeP = v.GreyP/2, v.BlurP/2, v.SolarizeP/2
		case ColourNone:
			v.JitterP, v.GreyP, v.BlurP, v.SolarizeP = 0, 0, 0, 0
		default:
			return fieldError("colour", fmt.Sprintf("%q", name), "one of "+strings.Join([]string{ColourNone, ColourWeak, ColourFull}, ", "))
		}
	}
	return nil
}
