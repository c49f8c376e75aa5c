// Package clitest holds what the programs' own tests share: that the commands
// which README, docs and --help show are commands, and that help texts name
// what there is.
package clitest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"siameseim/cmd/internal/cli"
)

// Documented parses, and doesn't run, each command of a program that stands in
// a line of its own in the module's Markdown files ("go run ./cmd/PROGRAM ...")
// or in its own description. fresh returns an empty grammar. A command with ...
// in it may lack flags.
func Documented(t *testing.T, program, description string, fresh func() any, options ...kong.Option) {
	t.Helper()
	texts := map[string]string{"the description": description}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path)
		texts[path] = strings.ReplaceAll(string(text), "\\\n", " ")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile("(?m)^ *(?:go run \\./cmd/)?" + program + "((?: +[a-z-][^#\n]*)?)$|^ *(?:go run \\./cmd/)?" + program + "( [^#\n]*)#")
	found := 0
	for where, text := range texts {
		for _, match := range command.FindAllStringSubmatch(text, -1) {
			line := match[1] + match[2]
			if strings.TrimSpace(line) == "" {
				continue
			}
			found++
			args, ok := words(line)
			if !ok {
				t.Errorf("%s: %s%s: a quote without its end", where, program, line)
				continue
			}
			err := cli.Parse(program, fresh(), args, options...)
			if err != nil && !(strings.Contains(line, "...") && strings.Contains(err.Error(), "missing flags")) {
				t.Errorf("%s: %s%s: %v", where, program, line, err)
			}
		}
	}
	if found < 3 {
		t.Errorf("%d commands found in %d texts", found, len(texts))
	}
}

// Names checks that a help text names each of a list, as a word of its own.
func Names(t *testing.T, what, help string, names []string) {
	t.Helper()
	for _, name := range names {
		if !regexp.MustCompile(`(^|[ :])` + regexp.QuoteMeta(name) + `([,. ]|$)`).MatchString(help) {
			t.Errorf("%s: %q lacks %q", what, help, name)
		}
	}
}

// words splits a command line as a shell does, as far as it goes here: quotes
// keep words together, and a redirection ends the command. A "..." behind a flag
// is its value, another one stands for flags that are left out.
func words(line string) (args []string, ok bool) {
	var word strings.Builder
	quote, open := rune(0), false
	for _, r := range line + " " {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, open = r, true
		case r == '|' || r == '>' || r == '&' || r == ';':
			return args, true
		case r != ' ':
			word.WriteRune(r)
		case word.Len() > 0 || open:
			if text := word.String(); text != "..." || len(args) > 0 && strings.HasPrefix(args[len(args)-1], "--") {
				args = append(args, text)
			}
			word.Reset()
			open = false
		}
	}
	return args, quote == 0
}
