package gallery

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
)

// A Page is a gallery with its title and a line for each fact about it.
type Page struct {
	*Gallery
	Title string
	Facts []Fact
}

// A Fact is a line of the table of what is shown.
type Fact struct{ Name, Value string }

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("gallery").Funcs(template.FuncMap{
	"percent": func(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) },
	"cosine":  func(c float32) string { return fmt.Sprintf("%.4f", c) },
}).Parse(pageHTML))

// shown is an image of the page: its pictures as data URLs.
type shown struct {
	Item
	Picture, Components, Mean template.URL
	Heads                     []template.URL
	Nearest, Raw              []beside
}

type beside struct {
	Item
	Picture template.URL
	Cosine  float32
	Same    bool // the same label as the image's
}

// Write writes the page. Everything it shows is in the file.
func (p *Page) Write(w io.Writer) error {
	var out bytes.Buffer
	data := struct {
		*Page
		Shown []shown
	}{Page: p}
	for i := range p.Images {
		s, err := p.show(&p.Images[i])
		if err != nil {
			return err
		}
		data.Shown = append(data.Shown, s)
	}
	if err := page.Execute(&out, data); err != nil {
		return fmt.Errorf("gallery: page: %w", err)
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("gallery: page: %w", err)
	}
	return nil
}

func (p *Page) show(m *Image) (s shown, err error) {
	url := func(im image.Image) template.URL {
		var data bytes.Buffer
		if e := png.Encode(&data, im); e != nil && err == nil {
			err = fmt.Errorf("gallery: page: %q: %w", m.Key, e)
		}
		return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(data.Bytes()))
	}
	s = shown{Item: m.Item, Picture: url(p.picture(m.Pix)), Components: url(p.colours(m.Components))}
	mean := make([]float32, p.Grid*p.Grid)
	for _, head := range m.Attention {
		s.Heads = append(s.Heads, url(p.heat(m.Pix, head)))
		for i, v := range head {
			mean[i] += v / float32(len(m.Attention))
		}
	}
	s.Mean = url(p.heat(m.Pix, mean))
	list := func(neighbours []Neighbour) (l []beside) {
		for _, n := range neighbours {
			l = append(l, beside{n.Item, url(p.picture(n.Pix)), n.Cosine, n.Label != "" && n.Label == m.Label})
		}
		return l
	}
	s.Nearest, s.Raw = list(m.Nearest), list(m.NearestRaw)
	return s, err
}

// picture is an image [S, S, 3].
func (p *Page) picture(pix []uint8) image.Image {
	im := image.NewNRGBA(image.Rect(0, 0, p.Size, p.Size))
	for i := range p.Size * p.Size {
		im.SetNRGBA(i%p.Size, i/p.Size, color.NRGBA{pix[3*i], pix[3*i+1], pix[3*i+2], 255})
	}
	return im
}

// colours shows the components [G*G, 3] as red, green and blue: one pixel for a
// patch.
func (p *Page) colours(components []float64) image.Image {
	im := image.NewNRGBA(image.Rect(0, 0, p.Grid, p.Grid))
	level := func(v float64) uint8 { return uint8(math.Round(255 * v)) }
	for i := range p.Grid * p.Grid {
		c := components[3*i : 3*i+3]
		im.SetNRGBA(i%p.Grid, i/p.Grid, color.NRGBA{level(c[0]), level(c[1]), level(c[2]), 255})
	}
	return im
}

// ramp is the colours of attention from none to the most, evenly spaced: dark
// to light in every kind of colour vision.
var ramp = [][3]float64{{18, 12, 50}, {94, 24, 110}, {186, 54, 85}, {249, 140, 10}, {252, 255, 164}}

// heat lays a map [G*G], from 0 to its largest value, over the image in grey.
func (p *Page) heat(pix []uint8, weights []float32) image.Image {
	largest := float32(0)
	for _, v := range weights {
		largest = max(largest, v)
	}
	im := image.NewNRGBA(image.Rect(0, 0, p.Size, p.Size))
	patch := p.Size / p.Grid
	for i := range p.Size * p.Size {
		row, col := i/p.Size, i%p.Size
		share := 0.0
		if largest > 0 {
			share = float64(weights[row/patch*p.Grid+col/patch] / largest)
		}
		at := share * float64(len(ramp)-1)
		low := min(int(at), len(ramp)-2)
		grey := (.299*float64(pix[3*i]) + .587*float64(pix[3*i+1]) + .114*float64(pix[3*i+2])) / 255
		var c [3]uint8
		for ch := range c {
			v := ramp[low][ch] + (at-float64(low))*(ramp[low+1][ch]-ramp[low][ch])
			c[ch] = uint8(math.Round(v * (.55 + .45*grey))) // the image shows through
		}
		im.SetNRGBA(col, row, color.NRGBA{c[0], c[1], c[2], 255})
	}
	return im
}
