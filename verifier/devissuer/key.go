package devissuer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

var errUnknownAlgorithm = errors.New("devissuer: unknown algorithm")

// Key is a signing key with an id and one algorithm. It never changes, may be
// used concurrently and may be given to several issuers.
type Key struct {
	id        string
	algorithm Algorithm
	options   crypto.SignerOpts
	signer    crypto.Signer
	jwk       []byte
	header    []byte
}

// NewKey generates a key that no issuer publishes, for forgeries and for
// [WithKeys]. An empty id becomes 16 random bytes in colon-separated hex, the
// shape of Kinde's. RSA keys have 2048 bits and take a few hundred milliseconds.
func NewKey(alg Algorithm, id string) (*Key, error) {
	s, ok := schemes[alg]
	if !ok {
		return nil, errUnknownAlgorithm
	}
	return s.key(alg, id)
}

// NewWeakKey generates an RS256 key of 1024 bits, less than RFC 7518 §3.3
// allows and the least that crypto/rsa agrees to sign with. An empty id is
// replaced as by [NewKey].
func NewWeakKey(id string) (*Key, error) {
	return scheme{crypto.SHA256, rsaKey(1024), "RSA"}.key(RS256, id)
}

func (s scheme) key(alg Algorithm, id string) (*Key, error) {
	signer, err := s.generate()
	if err != nil {
		return nil, fmt.Errorf("devissuer: generate key: %w", err)
	}
	if id == "" {
		id = randomID()
	}
	jwk, err := jose.JSONWebKey{
		Key: signer.Public(), KeyID: id, Algorithm: string(alg), Use: "sig",
	}.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("devissuer: encode key: %w", err)
	}
	header, err := json.Marshal(map[string]string{"alg": string(alg), "kid": id, "typ": "JWT"})
	if err != nil {
		return nil, fmt.Errorf("devissuer: encode header: %w", err)
	}
	return &Key{id: id, algorithm: alg, options: s.options, signer: signer, jwk: jwk, header: header}, nil
}

// ID is the key's "kid".
func (k *Key) ID() string { return k.id }

// Algorithm is the one algorithm the key signs with.
func (k *Key) Algorithm() Algorithm { return k.algorithm }

// Public is the public half: *[crypto/rsa.PublicKey], *[ecdsa.PublicKey] or
// [crypto/ed25519.PublicKey].
func (k *Key) Public() crypto.PublicKey { return k.signer.Public() }

// JWK returns the public key as a JSON Web Key (RFC 7517 §4) with kty, use,
// alg, kid and the members of its type. The bytes are the caller's.
func (k *Key) JWK() []byte { return slices.Clone(k.jwk) }

// Header returns the JOSE header of the key's ordinary tokens: alg, kid and the
// typ "JWT". The bytes are the caller's.
func (k *Key) Header() []byte { return slices.Clone(k.header) }

// Sign returns the JWS signature of exactly input (RFC 7515 §5.1 step 5), which
// need not be a well-formed signing input.
func (k *Key) Sign(input []byte) ([]byte, error) {
	digest := input
	if hash := k.options.HashFunc(); hash != 0 {
		h := hash.New()
		h.Write(input)
		digest = h.Sum(nil)
	}
	signature, err := k.sign(digest)
	if err != nil {
		return nil, fmt.Errorf("devissuer: sign: %w", err)
	}
	return signature, nil
}

// As returns the same key material under another algorithm, which signs what a verifier that
// does not bind keys to algorithms (RFC 8725 §3.1) would accept. It fails if the algorithm is
// unknown or for another type of key. Id and JWK stay the same.
func (k *Key) As(alg Algorithm) (*Key, error) {
	s, ok := schemes[alg]
	if !ok {
		return nil, errUnknownAlgorithm
	}
	if schemes[k.algorithm].family != s.family {
		return nil, errors.New("devissuer: the algorithm is for another type of key")
	}
	other := *k
	other.algorithm, other.options = alg, s.options
	return &other, nil
}

func (k *Key) sign(digest []byte) ([]byte, error) {
	private, ok := k.signer.(*ecdsa.PrivateKey)
	if !ok {
		return k.signer.Sign(rand.Reader, digest, k.options)
	}
	r, s, err := ecdsa.Sign(rand.Reader, private, digest)
	if err != nil {
		return nil, err
	}
	// R and S at the curve's full width, not ASN.1 (RFC 7518 §3.4).
	size := (private.Curve.Params().BitSize + 7) / 8
	signature := make([]byte, 2*size)
	r.FillBytes(signature[:size])
	s.FillBytes(signature[size:])
	return signature, nil
}

func randomID() string {
	pairs := make([]string, 16)
	for n, b := range randomBytes() {
		pairs[n] = hex.EncodeToString([]byte{b})
	}
	return strings.Join(pairs, ":")
}

func randomBytes() (b [16]byte) {
	_, _ = rand.Read(b[:]) // never fails
	return b
}
