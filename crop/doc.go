// Package crop holds the spatial half of a view: sampling a random resized crop
// (SPEC section 1, step 2), cutting it out of an image, mirrored or not, and
// resizing it by Pillow's antialiased bicubic filter bit for bit (SPEC section
// 6), and the geometry that relates two such crops of one image.
//
// # Frames
//
// A view's Box is in pixels of that view's own image: the stored image, mirrored
// left to right first if the view is flipped. The order is always top, left,
// height, width. Pixel (y, x) of a frame covers the square from (y, x) to
// (y+1, x+1), so that the centre of patch (row, col) of a crop of height h cut
// into a grid x grid patches lies at top + (row + 1/2) * h/grid.
//
// The package decodes nothing, knows no colours and no batches. Nothing in it is
// random but Sample, which draws from the generator that it is given.
package crop
