package jwks

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
)

// Endpoint is an issuer and how to reach it.
type Endpoint struct {
	Issuer string
	// JWKSURL is where the keys are; "" means that [Fetcher.Discover] finds them.
	JWKSURL string
	// Client is used as a shallow copy; nil means one of this package.
	Client *http.Client
	// AllowHTTP admits plain http beyond loopback.
	AllowHTTP bool
	// Configured says that an operator named Issuer and JWKSURL, so that their hosts may be
	// private ones.
	Configured bool
}

// Request asks for a document.
type Request struct {
	URL string
	// ETag and LastModified make the request conditional (RFC 9110 §13).
	ETag, LastModified string
	// NoCache asks caches on the way to ask the issuer.
	NoCache bool
}

// Answer is a document, or the news that it has not changed.
type Answer struct {
	Document           []byte
	ETag, LastModified string
	NotModified        bool
	// FreshFor is how long the issuer says the answer is fresh, if HasFreshFor.
	FreshFor    time.Duration
	HasFreshFor bool
}

// Fetcher asks one issuer. It is safe for concurrent use.
type Fetcher struct {
	issuer    string
	allowHTTP bool
	client    *http.Client
	known     map[string]bool // hosts that an operator named: only they are told what is traced
}

// maxValidatorBytes bounds an ETag that is worth keeping.
const maxValidatorBytes = 512

// NewFetcher returns a fetcher. It does no I/O. An address that is not https is an error,
// except on loopback or with AllowHTTP.
func NewFetcher(e Endpoint) (*Fetcher, error) {
	f := &Fetcher{issuer: e.Issuer, allowHTTP: e.AllowHTTP, client: newClient(e), known: make(map[string]bool)}
	for _, address := range []string{e.Issuer, e.JWKSURL} {
		if address != "" && !f.secure(address) {
			return nil, &FetchError{Code: InsecureURL}
		}
		if u, err := url.Parse(address); err == nil && e.Configured {
			f.known[u.Host] = true
		}
	}
	return f, nil
}

// Fetch gets a document. The error is a [*FetchError], or that of ctx.
func (f *Fetcher) Fetch(ctx context.Context, r Request) (*Answer, error) {
	header := http.Header{"Accept": {"application/jwk-set+json, application/json"}}
	if r.ETag != "" {
		header.Set("If-None-Match", r.ETag)
	}
	if r.LastModified != "" {
		header.Set("If-Modified-Since", r.LastModified)
	}
	if r.NoCache {
		header.Set("Cache-Control", "no-cache")
	}
	body, got, err := f.get(ctx, r.URL, header)
	if err != nil {
		return nil, err
	}
	a := &Answer{Document: body}
	if body == nil {
		if r.ETag == "" && r.LastModified == "" {
			return nil, &FetchError{Code: NotModifiedUnasked}
		}
		a.Document, a.NotModified = nil, true
	}
	if v := got.Get("ETag"); len(v) <= maxValidatorBytes {
		a.ETag = v
	}
	if v := got.Get("Last-Modified"); len(v) <= maxValidatorBytes {
		a.LastModified = v
	}
	a.FreshFor, a.HasFreshFor = freshFor(got, time.Now())
	return a, nil
}

// get returns the body of a 200, or nil for a 304, and the header.
func (f *Fetcher) get(ctx context.Context, address string, header http.Header) ([]byte, http.Header, error) {
	if !f.secure(address) {
		return nil, nil, &FetchError{Code: InsecureURL}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, &FetchError{Code: InsecureURL}
	}
	req.Header = header
	req.Header.Set("User-Agent", "keychorus")
	if f.known[req.URL.Host] {
		otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(req.Header))
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, nil, broken(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	switch code := resp.StatusCode; {
	case code == http.StatusNotModified:
		return nil, resp.Header, nil
	case code >= 300 && code < 400:
		return nil, nil, &FetchError{Code: Redirected, Status: code}
	case code != http.StatusOK:
		return nil, nil, &FetchError{Code: Status, Status: code, RetryAfter: retryAfter(resp.Header, time.Now())}
	}
	// The limit counts what comes out of decompression.
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDocumentBytes+1))
	switch {
	case len(body) > maxDocumentBytes:
		return nil, nil, &FetchError{Code: TooLarge}
	case err != nil:
		return nil, nil, broken(ctx, err)
	}
	return body, resp.Header, nil
}

func broken(ctx context.Context, err error) error {
	if errors.Is(err, errForbiddenAddress) {
		return &FetchError{Code: Forbidden, Err: err}
	}
	var timeout interface{ Timeout() bool }
	if ctx.Err() != nil || errors.As(err, &timeout) && timeout.Timeout() {
		return &FetchError{Code: TimedOut, Err: err}
	}
	return &FetchError{Code: Unreachable, Err: err}
}

// secure tells whether an address may be asked.
func (f *Fetcher) secure(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && (f.allowHTTP || IsLoopback(u.Hostname()))
}

// IsLoopback tells whether a host is this machine by its name or address alone.
func IsLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761 §6.3
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
