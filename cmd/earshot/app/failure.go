package app

import "errors"

// Exit codes of the program; docs/cli.md lists them.
const (
	ExitOK            = 0
	ExitFailed        = 1 // anything else
	ExitUsage         = 2 // unknown command, flag or argument
	ExitConfiguration = 3 // the configuration or a query has mistakes
	ExitUnreachable   = 4 // a server cannot be reached, or refuses us
	ExitDeadLetters   = 5 // imported with --strict, but some records became dead letters
	ExitFindings      = 6 // doctor found something that does not work
)

// Failure is an error with the exit code that it means.
type Failure struct {
	Code int
	Err  error
}

func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }

func failure(code int, err error) error {
	if err == nil {
		return nil
	}
	return &Failure{Code: code, Err: err}
}

// ExitCode of an error.
func ExitCode(err error) int {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f.Code
	}
	if err != nil {
		return ExitFailed
	}
	return ExitOK
}
