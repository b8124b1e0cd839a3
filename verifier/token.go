package verifier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Token is a verified access token. Only [Verifier.Verify] makes one. It does not hold
// the compact form, and prints none of its claims under any formatting verb, in slog or
// as JSON. A Token is immutable and safe for concurrent use; what its methods return
// belongs to the caller.
type Token struct { //nolint:recvcheck // what prints has a value receiver, so that a copied Token is as silent
	issuer    string
	algorithm Algorithm
	keyID     string
	typ       string
	claims    claims
	verifier  *Verifier // whose clock and leeway requirements follow
}

// Issuer returns iss, one of the configured issuers.
func (t *Token) Issuer() string { return t.issuer }

// Subject returns sub, or "" for a token without one, such as a machine's. It is
// unique only together with [Token.Issuer] (RFC 7519 §4.1.2).
func (t *Token) Subject() string { return t.claims.subject }

// ID returns jti, or "".
func (t *Token) ID() string { return t.claims.id }

// ClientID returns the client the token was issued to: client_id (RFC 9068 §2.2),
// else azp, or "".
func (t *Token) ClientID() string { return t.claims.client() }

// Audience returns aud as a list.
func (t *Token) Audience() []string { return slices.Clone(t.claims.audience) }

// Scopes returns the union of scope (space-separated, RFC 8693 §4.2) and scp (list or
// string), in order of appearance.
func (t *Token) Scopes() []string { return slices.Collect(t.claims.scopes()) }

// HasScope tells whether the token grants exactly this scope.
func (t *Token) HasScope(scope string) bool {
	for s := range t.claims.scopes() {
		if s == scope {
			return true
		}
	}
	return false
}

// ExpiresAt returns exp.
func (t *Token) ExpiresAt() time.Time { return t.claims.expiry.time() }

// IssuedAt returns iat, or the zero time.
func (t *Token) IssuedAt() time.Time { return t.claims.issuedAt.time() }

// NotBefore returns nbf, or the zero time.
func (t *Token) NotBefore() time.Time { return t.claims.notBefore.time() }

// Algorithm returns the algorithm that the signature was verified with.
func (t *Token) Algorithm() Algorithm { return t.algorithm }

// KeyID returns the header's kid, or "".
func (t *Token) KeyID() string { return t.keyID }

// Type returns the header's typ, or "".
func (t *Token) Type() string { return t.typ }

// Claims decodes the payload into dst, a pointer, by the rules of encoding/json/v2:
// names are case-sensitive, duplicates and invalid UTF-8 were refused before.
func (t *Token) Claims(dst any) error {
	if err := json.Unmarshal([]byte(t.claims.payload), dst); err != nil {
		return fmt.Errorf("verifier: decode claims: %w", err)
	}
	return nil
}

// Claim returns the JSON value of a top-level claim, and whether it is present.
func (t *Token) Claim(name string) (json []byte, ok bool) {
	raw, ok := t.claims.lookup(name)
	return []byte(raw), ok
}

// ClaimsAs decodes the payload into a new T as [Token.Claims] does.
func ClaimsAs[T any](t *Token) (T, error) {
	var dst T
	err := t.Claims(&dst)
	return dst, err
}

// Require checks that the token meets every requirement, in order, and returns nil or
// an [*Error] for the first that is not met. With no requirement it returns nil.
func (t *Token) Require(ctx context.Context, reqs ...Requirement) error {
	for _, r := range reqs {
		err := r.check(ctx, t)
		if err == nil {
			continue
		}
		var e *Error
		if errors.As(err, &e) && e.Reason == ReasonScope {
			// One challenge names everything the route needs, so that the client
			// asks once.
			all := *e
			all.Scopes = scopesOf(reqs)
			return &all
		}
		return err
	}
	return nil
}

const redacted = "verifier.Token(redacted)"

// Format prints a fixed text under every verb.
func (Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue logs a fixed text.
func (Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON encodes a fixed text.
func (Token) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

type contextKey struct{}

// ContextWithToken returns a context that carries t, for adapters and handler tests.
func ContextWithToken(ctx context.Context, t *Token) context.Context {
	return context.WithValue(ctx, contextKey{}, t)
}

// TokenFromContext returns the token that an adapter stored, and whether there is one.
func TokenFromContext(ctx context.Context) (*Token, bool) {
	t, ok := ctx.Value(contextKey{}).(*Token)
	return t, ok && t != nil
}

// fields yields the space-separated words of s.
func fields(s string, yield func(string) bool) bool {
	for w := range strings.SplitSeq(s, " ") {
		if w != "" && !yield(w) {
			return false
		}
	}
	return true
}
