// Command pretrain trains a vision transformer on unlabelled images by Siamese
// Image Modeling. Without arguments it trains the demo preset on built-in
// images and shows what was learned.
package main

import (
	"os"

	"siameseim/cmd/internal/cli"
)

const description = `Siamese Image Modeling (CVPR 2023) on CPUs: predict the dense features of one view from the
other, masked view, knowing only their relative position.

  pretrain                                     # the demo: minutes, built-in images, ends with a kNN figure
  pretrain run --preset cifar --data 'train-{0000..0009}.tar.gz' --out runs/cifar
  pretrain bench --preset tiny --batch 32      # the speed of one optimiser step`

type grammar struct {
	cli.Program
	Run   runCommand   `cmd:"" default:"withargs" help:"Pre-train (default: the demo)."`
	Bench benchCommand `cmd:"" help:"Measure one optimiser step."`
}

func main() {
	env, release := cli.Process("pretrain")
	code := cli.Main(env, description, &grammar{})
	release()
	os.Exit(code)
}
