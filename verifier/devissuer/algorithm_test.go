package devissuer_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

func TestEveryAlgorithmVerifies(t *testing.T) {
	if n := len(devissuer.Algorithms()); n != 11 {
		t.Errorf("%d algorithms, want 11", n)
	}
	for _, alg := range devissuer.Algorithms() {
		t.Run(string(alg), func(t *testing.T) {
			issuer, err := devissuer.New(issuerURL, devissuer.WithAlgorithm(alg))
			if err != nil {
				t.Fatal(err)
			}
			token, err := issuer.Mint(nil)
			if err != nil {
				t.Fatal(err)
			}
			payload := verify(t, token, alg, issuer.JWKS())
			if !bytes.Contains(payload, []byte(`"iss":"https://issuer.test"`)) {
				t.Errorf("payload %s lacks iss", payload)
			}
			if got := issuer.Key().Algorithm(); got != alg {
				t.Errorf("current key's algorithm = %s, want %s", got, alg)
			}
		})
	}
}

// verify returns the payload of a token whose signature holds by the published
// key set, as go-jose judges, or crypto/ed25519 for the name go-jose lacks.
func verify(t *testing.T, token string, alg devissuer.Algorithm, jwks []byte) []byte {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(jwks, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 1 {
		t.Fatalf("%d keys published, want 1", len(set.Keys))
	}
	if alg != devissuer.Ed25519 {
		message, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
		if err != nil {
			t.Fatal(err)
		}
		payload, err := message.Verify(set.Keys[0])
		if err != nil {
			t.Fatal(err)
		}
		return payload
	}
	parts := strings.Split(token, ".")
	public, ok := set.Keys[0].Key.(ed25519.PublicKey)
	if !ok || !ed25519.Verify(public, []byte(parts[0]+"."+parts[1]), decode(t, parts[2])) {
		t.Fatal("signature does not hold")
	}
	return decode(t, parts[1])
}

func decode(t *testing.T, segment string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// go-jose accepts any salt length, RFC 7518 §3.5 does not.
func TestPSSSaltIsAsLongAsTheHash(t *testing.T) {
	key, err := devissuer.NewKey(devissuer.PS256, "")
	if err != nil {
		t.Fatal(err)
	}
	input := []byte("input")
	signature, err := key.Sign(input)
	if err != nil {
		t.Fatal(err)
	}
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		t.Fatalf("public key is %T", key.Public())
	}
	digest := sha256.Sum256(input)
	strict := &rsa.PSSOptions{SaltLength: sha256.Size}
	if err := rsa.VerifyPSS(public, crypto.SHA256, digest[:], signature, strict); err != nil {
		t.Error(err)
	}
}

func TestJWKMembers(t *testing.T) {
	tests := map[devissuer.Algorithm]string{
		devissuer.RS256:   "alg e kid kty n use",
		devissuer.PS256:   "alg e kid kty n use",
		devissuer.ES256:   "alg crv kid kty use x y",
		devissuer.Ed25519: "alg crv kid kty use x",
	}
	for alg, want := range tests {
		key, err := devissuer.NewKey(alg, "key 1")
		if err != nil {
			t.Fatal(err)
		}
		var jwk map[string]string
		if err := json.Unmarshal(key.JWK(), &jwk); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(slices.Sorted(maps.Keys(jwk)), " "); got != want {
			t.Errorf("%s: members %q, want %q", alg, got, want)
		}
		if jwk["kid"] != "key 1" || jwk["use"] != "sig" || jwk["alg"] != string(alg) {
			t.Errorf("%s: wrong values in %v", alg, jwk)
		}
	}
}

func TestKeyIDsAreUniqueHexPairs(t *testing.T) {
	shape := regexp.MustCompile(`^[0-9a-f]{2}(:[0-9a-f]{2}){15}$`)
	seen := map[string]bool{}
	for range 50 {
		key, err := devissuer.NewKey(devissuer.EdDSA, "")
		if err != nil {
			t.Fatal(err)
		}
		if !shape.MatchString(key.ID()) || seen[key.ID()] {
			t.Errorf("key id %q repeats or has another shape", key.ID())
		}
		seen[key.ID()] = true
	}
}

func TestWeakKeySigns(t *testing.T) {
	key, err := devissuer.NewWeakKey("weak")
	if err != nil {
		t.Fatal(err)
	}
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok || public.N.BitLen() != 1024 {
		t.Fatalf("public key %T is not RSA of 1024 bits", key.Public())
	}
	issuer := newIssuer(t, issuerURL)
	token, err := issuer.SignWith(key, key.Header(), []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	verify(t, token, devissuer.RS256, []byte(`{"keys":[`+string(key.JWK())+`]}`))
}

func TestUnknownAlgorithm(t *testing.T) {
	for _, alg := range []devissuer.Algorithm{"", "none", "HS256", "rs256"} {
		if _, err := devissuer.NewKey(alg, ""); err == nil {
			t.Errorf("NewKey(%q) succeeded", alg)
		}
	}
}
