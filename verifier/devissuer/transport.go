package devissuer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// RoundTripper reaches the issuer's handler without a socket or a goroutine. It
// serves requests to the issuer's origin (scheme, host and port) and fails for
// any other. A request whose context ends, also while the issuer hangs, fails
// with the context's error. It follows no redirects and adds no headers.
func (i *Issuer) RoundTripper() http.RoundTripper { return transport{i} }

type transport struct{ issuer *Issuer }

// RoundTrip implements [http.RoundTripper].
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
	}
	if originOf(r.URL) != t.issuer.origin {
		return nil, errors.New("devissuer: request to another origin than the issuer's")
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	seen := r.Clone(r.Context())
	seen.Body, seen.ContentLength = http.NoBody, 0
	seen.RequestURI = r.URL.RequestURI()
	if seen.Host == "" {
		seen.Host = r.URL.Host
	}
	w := &recorder{header: make(http.Header)}
	t.issuer.ServeHTTP(w, seen)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.response(r), nil
}

// recorder keeps one answer of ServeHTTP, which always names its status.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) { w.status = status }

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == http.StatusNoContent || w.status == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed
	}
	return w.body.Write(p)
}

func (w *recorder) response(r *http.Request) *http.Response {
	length := int64(w.body.Len())
	if r.Method == http.MethodHead {
		length = -1 // unknown: the header may say
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)),
		StatusCode:    w.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        w.header,
		Body:          io.NopCloser(&w.body),
		ContentLength: length,
		Request:       r,
	}
}

// originOf is comparable: RFC 6454 §4, with the scheme's usual port made explicit.
func originOf(u *url.URL) string {
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
