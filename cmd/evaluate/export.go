package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"siameseim/cmd/internal/cli"
	"siameseim/export"
)

type exportCommand struct {
	cli.Common
	encoderFlags
	Out string `placeholder:"FILE.safetensors" help:"File to write (default, of a run directory: its export/timm.safetensors)."`
}

// exportSummary is what is printed with --json.
type exportSummary struct {
	Out       string `json:"out"`
	Call      string `json:"call"` // that makes the timm model
	Tensors   int    `json:"tensors"`
	Branch    string `json:"branch"`
	Objective string `json:"objective,omitempty"`
	Source    string `json:"source"`
}

func (c *exportCommand) Run(env *cli.Env) error {
	if err := c.Check(); err != nil {
		return err
	}
	if c.Checkpoint == pixels {
		return cli.Usagef("--checkpoint pixels: there are no weights to export")
	}
	if c.Out == "" {
		if stat, err := os.Stat(filepath.Join(c.Checkpoint, "checkpoints")); err != nil || !stat.IsDir() {
			return cli.Usagef("--out is needed where --checkpoint is no run directory")
		}
		c.Out = filepath.Join(c.Checkpoint, "export", "timm.safetensors")
	}
	if !strings.HasSuffix(c.Out, ".safetensors") {
		return cli.Usagef("--out %s: is written as safetensors: give it that ending", c.Out)
	}
	e, err := c.load()
	if err != nil {
		return err
	}
	s := exportSummary{Out: c.Out, Call: export.Call(e), Branch: c.Branch, Objective: e.Objective, Source: e.Source}
	if s.Tensors, err = export.WriteTimm(c.Out, e, map[string]string{"branch": c.Branch}); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(env.Stdout).Encode(s)
	}
	_, err = fmt.Fprintf(env.Stdout, `%d tensors of the %s branch, from %s

import safetensors.torch, timm  # 1.0 or newer
model = %s
model.load_state_dict(safetensors.torch.load_file(%q), strict=True)
`, s.Tensors, s.Branch, s.Source, s.Call, s.Out)
	return err
}
