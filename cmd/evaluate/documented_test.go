package main

import (
	"testing"

	"siameseim/cmd/internal/clitest"
)

// The commands that are shown are commands.
func TestDocumentedCommands(t *testing.T) {
	clitest.Documented(t, "evaluate", description, func() any { return &grammar{} })
}
