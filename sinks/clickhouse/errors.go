package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	driver "github.com/ClickHouse/clickhouse-go/v2"
)

// Error is what a ClickHouse server answered, with what to do about it.
type Error struct {
	Code      int    // ClickHouse's error code; 0 if there was none
	Text      string // its text, first line
	Retryable bool   // waiting may mend it; otherwise somebody has to
	Mend      string // how to mend it; empty if the text says it
}

// Error gives the server's text and the mend.
func (e *Error) Error() string {
	if e.Mend == "" {
		return e.Text
	}
	return e.Text + ": " + e.Mend
}

// Retryable reports whether waiting may mend err: the network, memory, too many parts,
// a full disk. False means that somebody has to change something (password, schema).
func Retryable(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Retryable
	}
	return err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, ErrSchema)
}

// verdict on an error code. Codes that are not listed are retried: a stalled worker is
// visible, a dropped batch is not.
type verdict struct {
	permanent bool
	mend      string
}

func verdictOn(code int, text string) verdict {
	switch code {
	case 516, 192, 193, 194:
		return verdict{true, "check clickhouse.user and clickhouse.password"}
	case 497, 291:
		return verdict{true, "the user lacks a right; grant it, or use the writer"}
	case 164:
		return verdict{true, "the user may only read"}
	case 60, 81:
		return verdict{true, "the schema is missing; run `earshot schema apply`"}
	case 16, 47, 8, 10, 20:
		return verdict{true, "the schema differs from this program; run `earshot schema apply`"}
	case 62, 6, 27, 36, 42, 43, 46, 53, 117, 469:
		return verdict{permanent: true}
	case 252:
		return verdict{mend: "merges are behind: larger batches, or fewer partitions in one"}
	case 241:
		return verdict{mend: "out of memory: raise clickhouse.max_memory or run fewer queries at once"}
	case 243:
		return verdict{mend: "the disk of ClickHouse is full"}
	}
	if strings.Contains(text, "No space left on device") {
		return verdict{mend: "the disk of ClickHouse is full"}
	}
	return verdict{}
}

// serverError makes an Error of a code and a text.
func serverError(code int, text string) *Error {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	v := verdictOn(code, text)
	return &Error{Code: code, Text: text, Retryable: !v.permanent, Mend: v.mend}
}

// codePattern finds the code in a text of ClickHouse. Compiled per use: errors are rare.
const codePattern = `Code: (\d+)`

// textError reads the code out of the text of an HTTP answer.
func textError(header, text string) *Error {
	code, err := strconv.Atoi(header)
	if err != nil {
		if m := regexp.MustCompile(codePattern).FindStringSubmatch(text); m != nil {
			code, _ = strconv.Atoi(m[1]) // digits alone
		}
	}
	return serverError(code, text)
}

// explain wraps an error of the client library so that Retryable and the mend apply.
func explain(what string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return fmt.Errorf("clickhouse: %s: %w", what, err)
	}
	if native, ok := errors.AsType[*driver.Exception](err); ok {
		return fmt.Errorf("clickhouse: %s: %w", what, serverError(int(native.Code), fmt.Sprintf("Code: %d. %s", native.Code, native.Message)))
	}
	if m := regexp.MustCompile(codePattern).FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("clickhouse: %s: %w", what, textError(m[1], err.Error()))
	}
	return fmt.Errorf("clickhouse: %s: %w", what, err)
}
