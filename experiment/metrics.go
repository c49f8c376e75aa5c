package experiment

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
)

const metricsName = "metrics.jsonl"

// A number is a float64 that JSON writes as null where it is not finite.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if v := float64(n); math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

func (n *number) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*n = number(math.NaN())
		return nil
	}
	return json.Unmarshal(data, (*float64)(n))
}

// stepLine is a line of metrics.jsonl. Step counts the steps done, this one
// included; Epoch is the epoch of the batch's last sample, a fraction.
type stepLine struct {
	Step          int     `json:"step"`
	Epoch         float64 `json:"epoch"`
	Loss          number  `json:"loss"`
	LR            float64 `json:"lr"`
	GradNorm      number  `json:"grad_norm"`
	EMA           float64 `json:"ema"`
	ImagesPerS    float64 `json:"images_per_s"`
	WaitSeconds   float64 `json:"wait_seconds"`
	TargetStd     number  `json:"target_std"`
	PredictionStd number  `json:"prediction_std"`
	TargetRank    number  `json:"target_rank"`
	BadSamples    int64   `json:"bad_samples"`
}

// evalLine is an evaluation in metrics.jsonl.
type evalLine struct {
	Event    string  `json:"event"` // "eval"
	Step     int     `json:"step"`
	Name     string  `json:"name"` // "knn", "knn_raw", "knn_untrained"
	Accuracy float64 `json:"accuracy"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
	Train    int     `json:"train"`
	Test     int     `json:"test"`
}

// metricsLog appends lines to metrics.jsonl. Every line is handed to the
// system at once: a kill loses at most a part of the last one.
type metricsLog struct{ f *os.File }

func openMetrics(d Directory) (*metricsLog, error) {
	f, err := os.OpenFile(d.File(metricsName), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("experiment: %w", err)
	}
	return &metricsLog{f}, nil
}

func (m *metricsLog) write(line any) error {
	data, err := json.Marshal(line)
	if err == nil {
		_, err = m.f.Write(append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("experiment: %s: %w", m.f.Name(), err)
	}
	return nil
}

func (m *metricsLog) Close() error { return m.f.Close() }
