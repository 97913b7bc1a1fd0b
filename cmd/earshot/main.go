// Command earshot listens to public posts about brands and turns them into market
// research. One file a subcommand; the use cases are in package app.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"earshot/cmd/earshot/app"
	"earshot/cmd/earshot/app/settings"
)

// version is set by the build.
var version = "development"

func main() {
	if code := app.RunChild(os.Args[1:]); code >= 0 {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the program at once
	}()
	os.Exit(execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd(args...)
	found, _, err := root.Find(args)
	if completing := len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd); err != nil && !completing {
		err = usage(found, err) // an unknown command
	} else {
		err = root.ExecuteContext(ctx)
	}
	if err == nil {
		return app.ExitOK
	}
	if problems, ok := errors.AsType[settings.Problems](err); ok {
		for _, p := range problems {
			fmt.Fprintln(errs, p)
		}
	} else {
		fmt.Fprintln(errs, "earshot:", err)
	}
	return app.ExitCode(err)
}
