package main

import (
	"testing"

	"github.com/alecthomas/kong"

	"siameseim/cmd/internal/clitest"
)

// The commands that are shown are commands.
func TestDocumentedCommands(t *testing.T) {
	clitest.Documented(t, "ablate", description, func() any { return &grammar{} }, kong.PostBuild(ownHelp))
}
