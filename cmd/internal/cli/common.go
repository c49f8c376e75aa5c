package cli

import (
	"io"
	"log/slog"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

// Common are the flags that every command has.
type Common struct {
	Config    kong.ConfigFlag `placeholder:"FILE" help:"YAML file of flags (flags win over it, it over SIAMESEIM_* variables)."`
	Seed      uint64          `default:"0" help:"Seed of everything random."`
	Workers   int             `default:"0" placeholder:"N" help:"Goroutines that decode and augment (0: one per core). Never changes a result."`
	Threads   int             `default:"0" placeholder:"N" help:"Compute threads (0: one per core). Never changes a result."`
	JSON      bool            `name:"json" help:"Print one JSON object a line on standard output, nothing else."`
	Quiet     bool            `help:"No progress, no notes."`
	LogFormat string          `enum:"text,json" default:"text" help:"Format of notes and warnings: text or json."`
}

// Program are the flags of a program itself, and so of each of its commands.
type Program struct {
	Version kong.VersionFlag `env:"-" help:"Print the version and leave."`
}

// Logger writes notes and warnings to w, warnings alone with --quiet.
func (c *Common) Logger(w io.Writer) *slog.Logger {
	level := slog.LevelInfo
	if c.Quiet {
		level = slog.LevelWarn
	}
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	options.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{} // a terminal has its own clock
		}
		return a
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// mostThreads bounds workers and threads: each has memory of its own.
const mostThreads = 4096

// Check reports impossible values of the common flags.
func (c *Common) Check() error {
	switch {
	case c.Workers < 0 || c.Workers > mostThreads:
		return Usagef("--workers %d: must be from 0 to %d", c.Workers, mostThreads)
	case c.Threads < 0 || c.Threads > mostThreads:
		return Usagef("--threads %d: must be from 0 to %d", c.Threads, mostThreads)
	}
	return nil
}

// Version tells module version, VCS revision where the build knows it, and
// the Go release.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "siameseim (unknown build)"
	}
	text := "siameseim " + info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			text += " " + s.Value
		}
	}
	return text + " " + info.GoVersion
}
