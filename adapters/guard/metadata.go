package guard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// wellKnown is inserted between host and path of a resource (RFC 9728 §3).
const wellKnown = "/.well-known/oauth-protected-resource"

// ResourceMetadata is what a protected resource says of itself (RFC 9728 §2), so that clients
// find its authorization server. Empty members are left out of the document.
type ResourceMetadata struct {
	// Resource is the identifier of the API: an https URL without fragment, in the exact
	// form in which clients name it as the audience. Plain http is accepted for loopback.
	Resource string `json:"resource"`
	// AuthorizationServers are the issuers that make tokens for it.
	AuthorizationServers []string `json:"authorization_servers,omitempty"`
	// JWKSURI is where the keys of the resource itself are, if it has any.
	JWKSURI string `json:"jwks_uri,omitempty"`
	// ScopesSupported are the scopes that clients may ask for.
	ScopesSupported []string `json:"scopes_supported,omitempty"`
	// BearerMethodsSupported are of header, body and query. This package reads the header.
	BearerMethodsSupported []string `json:"bearer_methods_supported,omitempty"`
	// ResourceSigningAlgorithms are those of signed answers, if the resource signs any.
	ResourceSigningAlgorithms []string `json:"resource_signing_alg_values_supported,omitempty"`
	// ResourceName is for people, the three after it are pages for them.
	ResourceName          string `json:"resource_name,omitempty"`
	ResourceDocumentation string `json:"resource_documentation,omitempty"`
	ResourcePolicyURI     string `json:"resource_policy_uri,omitempty"`
	ResourceTOSURI        string `json:"resource_tos_uri,omitempty"`
	// CertificateBoundTokens tells of [WithMTLS].
	CertificateBoundTokens bool `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	// AuthorizationDetailsTypes are those of RFC 9396.
	AuthorizationDetailsTypes []string `json:"authorization_details_types_supported,omitempty"`
	// DPoPAlgorithms and DPoPBoundTokensRequired tell of [WithDPoP] and [WithBoundTokens].
	DPoPAlgorithms          []string `json:"dpop_signing_alg_values_supported,omitempty"`
	DPoPBoundTokensRequired bool     `json:"dpop_bound_access_tokens_required,omitempty"`
}

// URL returns where the document belongs (RFC 9728 §3.1): for https://api.example.com/books it
// is https://api.example.com/.well-known/oauth-protected-resource/books. Give it to
// [WithResourceMetadata]. The error names the member that is malformed and wraps
// [verifier.ErrMisconfigured].
func (m ResourceMetadata) URL() (string, error) {
	if err := m.check(); err != nil {
		return "", misconfigured(fmt.Errorf("ResourceMetadata: %w", err))
	}
	scheme, rest, _ := strings.Cut(m.Resource, "://")
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if path == "/" || strings.HasPrefix(path, "/?") { // the slash after the host goes, others stay
		path = path[1:]
	}
	return scheme + "://" + host + wellKnown + path, nil
}

// Document returns the JSON document, for frameworks that do not serve a [net/http.Handler].
// The errors are those of [ResourceMetadata.URL].
func (m ResourceMetadata) Document() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, misconfigured(fmt.Errorf("ResourceMetadata: %w", err))
	}
	document, err := json.Marshal(m)
	if err != nil {
		return nil, misconfigured(fmt.Errorf("ResourceMetadata: %w", err))
	}
	return document, nil
}

// Handler serves the document to GET and HEAD, for any origin and cacheable for an hour. Mount
// it, without a guard, at the path of [ResourceMetadata.URL]. It says nothing of the request
// again: what Host or a proxy says does not change it. The errors are those of URL.
func (m ResourceMetadata) Handler() (http.Handler, error) {
	document, err := m.Document()
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		h.Set("Content-Type", "application/json") // RFC 9728 §3.2
		h.Set("Cache-Control", "public, max-age=3600")
		h.Set("Access-Control-Allow-Origin", "*") // public, and clients may run in browsers
		h.Set("Content-Length", strconv.Itoa(len(document)))
		_, _ = bytes.NewReader(document).WriteTo(w)
	}), nil
}

func (m ResourceMetadata) check() error {
	var problems []error
	bad := func(what string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s %w", what, err))
		}
	}
	bad("Resource", checkURL(m.Resource))
	for i, s := range m.AuthorizationServers {
		bad(fmt.Sprintf("AuthorizationServers[%d]", i), checkURL(s))
	}
	for _, u := range []struct{ what, url string }{
		{"JWKSURI", m.JWKSURI}, {"ResourceDocumentation", m.ResourceDocumentation},
		{"ResourcePolicyURI", m.ResourcePolicyURI}, {"ResourceTOSURI", m.ResourceTOSURI},
	} {
		if u.url != "" {
			bad(u.what, checkURL(u.url))
		}
	}
	for _, method := range m.BearerMethodsSupported {
		if !slices.Contains([]string{"header", "body", "query"}, method) {
			bad("BearerMethodsSupported", errors.New("may hold header, body and query alone"))
		}
	}
	for _, scope := range m.ScopesSupported {
		if list([]string{scope}) == "" {
			bad("ScopesSupported", errors.New("holds what is no scope"))
		}
		if scope == "offline_access" {
			bad("ScopesSupported", errors.New("holds offline_access, which is for the authorization server and not for a resource"))
		}
	}
	if slices.Contains(m.DPoPAlgorithms, "none") || slices.Contains(m.ResourceSigningAlgorithms, "none") { // RFC 9728 §2
		bad("DPoPAlgorithms or ResourceSigningAlgorithms", errors.New("holds none"))
	}
	return errors.Join(problems...)
}

// checkURL returns what is wrong with a URL that others are sent to.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Hostname() == "" || quotable(raw) != raw || strings.Contains(raw, " "):
		return errors.New("is not an absolute URL of printable ASCII")
	case u.User != nil:
		return errors.New("holds a user name or password")
	case strings.Contains(raw, "#"):
		return errors.New("has a fragment")
	case u.Scheme == schemeHTTPS, u.Scheme == schemeHTTP && isLoopback(u.Hostname()):
		return nil
	default:
		return errors.New("is not https")
	}
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// WithResourceMetadata names the document of [ResourceMetadata] in every challenge (RFC 9728
// §5.1): an https URL, or http on loopback. A malformed one is an error. Default: not named.
func WithResourceMetadata(url string) Option {
	return option{"WithResourceMetadata", func(s *settings) error {
		if err := checkURL(url); err != nil {
			return fmt.Errorf("the URL %w", err)
		}
		s.metadata = url
		return nil
	}}
}
