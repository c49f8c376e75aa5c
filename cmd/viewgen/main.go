// Command viewgen makes two augmented views of every image of a data set, with
// their exact relative geometry, bit for bit what torchvision and Pillow
// compute, as WebDataset shards, a tar stream or ready batches.
package main

import (
	"os"

	"siameseim/cmd/internal/cli"
)

const description = `Two augmented views of every image, with their exact relative geometry: bit for bit
torchvision's and Pillow's pixels, for any trainer.

  viewgen run --data 'train-{0000..0009}.tar' --out views          # shards of pairs
  viewgen run --data train.tar --format npy --batch 256 --out -    # ready batches on stdout, for pipe:
  viewgen preview --data photo.jpg --out preview.png               # what a pair looks like`

type grammar struct {
	cli.Program
	Run     runCommand     `cmd:"" help:"Write two views of every image as shards, or one tar stream on standard output."`
	Preview previewCommand `cmd:"" help:"Draw one image, its two crop boxes, both views and how the patches of view 2 lie on view 1."`
	Replay  replayCommand  `cmd:"" help:"Apply given parameters and compare the hashes of the pixels."`
	Bench   benchCommand   `cmd:"" help:"Measure the rate of each stage."`
}

func main() {
	env, release := cli.Process("viewgen")
	code := cli.Main(env, description, &grammar{})
	release()
	os.Exit(code)
}
