package dpop

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keychorus/keychorus/internal/jwks"
	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/internal/strictjson"
)

const (
	// maxProofBytes leaves room for an RSA key of 4096 bits, its signature and a long URI.
	maxProofBytes = 8 << 10
	// maxHeaderBytes leaves room for that key, and none for keys that take long to verify with.
	maxHeaderBytes = 1280
	// proofType is the typ of proofs (RFC 9449 §11.5), which no other token may have.
	proofType = "dpop+jwt"
	// maxSeconds is 9999-12-31T23:59:59Z.
	maxSeconds = 253402300799
)

// Expected is what a proof must be for. Every field but Nonces is needed.
type Expected struct {
	// Method is that of the request, in the case it was sent in.
	Method string
	// URI is that of the request as [Normalize] returns it.
	URI string
	// AccessToken is the token as it was sent.
	AccessToken string
	// Algorithms are those accepted.
	Algorithms []jws.Algorithm
	// Now is when the request came.
	Now time.Time
	// MaxAge is how long before Now, and MaxAhead how long after it, iat may lie.
	MaxAge, MaxAhead time.Duration
	// Nonces, unless nil, demand one of theirs. It tells the time in place of iat, which a
	// client with a wrong clock cannot (RFC 9449 §11.1).
	Nonces *Nonces
}

// Proof is a proof that holds.
type Proof struct {
	// Thumbprint is the RFC 7638 thumbprint of the key.
	Thumbprint string
	// ID is jti.
	ID string
	// ExpiresAt is when the same proof will not be accepted any more.
	ExpiresAt time.Time
}

// Verify checks a proof (RFC 9449 §4.3), and its signature last, since that costs most. It
// keeps no part of compact. The error is an [*Error].
func Verify(compact string, want *Expected) (*Proof, error) {
	m, err := jws.Parse(compact, jws.Limits{TokenBytes: maxProofBytes, HeaderBytes: maxHeaderBytes, Proof: true})
	if err != nil {
		var je *jws.Error
		if errors.As(err, &je) && je.Code == jws.BadAlgorithm {
			return nil, refuse(Algorithm)
		}
		return nil, refuse(Malformed)
	}
	switch {
	case m.Type() != proofType:
		return nil, refuse(Malformed)
	case !slices.Contains(want.Algorithms, m.Algorithm()):
		return nil, refuse(Algorithm)
	case m.JWK() == nil:
		return nil, refuse(Key)
	}
	var c claims
	if err := strictjson.Read(m.Payload(), &c); err != nil || !c.complete() {
		return nil, refuse(Malformed)
	}
	expires, err := c.check(want)
	if err != nil {
		return nil, err
	}
	key, err := jwks.ParseKey(m.JWK())
	if err != nil || !key.Fits(m.Algorithm()) {
		return nil, refuse(Key)
	}
	if err := m.Verify(key); err != nil {
		return nil, refuse(Signature)
	}
	return &Proof{Thumbprint: key.Thumbprint(), ID: c.id, ExpiresAt: expires}, nil
}

// claims are those of RFC 9449 §4.2.
type claims struct {
	id, method, uri, token string
	nonce                  string
	issuedAt               time.Time
}

var errClaim = errors.New("dpop: a claim has the wrong type")

// Member takes one claim.
func (c *claims) Member(name []byte, value jsontext.Value, _ int) error {
	var dst *string
	switch string(name) {
	case "jti":
		dst = &c.id
	case "htm":
		dst = &c.method
	case "htu":
		dst = &c.uri
	case "ath":
		dst = &c.token
	case "nonce":
		dst = &c.nonce
	case "iat":
		var ok bool
		if c.issuedAt, ok = parseTime(string(value)); !ok {
			return errClaim
		}
		return nil
	default:
		return nil
	}
	if value.Kind() != '"' {
		return errClaim
	}
	text, err := jsontext.AppendUnquote(nil, value)
	*dst = string(text)
	return err
}

// complete tells whether every claim that a resource server needs is there.
func (c *claims) complete() bool {
	return c.id != "" && c.method != "" && c.uri != "" && c.token != "" && !c.issuedAt.IsZero()
}

// check compares the claims with what they must be, and returns when they will not do any
// more.
func (c *claims) check(want *Expected) (expires time.Time, err error) {
	uri, ok := Normalize(c.uri)
	switch {
	case c.method != want.Method || want.Method == "":
		return expires, refuse(Method)
	case !ok || uri != want.URI:
		return expires, refuse(URI)
	case c.token != tokenHash(want.AccessToken):
		return expires, refuse(Token)
	}
	if want.Nonces != nil {
		if expires, ok = want.Nonces.check(c.nonce, want.Now); !ok {
			return expires, refuse(Nonce)
		}
		return expires, nil
	}
	expires = c.issuedAt.Add(want.MaxAge)
	if !want.Now.Before(expires) || c.issuedAt.After(want.Now.Add(want.MaxAhead)) {
		return expires, refuse(Time)
	}
	return expires, nil
}

// tokenHash returns ath (RFC 9449 §4.2).
func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// parseTime reads a NumericDate (RFC 7519 §2) after 1970.
func parseTime(value string) (time.Time, bool) {
	if value[0] < '0' || value[0] > '9' {
		return time.Time{}, false
	}
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || f > maxSeconds {
		return time.Time{}, false
	}
	whole := int64(f)
	return time.Unix(whole, int64((f-float64(whole))*1e9)), true
}
