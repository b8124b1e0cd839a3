package guard

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keychorus/keychorus/internal/dpop"
	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
	"github.com/keychorus/keychorus/verifier"
)

const (
	defaultProofAge  = time.Minute
	maxProofAge      = 10 * time.Minute
	defaultNonceLife = 5 * time.Minute
	maxNonceLife     = time.Hour
	// maxClockSkew is how far a caller's clock, or another replica's, may be ahead.
	maxClockSkew = 30 * time.Second
	// defaultRetryAfter goes with a store whose recovery nobody can tell.
	defaultRetryAfter = 5 * time.Second
)

// defaultProofAlgorithms is read-only. It leaves out what takes long to verify under a key
// of the sender's choice.
var defaultProofAlgorithms = []verifier.Algorithm{
	verifier.ES256, verifier.ES384, verifier.PS256, verifier.RS256, verifier.EdDSA, verifier.Ed25519,
}

// DPoP is how proofs of possession are judged (RFC 9449). The zero value is usable; only
// replicas need a Replay.
type DPoP struct {
	// Replay remembers used proofs. Replicas of one API must share one, else a proof can be
	// used once on each. If it cannot tell, requests are answered 503: no proof is accepted
	// that may have been used. Default: one in memory, for this option alone.
	Replay keystore.Replay
	// Algorithms are those accepted for proofs, in order of preference; challenges name
	// them. Default: ES256, ES384, PS256, RS256, EdDSA, Ed25519.
	Algorithms []verifier.Algorithm
	// MaxAge is how long after its iat a proof is accepted; one from the future is accepted
	// up to 30 s ahead. Default 1 min; at most 10 min.
	MaxAge time.Duration
	// Origin is scheme, host and port of the API as its callers see them, such as
	// https://api.example.com. It is what htu is compared with, whatever a request says of
	// itself. Default: scheme and host of each request, see [WithTrustedProxies].
	Origin string
	// NonceSecret, of at least 32 bytes, demands a nonce of this server in every proof
	// (RFC 9449 §9), which then tells the age in place of iat: a proof cannot be made in
	// advance, and the caller's clock does not matter. Replicas share the secret; another
	// one costs each client one more request. Default: no nonces.
	NonceSecret []byte
	// NonceLife is how long a nonce is accepted. Default 5 min; at most 1 h.
	NonceLife time.Duration
}

// proofs is a checked DPoP.
type proofs struct {
	replay     keystore.Replay
	algorithms []jws.Algorithm
	names      string // of algorithms, for challenges
	maxAge     time.Duration
	origin     string // or ""
	nonces     *dpop.Nonces
}

// WithDPoP accepts tokens that are bound to a key of the client (RFC 9449): under the scheme
// DPoP in Authorization, with a fresh proof in the one DPoP header. Such a token under the
// scheme Bearer is refused, and so is an unbound one under the scheme DPoP. Unbound tokens
// still pass as Bearer, see [WithBoundTokens].
//
// A proof is remembered as used only when everything else held, the requirements of the route
// included, so that nobody without a good token can fill the store; and a proof that was
// refused for the token's sake may be sent again. An algorithm that is unknown, an Origin that
// is more than an origin, a value out of bounds and a short secret are errors.
// Default: the scheme DPoP is not known.
func WithDPoP(d DPoP) Option {
	return option{"WithDPoP", func(s *settings) error {
		p, err := d.check()
		s.dpop = p
		return err
	}}
}

func (d DPoP) check() (*proofs, error) {
	p := &proofs{replay: d.Replay, maxAge: d.MaxAge}
	var problems []error
	if p.replay == nil {
		p.replay = memory.NewReplay()
	}
	if p.maxAge == 0 {
		p.maxAge = defaultProofAge
	}
	if p.maxAge < 0 || p.maxAge > maxProofAge {
		problems = append(problems, fmt.Errorf("MaxAge must lie between 0 and %v", maxProofAge))
	}
	names := d.Algorithms
	if len(names) == 0 {
		names = defaultProofAlgorithms
	}
	for _, a := range names {
		if !slices.Contains(jws.Algorithms(), jws.Algorithm(a)) {
			problems = append(problems, errors.New("Algorithms may hold asymmetric signature algorithms of package verifier alone"))
			break
		}
		p.algorithms = append(p.algorithms, jws.Algorithm(a))
		p.names = strings.TrimPrefix(p.names+" "+string(a), " ")
	}
	if d.Origin != "" {
		normal, ok := dpop.Normalize(d.Origin)
		p.origin = strings.TrimSuffix(normal, "/")
		if !ok || strings.Count(d.Origin, "/") != 2 || strings.ContainsAny(d.Origin, "?#") {
			problems = append(problems, errors.New("Origin must be scheme, host and port alone, such as https://api.example.com"))
		}
	}
	life := d.NonceLife
	if life == 0 {
		life = defaultNonceLife
	}
	if life < 0 || life > maxNonceLife {
		problems = append(problems, fmt.Errorf("NonceLife must lie between 0 and %v", maxNonceLife))
	} else if d.NonceSecret != nil {
		var err error
		if p.nonces, err = dpop.NewNonces(d.NonceSecret, life); err != nil {
			problems = append(problems, fmt.Errorf("NonceSecret must have at least %d bytes", dpop.MinSecretBytes))
		}
	}
	return p, errors.Join(problems...)
}

