package guard

import (
	"net/http"
	"strconv"
	"strings"
)

// The schemes of requests, in the case that they are compared in.
const (
	schemeHTTP  = "http"
	schemeHTTPS = "https"
)

// RequestOf returns the facts of a net/http request, for adapters to whatever is built on
// net/http. The path is that of the request target as it was sent, whatever middleware has
// made of r.URL since.
func RequestOf(r *http.Request) Request {
	q := Request{
		Method: r.Method, Scheme: schemeHTTP, Host: r.Host, Path: sentPath(r.RequestURI, r.URL.EscapedPath()),
		RemoteAddr: r.RemoteAddr, Header: r.Header,
	}
	if r.TLS != nil {
		q.Scheme = schemeHTTPS
		if len(r.TLS.PeerCertificates) > 0 {
			q.ClientCertificate = r.TLS.PeerCertificates[0]
		}
	}
	return q
}

// sentPath returns the path of a request target in origin form (RFC 9112 §3.2.1), or else as
// it was parsed.
func sentPath(target, parsed string) string {
	if path, _, _ := strings.Cut(target, "?"); strings.HasPrefix(path, "/") {
		return path
	}
	return parsed
}

// WithToken returns r with the token of the decision in its context, or r itself where there
// is none.
func (d Decision) WithToken(r *http.Request) *http.Request {
	if d.token == nil {
		return r
	}
	return r.WithContext(d.Context(r.Context()))
}

// WriteRefusal answers a net/http request that was refused, with its header as
// [Decision.CopyHeader] gives it.
func (d Decision) WriteRefusal(w http.ResponseWriter) {
	d.CopyHeader(w.Header().Set, w.Header().Add)
	body := d.Body() // empty if the caller has gone
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(d.Status())
	_, _ = w.Write(body) // fails for HEAD, which gets none
}
