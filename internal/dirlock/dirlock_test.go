package dirlock

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const childVariable = "DIRLOCK_TEST_FOLDER"

// TestMain: with a folder in the environment the process locks it and waits to
// be killed.
func TestMain(m *testing.M) {
	dir := os.Getenv(childVariable)
	if dir == "" {
		os.Exit(m.Run())
	}
	if _, err := Take(dir); err != nil {
		_, _ = os.Stdout.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString("held\n")
	select {}
}

func take(t *testing.T, dir string) *Lock {
	t.Helper()
	l, err := Take(dir)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("no locks here")
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func held(t *testing.T, dir string, pid int) {
	t.Helper()
	l, err := Take(dir)
	if !errors.Is(err, ErrHeld) || l != nil {
		t.Fatalf("%v, %v: want ErrHeld", l, err)
	}
	for _, want := range []string{dir, "process " + strconv.Itoa(pid)} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}

func TestOneHolder(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	l := take(t, dir)
	held(t, dir, os.Getpid())
	if err := errors.Join(take(t, other).Release(), l.Release()); err != nil {
		t.Fatal(err)
	}
	if err := take(t, dir).Release(); err != nil {
		t.Error(err)
	}
	var none *Lock
	if err := none.Release(); err != nil {
		t.Error(err)
	}
}

// A process that is killed leaves no lock behind, though its file stays.
func TestKilledHolder(t *testing.T) {
	dir := t.TempDir()
	if err := take(t, dir).Release(); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), childVariable+"="+dir)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Errorf("the child: %q, %v", line, err)
	}
	held(t, dir, command.Process.Pid)
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait()
	if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
		t.Errorf("the file: %v", err)
	}
	if err := take(t, dir).Release(); err != nil {
		t.Error(err)
	}
}

func TestNoFolder(t *testing.T) {
	if _, err := Take(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrHeld) {
		t.Errorf("%v", err)
	}
}
