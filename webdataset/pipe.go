package webdataset

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// openPipe reads an archive from the standard output of a shell command, as the
// Python package does with pipe: URLs. Whoever chooses the data then chooses
// commands, so the caller has to allow it.
func openPipe(ctx context.Context, url string, opt Options) (Reader, error) {
	if !opt.AllowPipe {
		return nil, &UnsupportedError{Source: url, Reason: "commands as sources have to be allowed first (--allow-pipe)"}
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &command{ctx: ctx, cancel: cancel}
	c.cmd = exec.CommandContext(ctx, "/bin/sh", "-c", strings.TrimPrefix(url, "pipe:"))
	c.cmd.Stderr = os.Stderr
	c.cmd.WaitDelay = time.Second // for children of the shell that outlive it
	var err error
	if c.out, err = c.cmd.StdoutPipe(); err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, fileError(url, err)
	}
	// Children of a killed shell may still hold the pipe open.
	c.stop = context.AfterFunc(ctx, func() { c.out.Close() })
	r, err := openTar(ctx, url, c, c, opt)
	if err != nil {
		return nil, err // openTar has closed the command
	}
	return r, nil
}

// command is a running command whose output is read.
type command struct {
	ctx    context.Context
	cmd    *exec.Cmd
	out    io.ReadCloser
	cancel context.CancelFunc
	stop   func() bool
	ended  bool // Wait has been called
}

// Read gives the command's failure in the place of the output's end.
func (c *command) Read(p []byte) (int, error) {
	n, err := c.out.Read(p)
	switch {
	case err != nil && c.ctx.Err() != nil:
		return n, c.ctx.Err() // rather than that the pipe was closed
	case err != io.EOF || c.ended:
		return n, err
	}
	c.ended = true
	c.stop()
	if failed := c.cmd.Wait(); failed != nil {
		err = fmt.Errorf("command: %w", failed)
	}
	return n, err
}

// Close ends the command if it still runs.
func (c *command) Close() error {
	c.cancel()
	if !c.ended {
		c.ended = true
		c.cmd.Wait() // it was killed; its status says nothing
	}
	return nil
}
