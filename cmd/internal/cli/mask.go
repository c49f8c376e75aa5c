package cli

import "siameseim/views"

// MaskFlags are the flags of view 1's mask.
type MaskFlags struct {
	Mask struct {
		Kind  *string `placeholder:"KIND" help:"block (BEiT's), random, or none."`
		Count *int    `placeholder:"N" help:"Patches of view 1 hidden from the online encoder."`
	} `embed:"" prefix:"mask."`
}

// Apply writes the given flags over the recipe's mask.
func (f *MaskFlags) Apply(r *views.Recipe) {
	set(&r.Mask.Kind, f.Mask.Kind)
	set(&r.Mask.Count, f.Mask.Count)
	if r.Mask.Kind == "none" {
		r.Mask.Kind = ""
	}
}
