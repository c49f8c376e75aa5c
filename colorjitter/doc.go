// Package colorjitter holds the colour half of a view (SPEC section 1, step 3):
// brightness, contrast, saturation and hue in random order, greyscale, Gaussian
// blur and solarize. Sample draws the parameters; a Painter applies them, and
// nothing in it is random. The pixels are those of Pillow 12.3 bit for bit (SPEC
// section 6), which decides every rounding below.
//
// The package knows no geometry and no file format. A deliberate difference from
// Pillow: parameters that have no meaning (a hue beyond half a turn, a sigma that
// is negative or not finite) are errors.
package colorjitter
