// Command ablate compares pre-trainings: a grid of flags and seeds, each cell
// trained, evaluated and resumed as needed, ending in one table.
package main

import (
	"os"

	"github.com/alecthomas/kong"

	"siameseim/cmd/internal/cli"
)

const description = `Grids of pre-trainings, resumable, with one table at the end.

  ablate grids                                       # those that come with the program
  ablate run paper-augmentation --out runs/aug       # again, after a stop: goes on
  ablate run mine.yaml --out runs/mine --max-steps 500 --seeds 1
  ablate report runs/mine                            # table, CSV, plots, report.html, also in the middle

A grid of one's own is a few lines of YAML (docs/ablations.md):

  base:   {preset: demo}
  grid:
    lambda: [0, 0.02, 0.1]
    colour: [none, full]
  seeds:  3`

type grammar struct {
	cli.Program
	Run    runCommand    `cmd:"" help:"Run or resume a grid, then report."`
	Report reportCommand `cmd:"" help:"Report what a grid's folder knows so far."`
	Grids  gridsCommand  `cmd:"" help:"List the shipped grids, or print one."`
}

func main() {
	env, release := cli.Process("ablate")
	code := cli.Main(env, description, &grammar{}, kong.PostBuild(ownHelp))
	release()
	os.Exit(code)
}
