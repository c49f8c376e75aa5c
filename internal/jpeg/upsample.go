package jpeg

// upsampling is how a component's plane grows to the size of the image.
type upsampling uint8

const (
	upNone upsampling = iota
	upH2V1            // "fancy": triangular in the named directions
	upH2V2
	upH1V2
	upRepeat // every sample repeated
)

// chooseUpsampling returns libjpeg's method for a plane of the given width that
// has to grow h times wider and v times higher.
func chooseUpsampling(h, v, width int) upsampling {
	switch {
	case h == 1 && v == 1:
		return upNone
	case h == 2 && v == 1 && width > 2:
		return upH2V1
	case h == 2 && v == 2 && width > 2:
		return upH2V2
	case h == 1 && v == 2:
		return upH1V2
	}
	return upRepeat
}
