package colorjitter

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
)

func TestOpJSON(t *testing.T) {
	data, err := json.Marshal([]Op{{Hue, .03}, {Contrast, 1}, {Brightness, 1.63241997376042}})
	if want := `[["hue",0.03],["contrast",1],["brightness",1.63241997376042]]`; err != nil || string(data) != want {
		t.Errorf("%s, %v", data, err)
	}
	var ops []Op
	if err := json.Unmarshal(data, &ops); err != nil || !slices.Equal(ops, []Op{{Hue, .03}, {Contrast, 1}, {Brightness, 1.63241997376042}}) {
		t.Errorf("%v, %v", ops, err)
	}
	for _, bad := range []string{`["hue"]`, `["hue",1,2]`, `[1,"hue"]`, `{}`, `"hue"`, `[]`, `["hue",1e999]`, `["hue","1"]`} {
		op := Op{Hue, .5}
		if err := json.Unmarshal([]byte(bad), &op); err == nil || op != (Op{Hue, .5}) {
			t.Errorf("%s: %v, %v", bad, op, err)
		}
	}
	if _, err := json.Marshal(Op{Hue, math.NaN()}); err == nil {
		t.Error("NaN has no JSON")
	}
}

var paper = Ranges{
	Brightness: .4, Contrast: .4, Saturation: .2, Hue: .1, JitterP: .8, GreyP: .2,
	BlurP: .1, Sigma: [2]float64{.1, 2}, SolarizeP: .2, Threshold: 128,
}

func TestSampleDistribution(t *testing.T) {
	rng := generator(1)
	const n = 40000
	var jitter, grey, blur, solarize float64
	orders := map[[4]string]int{}
	sums := map[string]float64{}
	for range n {
		p := Sample(rng, paper)
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		if len(p.Jitter) == 4 {
			jitter++
			var order [4]string
			for i, op := range p.Jitter {
				order[i] = op.Name
				sums[op.Name] += op.Factor
				low, high := .6, 1.4
				switch op.Name {
				case Saturation:
					low, high = .8, 1.2
				case Hue:
					low, high = -.1, .1
				}
				if op.Factor < low || op.Factor > high {
					t.Fatalf("%v", op)
				}
			}
			orders[order]++
		} else if len(p.Jitter) != 0 {
			t.Fatalf("%v", p.Jitter)
		}
		if p.Grey {
			grey++
		}
		if p.Blur != nil {
			blur++
			if *p.Blur < .1 || *p.Blur > 2 {
				t.Fatalf("sigma %v", *p.Blur)
			}
		}
		if p.Solarize != nil {
			solarize++
			if *p.Solarize != 128 {
				t.Fatalf("threshold %v", *p.Solarize)
			}
		}
	}
	for _, c := range []struct {
		name   string
		got, p float64
	}{{"jitter", jitter, .8}, {"grey", grey, .2}, {"blur", blur, .1}, {"solarize", solarize, .2}} {
		if math.Abs(c.got/n-c.p) > 5*math.Sqrt(c.p*(1-c.p)/n) {
			t.Errorf("%s: share %v, want %v", c.name, c.got/n, c.p)
		}
	}
	if len(orders) != 24 {
		t.Errorf("%d orders of four operations", len(orders))
	}
	for order, count := range orders {
		if want := jitter / 24; math.Abs(float64(count)-want) > 5*math.Sqrt(want) {
			t.Errorf("%v: %d times of %v", order, count, jitter)
		}
	}
	for name, c := range map[string][2]float64{Brightness: {1, .4}, Contrast: {1, .4}, Saturation: {1, .2}, Hue: {0, .1}} {
		if mean := sums[name] / jitter; math.Abs(mean-c[0]) > 5*c[1]/math.Sqrt(3*jitter) {
			t.Errorf("%s: mean factor %v, want %v", name, mean, c[0])
		}
	}
}

func TestSampleLeavesOutWhatHasNoStrength(t *testing.T) {
	p := Sample(generator(1), Ranges{Contrast: 3, JitterP: 1})
	if len(p.Jitter) != 1 || p.Jitter[0].Name != Contrast || p.Grey || p.Blur != nil || p.Solarize != nil {
		t.Errorf("%+v", p)
	}
	for seed := range uint64(200) { // strengths above 1: no factor below 0
		p := Sample(generator(seed), Ranges{Contrast: 3, JitterP: 1})
		if f := p.Jitter[0].Factor; f < 0 || f > 4 {
			t.Errorf("factor %v", f)
		}
	}
}
