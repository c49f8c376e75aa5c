package main

import "siameseim/cmd/internal/cli"

type benchCommand struct {
	cli.Common
}

func (c *benchCommand) Run(env *cli.Env) error { return nil }
