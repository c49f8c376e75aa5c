package trainer

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestValidateNamesWhatIsWrong(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"dim 192: not divisible by 5 heads":                 func(c *Config) { c.Heads = 5 },
		"decoder_dim 192: not divisible by 7 decoder_heads": func(c *Config) { c.DecoderHeads = 7 },
		"masked 64: a view has 64 patches":                  func(c *Config) { c.Masked = 64 },
		"image_size 32: not divisible by patch 5":           func(c *Config) { c.Patch = 5 },
		"decoder_norm \"group\"":                            func(c *Config) { c.DecoderNorm = "group" },
		"lr NaN":                                            func(c *Config) { c.LR = math.NaN() },
		"weight_decay -1":                                   func(c *Config) { c.WeightDecay = -1 },
		"beta1 1":                                           func(c *Config) { c.Beta1 = 1 },
		"beta2 -0.5":                                        func(c *Config) { c.Beta2 = -.5 },
		"eps 0":                                             func(c *Config) { c.Eps = 0 },
		"clip +Inf":                                         func(c *Config) { c.Clip = math.Inf(1) },
		"ema 1.5":                                           func(c *Config) { c.EMA = 1.5 },
		"steps 0":                                           func(c *Config) { c.Steps = 0 },
		"warmup_steps 101: must be from 0 to steps, 100": func(c *Config) { c.WarmupSteps = 101 },
		"accumulation 0": func(c *Config) { c.Accumulation = 0 },
		"batch 128: not divisible into 3 micro-batches":         func(c *Config) { c.Accumulation = 3 },
		"objective \"siamese\": unknown":                        func(c *Config) { c.Objective = "siamese" },
		"dim 190: positions need a multiple of 4":               func(c *Config) { c.Dim, c.Heads = 190, 5 },
		"drop_path 1: must be at least 0 and below 1":           func(c *Config) { c.DropPath = 1 },
		"predictor_depth -1: must be from 0 to":                 func(c *Config) { c.PredictorDepth = -1 },
		"image_size 0: must be from 1 to":                       func(c *Config) { c.ImageSize = 0 },
		"layer_scale -1: must be from 0":                        func(c *Config) { c.LayerScale = -1 },
		"weight_decay +Inf: must be finite and at least 0\neps": func(c *Config) { c.WeightDecay, c.Eps = math.Inf(1), -1 },
	} {
		p, err := FindPreset("cifar")
		if err != nil {
			t.Fatal(err)
		}
		c := p.Plan(128, 100, 10)
		if err := c.Validate(128); err != nil {
			t.Fatal(err)
		}
		change(&c)
		err = c.Validate(128)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v doesn't say %q", err, want)
		}
		if _, newErr := New(c, 128, 1, 0); newErr == nil {
			t.Errorf("New takes what Validate refuses: %q", want)
		}
	}
	c := smallConfig()
	if err := c.Validate(0); err == nil || !strings.Contains(err.Error(), "batch 0") {
		t.Errorf("batch 0: %v", err)
	}
}

// TestPresets: every one is valid at its own batch, and at 1, and trains the model of SPEC section 3.
func TestPresets(t *testing.T) {
	for _, name := range Presets() {
		p, err := FindPreset(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, batch := range []int{1, 7, 32, p.Batch} {
			c := p.Plan(batch, 1000, 100)
			if err := c.Validate(batch); err != nil {
				t.Errorf("%s, batch %d: %v", name, batch, err)
			}
			if batch/c.Accumulation > p.MicroBatch {
				t.Errorf("%s, batch %d: micro-batches of %d", name, batch, batch/c.Accumulation)
			}
		}
		if p.Batch < 1 || p.Epochs < 1 || p.BaseLR <= 0 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if _, err := FindPreset("medium"); err == nil || !strings.Contains(err.Error(), `"medium"`) || !strings.Contains(err.Error(), "cifar") {
		t.Errorf("an unknown preset: %v", err)
	}
}

// TestPlan checks the paper's own figures: rate 1e-3, 40 epochs of warm-up, and the tenth that limits it.
func TestPlan(t *testing.T) {
	base, err := FindPreset("base")
	if err != nil {
		t.Fatal(err)
	}
	const perEpoch = 1281167 / 4096
	c := base.Plan(base.Batch, base.Epochs*perEpoch, perEpoch)
	if math.Abs(c.LR-1e-3) > 1e-15 || c.WarmupSteps != 40*perEpoch || c.Steps != 1600*perEpoch || c.Accumulation != 64 || c.EMA != .995 {
		t.Errorf("base: %+v", c)
	}
	cifar, err := FindPreset("cifar")
	if err != nil {
		t.Fatal(err)
	}
	if c := cifar.Plan(128, 50, 390); c.WarmupSteps != 5 || math.Abs(c.LR-1e-3) > 1e-15 || c.Accumulation != 1 {
		t.Errorf("cifar: %+v", c)
	}
	if c := cifar.Plan(128, 50, 0); c.WarmupSteps != 5 {
		t.Errorf("cifar without epochs: %+v", c)
	}
}

// TestConfigJSON: one flat object, with the names of the reference states.
func TestConfigJSON(t *testing.T) {
	c := smallConfig()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var flat map[string]any
	if err := json.Unmarshal(text, &flat); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"objective", "image_size", "lambda_", "lr", "warmup_steps", "accumulation"} {
		if _, ok := flat[key]; !ok {
			t.Errorf("no key %q in %s", key, text)
		}
	}
	var back Config
	if err := json.Unmarshal(text, &back); err != nil || back != c {
		t.Errorf("came back as %+v, %v", back, err)
	}
}

// FuzzConfig: no configuration makes Validate panic.
func FuzzConfig(f *testing.F) {
	c := smallConfig()
	good, err := json.Marshal(c)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, smallBatch)
	f.Add([]byte(`{"image_size":1048576,"patch":1,"dim":4,"heads":1,"accumulation":-1}`), -1)
	f.Add([]byte(`{"patch":0,"heads":0,"decoder_heads":0,"steps":-5,"warmup_steps":-9}`), 0)
	f.Fuzz(func(t *testing.T, text []byte, batch int) {
		var c Config
		if json.Unmarshal(text, &c) == nil && c.Validate(batch) == nil && batch%c.Accumulation != 0 {
			t.Errorf("accepted %+v for batch %d", c, batch)
		}
	})
}
