package verifier_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/keychorus/keychorus/verifier"
)

// kindeShaped is a user's access token as Kinde shapes it, and a verifier that accepts it.
func kindeShaped(tb testing.TB, opts ...verifier.Option) (*verifier.Verifier, string) {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	now := time.Now().Unix()
	return staticVerifier(tb, jose.RS256, key, &key.PublicKey, map[string]any{
		"aud": []string{"https://api.example.test"}, "azp": "1f0c9a7be2d14c5fa3b6d8e90712c4ab",
		"exp": now + 86400, "iat": now, "iss": "https://bookshop.example.test",
		"jti": "0d6c1f52-7a1e-4b8e-9a63-2f1d7c5e8b90", "org_code": "org_7c1e92ab4d0",
		"permissions": []string{"read:books", "create:books"},
		"scp":         []string{"openid", "profile", "email", "offline"},
		"sub":         "kp_5b1d2e3f4a59687786950a1b2c3d4e5f",
	}, opts...)
}

func staticVerifier(
	tb testing.TB, alg jose.SignatureAlgorithm, private, public any, claims map[string]any, opts ...verifier.Option,
) (*verifier.Verifier, string) {
	tb.Helper()
	const kid = "4a:1c:22:9e:00:11:22:33:44:55:66:77:88:99:aa:bb"
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: private, KeyID: kid}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		tb.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		tb.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		tb.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		tb.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: kid, Use: "sig", Algorithm: string(alg)}}})
	if err != nil {
		tb.Fatal(err)
	}
	v, err := verifier.New(verifier.Policy{
		Issuers:   []verifier.Issuer{{URL: "https://bookshop.example.test", StaticJWKS: set}},
		Audiences: []string{"https://api.example.test"},
	}, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = v.Close() })
	return v, token
}

func TestVerifyAllocations(t *testing.T) {
	v, token := kindeShaped(t)
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	most := 8.0
	if raceDetector { // under which sync.Pool forgets at random; the bound proper is held without it
		most *= 2
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = v.Verify(t.Context(), token) }); n > most {
		t.Errorf("verifying an RS256 token allocates %v times, want at most %v", n, most)
	}
}

func BenchmarkVerify(b *testing.B) {
	publicA, privateA, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now().Unix()
	b.Run("RS256", func(b *testing.B) { v, token := kindeShaped(b); bench(b, v, token) })
	b.Run("EdDSA", func(b *testing.B) {
		v, token := staticVerifier(b, jose.EdDSA, privateA, publicA, map[string]any{
			"iss": "https://bookshop.example.test", "aud": "https://api.example.test", "exp": now + 3600, "sub": "u",
		})
		bench(b, v, token)
	})
}

func bench(b *testing.B, v *verifier.Verifier, token string) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}
