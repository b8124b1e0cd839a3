package verifier

import (
	"net/http"
	"time"
)

// Policy is what a token must satisfy. It is plain data: [New] checks and copies it.
// Zero values are the safe choice; only names that end in Unsafe loosen a check.
type Policy struct {
	// Issuers are the issuers whose tokens are accepted. Each is bound to its own
	// keys: a key of one never verifies a token of another.
	Issuers []Issuer
	// Audiences are the identifiers of this API; a token must name at least one in
	// aud (RFC 7519 §4.1.3, RFC 9068 §4). Empty is an error unless
	// AllowAnyAudienceUnsafe is set.
	Audiences []string
	// AllowAnyAudienceUnsafe accepts tokens made for any audience. AuthorizedParties
	// must then say whose tokens are meant.
	AllowAnyAudienceUnsafe bool
	// AllowIDTokensUnsafe accepts tokens in the shape of an ID token, for issuers
	// that mint access tokens so.
	AllowIDTokensUnsafe bool
	// Algorithms are the accepted signature algorithms. Default: every asymmetric one
	// of this package. There is no none and no HMAC.
	Algorithms []Algorithm
	// AuthorizedParties are the accepted clients, by azp or client_id. Default: any.
	AuthorizedParties []string
	// Profile is the set of rules for the kind of token. Default: ProfileCompatible.
	Profile Profile
	// Leeway is how far clocks may differ when exp, nbf and iat are judged.
	// 0 means 30 s, negative means none, more than 5 min is an error.
	Leeway time.Duration
	// MaxTokenBytes bounds the compact form of a token. 0 means 16 KiB; at most 1 MiB.
	MaxTokenBytes int
	// RequiredClaims must be present and not null, whatever their value.
	RequiredClaims []string
	// MaxLifetime bounds exp minus iat, and makes iat required. 0 means no bound.
	MaxLifetime time.Duration
	// Keys is the life cycle of the issuers' keys. Zero is its defaults.
	Keys KeyLifecycle
	// Advice is what [Verifier.Explain] says to change, in place of the general words, by
	// diagnosis or reason: where in the dashboard of these issuers, for example. It decides
	// nothing. An unknown name is an error. Default: the general words.
	Advice map[string][]string
}

// Issuer is one accepted issuer and where its keys come from: StaticJWKS, else
// JWKSURL, else the jwks_uri of its metadata (OpenID Connect Discovery §4, RFC 8414 §3).
type Issuer struct {
	// URL is the exact iss. It is compared byte for byte (RFC 8414 §3.3).
	URL string
	// JWKSURL is where the keys are. Default: found by discovery.
	JWKSURL string
	// StaticJWKS is a JWK Set (RFC 7517 §5) that replaces all network access.
	StaticJWKS []byte
	// Audiences, if not empty, replace Policy.Audiences for this issuer.
	Audiences []string
	// DeniedKeys are key ids or RFC 7638 thumbprints that are never accepted.
	DeniedKeys []string
	// HTTPClient fetches metadata and keys, for private authorities or proxies. A
	// shallow copy is used, without cookies and redirects. Default: the client of
	// [WithHTTPClient], else one of this package.
	HTTPClient *http.Client
	// AllowHTTPUnsafe accepts plain http beyond loopback.
	AllowHTTPUnsafe bool
}

// Algorithm is a JWS signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2).
type Algorithm string

// The accepted algorithms. EdDSA and Ed25519 are two names of one algorithm; either in
// Policy.Algorithms accepts both.
const (
	RS256   Algorithm = "RS256"
	RS384   Algorithm = "RS384"
	RS512   Algorithm = "RS512"
	PS256   Algorithm = "PS256"
	PS384   Algorithm = "PS384"
	PS512   Algorithm = "PS512"
	ES256   Algorithm = "ES256"
	ES384   Algorithm = "ES384"
	ES512   Algorithm = "ES512"
	EdDSA   Algorithm = "EdDSA"
	Ed25519 Algorithm = "Ed25519"
)

// Profile is a set of rules that tells access tokens from other JWTs of an issuer.
type Profile uint8

const (
	// ProfileCompatible accepts a header typ of JWT or at+jwt, or none, and refuses
	// tokens whose claims have the shape of another kind (RFC 8725 §3.12).
	ProfileCompatible Profile = iota
	// ProfileRFC9068 accepts only typ at+jwt and demands iss, exp, aud, sub,
	// client_id, iat and jti (RFC 9068 §2.2).
	ProfileRFC9068
)

// KeyLifecycle sets the timers and limits of the keys, per issuer. Zero fields take the
// default stated; values that are negative, out of bounds or contradict each other are
// refused by [New]. docs/keys.md tells how they work together.
type KeyLifecycle struct {
	// RefreshInterval is the greatest age of keys in normal operation, and so the time
	// in which a withdrawn key stops working. Default 5 min.
	RefreshInterval time.Duration
	// MinInterval is the shortest time between scheduled refreshes, whatever the
	// issuer's Cache-Control says, from 1 s to RefreshInterval. Default 60 s, or
	// RefreshInterval if that is shorter.
	MinInterval time.Duration
	// MaxStale is how old keys may become while the issuer cannot be reached, at least
	// twice RefreshInterval. Default 24 h.
	MaxStale time.Duration
	// FetchTimeout bounds one attempt at the issuer, discovery included, from 100 ms to
	// 1 min. Default 5 s.
	FetchTimeout time.Duration
	// Cooldown is the time without attempts after one that failed, or that did not
	// bring the key asked for, from 1 s to RefreshInterval; up to a fifth is added at
	// random. Default 20 s, or RefreshInterval if that is shorter.
	Cooldown time.Duration
	// ColdWait is how long a request waits for the first keys, at most 1 min. Default 3 s.
	ColdWait time.Duration
	// StaleWait is how long the first requests after a long idle time wait for a
	// look at newer keys, at most 1 min. Default 1 s.
	StaleWait time.Duration
	// UnknownKidWait is how long a request waits for a key not seen before, at most 1 min.
	// Default 2 s.
	UnknownKidWait time.Duration
	// MaxWaiters bounds the requests that wait at one time. Default 256.
	MaxWaiters int
	// MaxDynamicSources bounds the issuers of [WithIssuerResolver] whose keys are kept.
	// Default 1,000.
	MaxDynamicSources int
}

// StrictKeys returns the life cycle for those who prefer refusing to serving on old
// keys: MaxStale is 1 h.
func StrictKeys() KeyLifecycle { return KeyLifecycle{MaxStale: time.Hour} }
