// Package cli holds what the programs share: exit codes, signals, the common
// flags, the YAML file behind the flags, and progress on a terminal. It holds
// no algorithm.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"siameseim/internal/simd"
)

// The programs' exit codes.
const (
	ExitDone    = 0   // done; bad samples within policy included
	ExitFailed  = 1   // failed
	ExitUsage   = 2   // wrong flags, configuration or environment
	ExitStopped = 3   // stopped by a signal, state saved
	ExitPipe    = 141 // the reader of standard output went away
)

// ErrStopped is returned by a command that a signal ended after it had saved
// its state.
var ErrStopped = errors.New("stopped by a signal; the same command goes on from here")

// errInterrupt is the cause of a context that the first signal cancelled.
var errInterrupt = errors.New("interrupted")

// UsageError marks an error of the caller: flags, configuration, environment.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// usageError is an error of another package that says the same of itself by a
// method of that name.
type usageError interface {
	error
	UsageError()
}

// Usagef returns a UsageError.
func Usagef(format string, args ...any) error {
	return &UsageError{fmt.Errorf(format, args...)}
}

// Env is what a command gets beside its flags.
type Env struct {
	Context context.Context // cancelled by the first SIGINT or SIGTERM
	Program string
	Args    []string
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
}

// Main parses the command line into grammar (a pointer to a kong struct),
// runs the chosen command's Run(*Env) method and returns the exit code.
// Flags win over the YAML file of --config, the file over SIAMESEIM_*
// variables, those over defaults. options are the program's own.
func Main(env *Env, description string, grammar any, options ...kong.Option) int {
	fail := func(code int, err error) int {
		fmt.Fprintf(env.Stderr, "%s: error: %v\n", env.Program, err)
		return code
	}
	if err := simd.CheckEnvironment(); err != nil {
		return fail(ExitUsage, err)
	}
	type exited int // kong leaves through its exit function for --help and --version
	code, left := 0, false
	parse := func() (ctx *kong.Context, err error) {
		defer func() {
			if r := recover(); r != nil {
				c, ok := r.(exited)
				if !ok {
					panic(r)
				}
				code, left = int(c), true
			}
		}()
		parser, err := newParser(env, description, grammar, func(c int) { panic(exited(c)) }, options)
		if err != nil {
			return nil, err
		}
		return parser.Parse(env.Args)
	}
	command, err := parse()
	switch {
	case left:
		return code
	case errors.Is(err, syscall.EPIPE): // the reader of --help went away
		return ExitPipe
	case err != nil:
		fail(ExitUsage, err)
		fmt.Fprintf(env.Stderr, "Try '%s --help'.\n", env.Program)
		return ExitUsage
	}
	err = command.Run(env)
	var usage *UsageError
	var theirs usageError
	switch {
	case err == nil:
		return ExitDone
	case errors.Is(err, syscall.EPIPE):
		return ExitPipe
	case errors.As(err, &usage), errors.As(err, &theirs):
		return fail(ExitUsage, err)
	case errors.Is(err, ErrStopped):
		fmt.Fprintf(env.Stderr, "%s: %v\n", env.Program, err)
		return ExitStopped
	case errors.Is(context.Cause(env.Context), errInterrupt) && errors.Is(err, context.Canceled):
		return fail(ExitFailed, errInterrupt)
	}
	return fail(ExitFailed, err)
}

func newParser(env *Env, description string, grammar any, exit func(int), options []kong.Option) (*kong.Kong, error) {
	return kong.New(grammar, append(options,
		kong.Name(env.Program),
		kong.Description(description),
		kong.Writers(env.Stdout, env.Stderr),
		kong.Exit(exit),
		environment("SIAMESEIM"),
		kong.Configuration(loadYAML),
		kong.Vars{"version": Version()},
		kong.ValueFormatter(helpText),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
	)...)
}

// Parse reports what is wrong with a command line, without running it.
func Parse(program string, grammar any, args []string, options ...kong.Option) error {
	env := &Env{Program: program, Stdout: io.Discard, Stderr: io.Discard}
	parser, err := newParser(env, "", grammar, func(int) {}, options)
	if err == nil {
		_, err = parser.Parse(args)
	}
	return err
}

// helpText is a flag's text in --help: without its variable, and with the
// default that a placeholder hides.
func helpText(v *kong.Value) string {
	if v.HasDefault && v.Default != "" && v.Default != "0" && v.Flag != nil && v.Flag.PlaceHolder != "" && !strings.Contains(v.Help, "efault") {
		return strings.TrimSuffix(v.Help, ".") + " (default: " + v.Default + ")."
	}
	return v.Help
}

// Process returns the Env of this process and the function that releases its
// signal handler. The first SIGINT or SIGTERM cancels the context, the second
// ends the process at once. SIGPIPE is ignored, so that a reader that goes
// away is an EPIPE error with an exit code of its own instead of a signal.
func Process(program string) (*Env, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-signals:
			}
			if n > 0 {
				fmt.Fprintf(os.Stderr, "\n%s: second signal: leaving at once, nothing saved\n", program)
				os.Exit(ExitFailed)
			}
			fmt.Fprintf(os.Stderr, "\n%s: stopping after this step (once more to leave at once)\n", program)
			cancel(errInterrupt)
		}
	}()
	env := &Env{Context: ctx, Program: program, Args: os.Args[1:],
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	return env, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}
