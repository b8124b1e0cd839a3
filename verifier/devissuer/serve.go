package devissuer

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const jwksPath = "/.well-known/jwks"

type endpoint uint8

const (
	elsewhere endpoint = iota
	discovery
	jwks
)

// routesOf puts the OpenID discovery document after the issuer's path (OpenID
// Connect Discovery §4), both discovery documents between its host and path
// (RFC 8414 §3.1 and §5), and the key set below it.
func routesOf(issuer *url.URL) map[string]endpoint {
	path := strings.TrimSuffix(issuer.Path, "/")
	return map[string]endpoint{
		path + "/.well-known/openid-configuration":       discovery,
		"/.well-known/openid-configuration" + path:       discovery,
		"/.well-known/oauth-authorization-server" + path: discovery,
		path + jwksPath:           jwks,
		path + jwksPath + ".json": jwks,
	}
}

// answer is a whole response; its header and body never change.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ServeHTTP serves the discovery documents and the key set to GET and HEAD,
// whatever the Host. The key set carries an ETag and honours If-None-Match
// (RFC 9110 §13.1.2). Other paths are 404, other methods 405.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to := i.routes[r.URL.Path]
	if !i.arrive(r.Context(), to) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	a := i.answer(r, to)
	for name, values := range a.header {
		w.Header()[name] = slices.Clone(values)
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // the client has gone, or the status has no body
	}
}

func (i *Issuer) answer(r *http.Request, to endpoint) answer {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.fault != nil:
		return *i.fault
	case to == elsewhere:
		return answer{status: http.StatusNotFound}
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return answer{status: http.StatusMethodNotAllowed, header: http.Header{"Allow": {"GET, HEAD"}}}
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if i.cacheControl != "" {
		header.Set("Cache-Control", i.cacheControl)
	}
	var body []byte
	switch to {
	case discovery:
		body = i.metadata
		if i.discovery != nil {
			body = i.discovery
		}
	case jwks:
		body = i.keySet()
		tag := fmt.Sprintf(`"%x"`, sha256.Sum256(body))
		header.Set("ETag", tag)
		if matches(r.Header.Values("If-None-Match"), tag) {
			i.counts.NotModified++
			return answer{http.StatusNotModified, header, nil}
		}
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	return answer{http.StatusOK, header, body}
}

// matches compares weakly (RFC 9110 §8.8.3.2).
func matches(ifNoneMatch []string, tag string) bool {
	for candidate := range strings.SplitSeq(strings.Join(ifNoneMatch, ","), ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == tag {
			return true
		}
	}
	return false
}
