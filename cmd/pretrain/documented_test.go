package main

import (
	"reflect"
	"testing"

	"siameseim/cmd/internal/clitest"
	"siameseim/experiment"
	"siameseim/trainer"
	"siameseim/trainer/objective"
)

// The commands that are shown are commands.
func TestDocumentedCommands(t *testing.T) {
	clitest.Documented(t, "pretrain", description, func() any { return &grammar{} })
}

// Help texts name every preset and objective.
func TestHelpNamesWhatThereIs(t *testing.T) {
	for _, command := range []any{experiment.Config{}, benchCommand{}} {
		c := reflect.TypeOf(command)
		for field, names := range map[string][]string{"Preset": trainer.Presets(), "Objective": objective.Names()} {
			f, ok := c.FieldByName(field)
			if !ok {
				t.Fatalf("%s has no %s", c, field)
			}
			clitest.Names(t, c.Name()+"."+field, f.Tag.Get("help"), names)
		}
	}
}
