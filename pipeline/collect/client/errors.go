package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

var (
	// ErrTooLarge is an answer, an event or a message beyond its limit, after decompression.
	ErrTooLarge = errors.New("larger than its limit")
	// ErrPrivate is an address that a platform has no business to send us to.
	ErrPrivate = errors.New("the address is private; if this is meant, set http.allow_private for sources, alerts.allow_private for channels")
	// ErrSilent is a stream without a sign of life within its deadline.
	ErrSilent = errors.New("no sign of life within the deadline")
	// ErrRedirect is a redirect that is not followed.
	ErrRedirect = errors.New("the redirect is not followed")
)

// StatusError is an answer that is not the one asked for.
type StatusError struct {
	Address string // without user, query and fragment, which may hold credentials
	Code    int    // HTTP status
	Header  http.Header
	Body    []byte // its beginning, for the source to read; never printed: it may echo credentials
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s answers %d %s", e.Address, e.Code, http.StatusText(e.Code))
}

// Answered reports whether err is an answer with one of these HTTP statuses.
func Answered(err error, codes ...int) bool {
	status, ok := errors.AsType[*StatusError](err)
	return ok && slices.Contains(codes, status.Code)
}

// LimitedError says that the host wants no request before Until.
type LimitedError struct {
	Address string
	Until   time.Time
	What    string // which signal said so
}

func (e *LimitedError) Error() string {
	return fmt.Sprintf("%s asks to wait until %s (%s)", e.Address, e.Until.UTC().Format(time.RFC3339), e.What)
}

// Redact returns an address without what may hold credentials.
func Redact(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "(an address that cannot be read)"
	}
	return redact(u)
}

func redact(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// plain strips the address that net/http puts around an error, query and all.
func plain(address string, err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return fmt.Errorf("client: %s: %w", Redact(address), err)
}
