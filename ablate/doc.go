// Package ablate runs grids of pre-trainings: it reads a grid (which flags take
// which values), checks every cell before the first one runs, runs or resumes
// each in a run directory of its own, evaluates it, and makes a table with
// means and intervals over seeds, plots and a page.
//
//	base:   {preset: demo}
//	grid:
//	  lambda: [0, 0.02, 0.1]
//	  colour: [none, full]
//	seeds:  3
//
// A key of the grid is a flag of `pretrain run` with a list of its values, or a
// name of the researcher's own with named settings of one or more flags. The
// package knows no flags: its caller turns them into a configuration.
package ablate
