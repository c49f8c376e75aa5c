package colorjitter

import "siameseim/picture"

// A Painter applies colour parameters to images in place. It keeps scratch memory
// between calls, after a blur about as much as the largest image (three times
// that from a sigma of about 2.4 on), so that the steady state allocates nothing. The zero value is ready for use; one goroutine
// may use it at a time.
type Painter struct {
	blur blurrer
}

// Apply does everything that params says to im, in place: Jitter, then Finish.
// Parameters without meaning give a *ParamError and leave im as it is.
func (p *Painter) Apply(im *picture.RGB, params Params) error {
	if err := params.Check(); err != nil {
		return err
	}
	p.jitter(im, params.Jitter)
	p.finish(im, &params)
	return nil
}

// Jitter applies ops to im, in place and in their order. An operation without
// meaning gives a *ParamError and leaves im as it is.
func (p *Painter) Jitter(im *picture.RGB, ops []Op) error {
	if err := checkOps(ops); err != nil {
		return err
	}
	p.jitter(im, ops)
	return nil
}

// Finish applies to im, in place, what follows the jitter in params: greyscale,
// blur and solarize, in this order. A parameter without meaning gives a
// *ParamError and leaves im as it is.
func (p *Painter) Finish(im *picture.RGB, params Params) error {
	if err := params.checkFinish(); err != nil {
		return err
	}
	p.finish(im, &params)
	return nil
}

func (p *Painter) jitter(im *picture.RGB, ops []Op) {
	if im.Height == 0 || im.Width == 0 {
		return
	}
	line := flat(im)
	for _, op := range ops {
		switch op.Name {
		case Brightness:
			brightness(&line, op.Factor)
		case Contrast:
			contrast(&line, op.Factor)
		case Saturation:
			saturation(&line, op.Factor)
		case Hue:
			hue(&line, op.Factor)
		}
	}
}

func (p *Painter) finish(im *picture.RGB, params *Params) {
	if im.Height == 0 || im.Width == 0 {
		return
	}
	line := flat(im)
	if params.Grey {
		grey(&line)
	}
	if params.Blur != nil {
		p.blur.gaussian(im, *params.Blur)
	}
	if params.Solarize != nil {
		solarize(&line, *params.Solarize)
	}
}

// flat returns the image as a single row where no padding lies between its rows,
// for the operations to which rows mean nothing.
func flat(im *picture.RGB) picture.RGB {
	if im.Stride != 3*im.Width {
		return *im
	}
	n := im.Height * im.Width
	return picture.RGB{Pix: im.Pix[:3*n], Stride: 3 * n, Height: 1, Width: n}
}
