package jwks

import (
	"net/http"
	"strconv"
	"time"
)

// FetchCode says why there is no answer.
type FetchCode uint8

// The codes.
const (
	Unreachable        FetchCode = iota + 1 // no connection, or it broke
	TimedOut                                // the deadline passed
	Status                                  // another status than 200
	Redirected                              // a redirect, which nobody follows
	TooLarge                                // more bytes than allowed
	NotModifiedUnasked                      // 304 without validators
	NotMetadata                             // the metadata is no JSON object with the members needed
	IssuerMismatch                          // the metadata is another issuer's
	InsecureURL                             // an address that is neither https nor loopback
	Forbidden                               // an address in a private network that nobody configured
	fetchCodeEnd
)

// FetchError is what [Fetcher] returns.
type FetchError struct {
	Code FetchCode
	// Status is the HTTP status, with Status and Redirected.
	Status int
	// RetryAfter is what the issuer demanded, 0 if nothing.
	RetryAfter time.Duration
	// Err is what lies behind it, or nil. It may hold an address.
	Err error
}

// Error holds no address.
func (e *FetchError) Error() string {
	switch e.Code {
	case Unreachable:
		return "the issuer cannot be reached"
	case TimedOut:
		return "the issuer did not answer in time"
	case Status:
		return "the issuer answered with status " + strconv.Itoa(e.Status) + hint(e.Status)
	case Redirected:
		return "the issuer answered with a redirect, which is not followed"
	case TooLarge:
		return "the issuer's answer is too large"
	case NotModifiedUnasked:
		return "the issuer answered with status 304, which nobody asked for"
	case NotMetadata:
		return "the issuer's metadata holds no issuer and jwks_uri"
	case IssuerMismatch:
		return "the issuer's metadata names another issuer"
	case InsecureURL:
		return "the address of the keys is not https"
	case Forbidden:
		return "the address of the keys leads into a private network that is not configured"
	default:
		return "the issuer gave no answer"
	}
}

func (e *FetchError) Unwrap() error { return e.Err }

// Temporary tells whether asking once more at once is worth it.
func (e *FetchError) Temporary() bool {
	switch e.Code {
	case Unreachable:
		return true
	case Status:
		return e.RetryAfter == 0 && (e.Status == http.StatusBadGateway ||
			e.Status == http.StatusServiceUnavailable || e.Status == http.StatusGatewayTimeout)
	default:
		return false
	}
}

func hint(status int) string {
	switch status {
	case http.StatusForbidden, http.StatusNotFound:
		return " (is the domain right?)"
	default:
		return ""
	}
}
