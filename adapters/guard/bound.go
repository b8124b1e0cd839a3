package guard

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/keychorus/keychorus/internal/dpop"
	"github.com/keychorus/keychorus/verifier"
)

// maxCertificateBytes bounds the header field with a client certificate.
const maxCertificateBytes = 16 << 10

// WithMTLS accepts tokens that are bound to a client certificate (RFC 8705 §3): that of the
// TLS connection or, behind a proxy that ends TLS, that of the header field which
// [WithTrustedProxies] names. Only its hash is compared: the TLS server or the proxy has to
// have seen that the caller holds the key, and need not verify a chain. Unbound tokens still
// pass, see [WithBoundTokens]. Default: tokens with such a binding are refused.
func WithMTLS() Option {
	return option{"WithMTLS", func(s *settings) error {
		s.mtls = true
		return nil
	}}
}

// WithBoundTokens refuses tokens that are not bound to a key or certificate of the caller,
// as FAPI 2.0 demands. It needs [WithDPoP] or [WithMTLS]. Default: unbound tokens pass under
// the scheme Bearer.
func WithBoundTokens() Option {
	return option{"WithBoundTokens", func(s *settings) error {
		s.boundOnly = true
		return nil
	}}
}

// checkBound is the part of [Guard.Check] for guards that know bindings. The order matters:
// the proof is marked as used last, when everything else held.
func (g *Guard) checkBound(ctx context.Context, r *Request, c credentials, reqs []verifier.Requirement) Decision {
	s := &g.settings
	now := time.Now()
	seen := s.proxies.look(r)
	var (
		proved verifier.Confirmation
		proof  *dpop.Proof
	)
	if c.dpop {
		var reason verifier.Reason
		if proof, reason = s.dpop.prove(r, seen.origin, c.token, now); reason != "" {
			return g.refuse(ctx, c, &verifier.Error{Reason: reason})
		}
		proved.JWKThumbprint = proof.Thumbprint
	}
	if s.mtls && seen.certificate != nil {
		sum := sha256.Sum256(seen.certificate)
		proved.CertificateThumbprint = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	c.proved = proved
	token, err := g.verifier.Verify(ctx, c.token, verifier.Confirmed(proved))
	if err == nil {
		err = s.boundEnough(token, c.dpop)
	}
	if err == nil {
		err = token.Require(ctx, reqs...)
	}
	if err == nil && proof != nil {
		err = s.dpop.once(ctx, proof, now)
	}
	if err != nil {
		return g.refuse(ctx, c, err)
	}
	return Decision{allowed: true, token: token}
}

// boundEnough refuses a token that is less bound than its scheme or the guard demands. The
// members of its cnf are those that the caller has proved, or it would not have come so far.
func (s *settings) boundEnough(token *verifier.Token, isDPoP bool) error {
	if !isDPoP && !s.boundOnly {
		return nil
	}
	var cnf struct {
		Key         string `json:"jkt"`
		Certificate string `json:"x5t#S256"`
	}
	if raw, ok := token.Claim("cnf"); ok {
		if err := json.Unmarshal(raw, &cnf); err != nil {
			return &verifier.Error{Reason: verifier.ReasonBinding}
		}
	}
	if isDPoP && cnf.Key == "" || cnf.Key == "" && cnf.Certificate == "" {
		return &verifier.Error{Reason: verifier.ReasonUnbound}
	}
	return nil
}

var errCertificate = errors.New("guard: the header field holds no certificate")

// parseCertificate returns the DER of a certificate in a header field: as RFC 9440 §2.1 has
// it, or as PEM with percent-encoding, as proxies without it do.
func parseCertificate(value string) ([]byte, error) {
	if len(value) > maxCertificateBytes {
		return nil, errCertificate
	}
	if inner, ok := strings.CutPrefix(value, ":"); ok {
		der, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSuffix(inner, ":"))
		if err != nil || !strings.HasSuffix(inner, ":") || len(der) == 0 || strings.ContainsAny(inner, "\r\n") {
			return nil, errCertificate
		}
		return der, nil
	}
	text, err := url.PathUnescape(value)
	if err != nil {
		return nil, errCertificate
	}
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" || strings.TrimSpace(string(rest)) != "" || !strings.HasPrefix(text, "-----BEGIN") {
		return nil, errCertificate
	}
	return block.Bytes, nil
}
