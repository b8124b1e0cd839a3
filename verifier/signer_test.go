package verifier_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"
	"unsafe"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/keychorus/keychorus/verifier"
)

const (
	issuerURL = "https://bookshop.example.test"
	audience  = "https://api.example.test"
	keyID     = "key-1"
)

// now is the moment of every test with fixed claims.
var now = time.Unix(1_767_225_600, 0)

type keyPair struct {
	public  ed25519.PublicKey
	private ed25519.PrivateKey
	jwks    []byte
}

var testKey = sync.OnceValue(func() keyPair {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: keyID, Use: "sig", Algorithm: "EdDSA"}}})
	if err != nil {
		panic(err)
	}
	return keyPair{public, private, set}
})

type object = map[string]any

// omit as a value removes the member.
type omit struct{}

func with(base, changes object) object {
	all := maps.Clone(base)
	for name, value := range changes {
		if _, gone := value.(omit); gone {
			delete(all, name)
			continue
		}
		all[name] = value
	}
	return all
}

func goodHeader() object { return object{"alg": "EdDSA", "kid": keyID, "typ": "JWT"} }

func goodClaims() object {
	return object{
		"iss": issuerURL, "aud": []string{audience}, "sub": "user-1", "azp": "client-1", "jti": "id-1",
		"iat": now.Unix() - 60, "exp": now.Unix() + 3600, "scp": []string{"openid", "read:books"},
	}
}

// sign signs exactly these parts; a string or []byte stands for itself.
func sign(tb testing.TB, header, payload any) string {
	tb.Helper()
	signed := encode(tb, header) + "." + encode(tb, payload)
	return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(testKey().private, []byte(signed)))
}

func encode(tb testing.TB, part any) string {
	tb.Helper()
	var raw []byte
	switch p := part.(type) {
	case string:
		raw = []byte(p)
	default:
		var err error
		if raw, err = json.Marshal(p); err != nil {
			tb.Fatal(err)
		}
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func goodPolicy() verifier.Policy {
	return verifier.Policy{
		Issuers:   []verifier.Issuer{{URL: issuerURL, StaticJWKS: testKey().jwks}},
		Audiences: []string{"https://other.example.test", audience},
	}
}

func newVerifier(tb testing.TB, p verifier.Policy, opts ...verifier.Option) *verifier.Verifier {
	tb.Helper()
	opts = append([]verifier.Option{verifier.WithClock(func() time.Time { return now })}, opts...)
	v, err := verifier.New(p, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = v.Close() })
	return v
}

// reasonOf returns the reason of an error of this package, "" for nil.
func reasonOf(tb testing.TB, err error) verifier.Reason {
	tb.Helper()
	if err == nil {
		return ""
	}
	var e *verifier.Error
	if !errors.As(err, &e) {
		tb.Fatalf("error %v is no *verifier.Error", err)
	}
	return e.Reason
}

func wantReason(tb testing.TB, v *verifier.Verifier, token string, want verifier.Reason) {
	tb.Helper()
	got, err := v.Verify(tb.Context(), token)
	if (got == nil) != (err != nil) {
		tb.Errorf("token %v with error %v", got, err)
	}
	if r := reasonOf(tb, err); r != want {
		tb.Errorf("reason %q, want %q", r, want)
	}
}

// unsafeString is what frameworks do that reuse buffers: a string over memory that changes.
func unsafeString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
