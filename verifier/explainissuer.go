package verifier

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"github.com/keychorus/keychorus/internal/jwks"
)

// The differences between two texts that are almost the same.
const (
	differSpace  = "space"
	differSlash  = "slash"
	differCase   = "case"
	differScheme = "scheme"
	differPort   = "port"
	differPath   = "path"
)

// difference says how two identifiers differ, "" if they are the same or unlike.
func difference(got, want string) string {
	bare := func(s string) string { return strings.TrimRight(s, "/") }
	noScheme := func(s string) string {
		_, rest, ok := strings.Cut(s, "://")
		if !ok {
			return s
		}
		return rest
	}
	switch {
	case got == want:
		return ""
	case strings.TrimSpace(got) == strings.TrimSpace(want):
		return differSpace
	case bare(got) == bare(want):
		return differSlash
	case strings.EqualFold(bare(got), bare(want)):
		return differCase
	case strings.EqualFold(noScheme(bare(got)), noScheme(bare(want))):
		return differScheme
	}
	a, errA := url.Parse(got)
	b, errB := url.Parse(want)
	switch {
	case errA != nil || errB != nil || a.Host == "" || !strings.EqualFold(a.Hostname(), b.Hostname()):
		return ""
	case a.Port() != b.Port():
		return differPort
	default:
		return differPath
	}
}

// sharedDomains are domains under which providers give each customer a name. Read-only.
var sharedDomains = []string{
	"kinde.com", "auth0.com", "okta.com", "oktapreview.com", "ciamlogin.com", "b2clogin.com", "onelogin.com",
	"amazoncognito.com", "fusionauth.io", "clerk.accounts.dev", "supabase.co", "zitadel.cloud", "logto.app",
}

// provider returns the shared domain that a host is under, or "".
func provider(host string) string {
	i := slices.IndexFunc(sharedDomains, func(d string) bool { return strings.HasSuffix(strings.ToLower(host), "."+d) })
	if i < 0 {
		return ""
	}
	return sharedDomains[i]
}

// issuerRelations are the diagnoses of an iss beside one that is expected, nearest first.
var issuerRelations = []string{
	"issuer_space", "issuer_slash", "issuer_case", "issuer_scheme", "issuer_port", "issuer_path",
	diagnosisTenant, diagnosisProviderDomain, diagnosisCustomDomain, diagnosisDevelopment,
}

// issuerFault says how iss differs from what is expected.
func (s *sample) issuerFault() finding {
	got := s.claims.issuer
	switch {
	case s.issuer != nil:
		return finding{}
	case got == "" && s.isWebhook():
		return finding{diagnosis: diagnosisWebhook}
	case got == "":
		return finding{diagnosis: "issuer_absent"}
	}
	best := len(issuerRelations)
	for _, iss := range s.v.issuers {
		if i := slices.Index(issuerRelations, relation(got, iss.url)); i >= 0 {
			best = min(best, i)
		}
	}
	if best == len(issuerRelations) {
		return finding{diagnosis: string(ReasonIssuer)}
	}
	return finding{diagnosis: issuerRelations[best]}
}

// relation says how an iss is related to an expected one.
func relation(got, want string) string {
	if d := difference(got, want); d != "" {
		return "issuer_" + d
	}
	a, errA := url.Parse(got)
	b, errB := url.Parse(want)
	if errA != nil || errB != nil {
		return ""
	}
	theirs, ours := provider(a.Hostname()), provider(b.Hostname())
	switch {
	case jwks.IsLoopback(a.Hostname()) != jwks.IsLoopback(b.Hostname()):
		return diagnosisDevelopment
	case theirs != "" && theirs == ours, parent(a.Hostname()) != "" && parent(a.Hostname()) == parent(b.Hostname()):
		return diagnosisTenant
	case theirs != "" && ours == "":
		return diagnosisProviderDomain
	case theirs == "" && ours != "":
		return diagnosisCustomDomain
	}
	return ""
}

// parent returns a host without its first name, if two or more are left.
func parent(host string) string {
	_, rest, _ := strings.Cut(strings.ToLower(host), ".")
	if !strings.Contains(rest, ".") || net.ParseIP(host) != nil {
		return ""
	}
	return rest
}

// keyFault says why there is no key to verify with.
func (s *sample) keyFault() string {
	if s.header == nil {
		return ""
	}
	kid := s.hasParameter("kid") && s.parameter("kid") != ""
	switch s.refusal.Reason {
	case ReasonUnknownKey, ReasonAmbiguousKey:
		if !kid {
			return "no_key_id"
		}
		if s.refusal.Reason == ReasonAmbiguousKey || s.issuer == nil || s.claims == nil || s.issuer.from.StaticJWKS != nil {
			return ""
		}
		switch verdict := s.v.judge(s.issuer, s.parameter("typ"), s.claims, s.now); {
		case verdict == nil:
			return ""
		case verdict.Reason == ReasonExpired:
			return "old_token"
		default:
			return "key_not_asked_for"
		}
	case ReasonKeysUnavailable, ReasonKeyUndecided:
		return networkFault(s.refusal.cause)
	}
	return ""
}

// networkFault sorts what kept the keys away; the text of the error is not used.
func networkFault(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return diagnosisTimeout
	}
	if errors.Is(err, jwks.ErrDocument) {
		return diagnosisNoDocument
	}
	fe, ok := errors.AsType[*jwks.FetchError](err)
	if !ok {
		return ""
	}
	switch fe.Code {
	case jwks.TimedOut:
		return diagnosisTimeout
	case jwks.Unreachable:
		return connectFault(fe.Err)
	case jwks.Redirected:
		return "keys_redirect"
	case jwks.NotMetadata:
		return "keys_no_metadata"
	case jwks.IssuerMismatch:
		return "keys_other_issuer"
	case jwks.InsecureURL, jwks.Forbidden:
		return "keys_address"
	case jwks.Status:
		switch {
		case fe.Status == http.StatusTooManyRequests:
			return "keys_rate_limit"
		case fe.Status < http.StatusInternalServerError:
			return "keys_not_found"
		}
		return "keys_server_error"
	default:
		return diagnosisNoDocument
	}
}

// connectFault sorts failures to connect.
func connectFault(err error) string {
	var (
		dns       *net.DNSError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		authority x509.UnknownAuthorityError
	)
	switch {
	case errors.As(err, &dns):
		return "keys_host_unknown"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "keys_refused"
	case errors.As(err, &verify), errors.As(err, &record), errors.As(err, &authority), errors.Is(err, http.ErrSchemeMismatch):
		return "keys_tls"
	}
	return ""
}