// prove checks the proof of a request, whose URI is seen from the caller's side, but not
// whether it was used before.
func (p *proofs) prove(r *Request, from origin, token string, now time.Time) (*dpop.Proof, verifier.Reason) {
	values := r.values("Dpop")
	switch {
	case len(values) == 0:
		return nil, verifier.ReasonProofMissing
	case len(values) > 1: // RFC 9449 §4.3 (1)
		return nil, verifier.ReasonProofMalformed
	}
	base := p.origin
	if base == "" {
		base = from.String()
	}
	proof, err := dpop.Verify(values[0], &dpop.Expected{
		Method: r.Method, URI: uriOf(base, r.Path), AccessToken: token, Algorithms: p.algorithms,
		Now: now, MaxAge: p.maxAge, MaxAhead: maxClockSkew, Nonces: p.nonces,
	})
	if err != nil {
		return nil, proofReason(err)
	}
	return proof, ""
}

// uriOf returns the normalised URI of a request, or "", which no proof is for.
func uriOf(origin, path string) string {
	if path == "" {
		path = "/"
	}
	if origin == "" || path[0] != '/' || strings.Contains(path, "#") {
		return ""
	}
	uri, _ := dpop.Normalize(origin + path)
	return uri
}

// proofReasons is read-only.
var proofReasons = map[dpop.Code]verifier.Reason{
	dpop.Malformed: verifier.ReasonProofMalformed,
	dpop.Algorithm: verifier.ReasonProofMalformed,
	dpop.Key:       verifier.ReasonProofMalformed,
	dpop.Method:    verifier.ReasonProofMethod,
	dpop.URI:       verifier.ReasonProofURL,
	dpop.Token:     verifier.ReasonProofToken,
	dpop.Nonce:     verifier.ReasonProofNonce,
	dpop.Time:      verifier.ReasonProofTime,
	dpop.Signature: verifier.ReasonProofSignature,
}

func proofReason(err error) verifier.Reason {
	if e, ok := errors.AsType[*dpop.Error](err); ok {
		if r, ok := proofReasons[e.Code]; ok {
			return r
		}
	}
	return verifier.ReasonProofMalformed
}

// once marks a proof as used, and refuses it if it was. Clocks of replicas may differ, so it
// is remembered a little longer than it would be accepted here.
func (p *proofs) once(ctx context.Context, proof *dpop.Proof, now time.Time) error {
	sum := sha256.Sum256([]byte(proof.Thumbprint + " " + proof.ID))
	key := "dpop:" + base64.RawURLEncoding.EncodeToString(sum[:])
	first, err := p.replay.Once(ctx, key, proof.ExpiresAt.Sub(now)+maxClockSkew)
	switch {
	case err != nil && ctx.Err() != nil:
		return &causedError{&verifier.Error{Reason: verifier.ReasonCanceled}, err}
	case err != nil:
		return &causedError{&verifier.Error{Reason: verifier.ReasonReplayUnavailable, RetryAfter: defaultRetryAfter}, err}
	case !first:
		return &verifier.Error{Reason: verifier.ReasonProofReplayed}
	}
	return nil
}

// causedError is a refusal with what lies behind it, for logs of the program. It prints the
// refusal alone.
type causedError struct {
	refusal *verifier.Error
	cause   error
}

func (e *causedError) Error() string    { return e.refusal.Error() }
func (e *causedError) GoString() string { return e.refusal.Error() }
func (e *causedError) Unwrap() []error  { return []error{e.refusal, e.cause} }
