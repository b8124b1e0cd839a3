package jws_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/keychorus/keychorus/internal/jws"
)

type keys struct {
	rsa *rsa.PrivateKey
	ec  map[jws.Algorithm]*ecdsa.PrivateKey
	ed  ed25519.PrivateKey
}

var testKeys = sync.OnceValue(func() keys {
	k := keys{ec: map[jws.Algorithm]*ecdsa.PrivateKey{}}
	var err error
	if k.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		panic(err)
	}
	for alg, curve := range map[jws.Algorithm]elliptic.Curve{
		jws.ES256: elliptic.P256(), jws.ES384: elliptic.P384(), jws.ES512: elliptic.P521(),
	} {
		if k.ec[alg], err = ecdsa.GenerateKey(curve, rand.Reader); err != nil {
			panic(err)
		}
	}
	if _, k.ed, err = ed25519.GenerateKey(rand.Reader); err != nil {
		panic(err)
	}
	return k
})

// private returns the key to sign alg with.
func private(alg jws.Algorithm) crypto.Signer {
	k := testKeys()
	switch {
	case strings.HasPrefix(string(alg), "ES"):
		return k.ec[alg]
	case alg == jws.EdDSA || alg == jws.Ed25519:
		return k.ed
	default:
		return k.rsa
	}
}

func public(tb testing.TB, alg jws.Algorithm) *jws.Key {
	tb.Helper()
	k, err := jws.NewKey(private(alg).Public(), "kid", alg, "")
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// sign signs with go-jose; Ed25519, which that does not know, by hand.
func sign(tb testing.TB, alg jws.Algorithm, payload string) string {
	tb.Helper()
	if alg == jws.Ed25519 {
		return signRaw(`{"alg":"Ed25519","kid":"kid"}`, payload)
	}
	signer, err := jose.NewSigner(jose.SigningKey{
		Algorithm: jose.SignatureAlgorithm(alg), Key: jose.JSONWebKey{Key: private(alg), KeyID: "kid"},
	}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	signed, err := signer.Sign([]byte(payload))
	if err != nil {
		tb.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// signRaw signs exactly these bytes with the Ed25519 key.
func signRaw(header, payload string) string {
	signed := b64(header) + "." + b64(payload)
	return signed + "." + b64(string(ed25519.Sign(testKeys().ed, []byte(signed))))
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func TestEveryAlgorithmWithEveryKey(t *testing.T) {
	for _, alg := range jws.Algorithms() {
		m, err := jws.Parse(sign(t, alg, `{"a":1}`), jws.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		if m.Algorithm() != alg || m.KeyID() != "kid" || string(m.Payload()) != `{"a":1}` {
			t.Errorf("%s: read as %s, %s, %s", alg, m.Algorithm(), m.KeyID(), m.Payload())
		}
		for _, other := range jws.Algorithms() {
			same := alg == other || alg == jws.EdDSA && other == jws.Ed25519 || alg == jws.Ed25519 && other == jws.EdDSA
			err := m.Verify(public(t, other))
			var e *jws.Error
			if same && err != nil || !same && (!errors.As(err, &e) || e.Code != jws.KeyUnfit) {
				t.Errorf("%s with a key for %s: %v", alg, other, err)
			}
		}
		unbound, err := jws.NewKey(private(alg).Public(), "", "", "")
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Verify(unbound); err != nil {
			t.Errorf("%s with an unbound key: %v", alg, err)
		}
		if err := m.Verify(nil); err == nil {
			t.Errorf("%s with no key was accepted", alg)
		}
	}
}

func TestAlteredTokensDoNotVerify(t *testing.T) {
	for _, alg := range jws.Algorithms() {
		parts := strings.Split(sign(t, alg, `{"a":1}`), ".")
		signature, err := base64.RawURLEncoding.DecodeString(parts[2])
		if err != nil {
			t.Fatal(err)
		}
		flipped := append([]byte(nil), signature...)
		flipped[len(flipped)/2] ^= 1
		for name, token := range map[string]string{
			"payload":         parts[0] + "." + b64(`{"a":2}`) + "." + parts[2],
			"signature":       parts[0] + "." + parts[1] + "." + b64(string(flipped)),
			"cut signature":   parts[0] + "." + parts[1] + "." + b64(string(signature[1:])),
			"grown signature": parts[0] + "." + parts[1] + "." + b64(string(signature)+"\x00"),
			"zero signature":  parts[0] + "." + parts[1] + "." + b64(strings.Repeat("\x00", len(signature))),
		} {
			m, err := jws.Parse(token, jws.Limits{})
			if err != nil {
				t.Fatalf("%s, %s: %v", alg, name, err)
			}
			if err := m.Verify(public(t, alg)); !errors.Is(err, jws.ErrSignature) {
				t.Errorf("%s with another %s: %v", alg, name, err)
			}
		}
	}
}

func TestSpecialSignatures(t *testing.T) {
	signed := b64(`{"alg":"PS256"}`) + "." + b64("{}")
	digest := sha256.Sum256([]byte(signed))
	for salt, want := range map[int]bool{32: true, 20: false, 0: false, 64: false} {
		sig, err := rsa.SignPSS(rand.Reader, testKeys().rsa, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: max(salt, 1)})
		if salt == 0 {
			sig, err = rsa.SignPSS(rand.Reader, testKeys().rsa, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: 1})
		}
		if err != nil {
			t.Fatal(err)
		}
		m, err := jws.Parse(signed+"."+b64(string(sig)), jws.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Verify(public(t, jws.PS256)); (err == nil) != want {
			t.Errorf("PS256 with a salt of %d bytes: %v", salt, err)
		}
	}
	signed = b64(`{"alg":"ES256"}`) + "." + b64("{}")
	digest = sha256.Sum256([]byte(signed))
	der, err := ecdsa.SignASN1(rand.Reader, testKeys().ec[jws.ES256], digest[:])
	if err != nil {
		t.Fatal(err)
	}
	n := elliptic.P256().Params().N.FillBytes(make([]byte, 32))
	for name, sig := range map[string][]byte{"DER": der, "r = s = n": append(n, n...)} {
		m, err := jws.Parse(signed+"."+b64(string(sig)), jws.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Verify(public(t, jws.ES256)); !errors.Is(err, jws.ErrSignature) {
			t.Errorf("ES256 with %s: %v", name, err)
		}
	}
}

// RFC 8037 appendix A.4.
func TestKnownAnswerEd25519(t *testing.T) {
	x, err := base64.RawURLEncoding.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
	if err != nil {
		t.Fatal(err)
	}
	key, err := jws.NewKey(ed25519.PublicKey(x), "", "", "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := jws.Parse("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."+
		"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg", jws.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Verify(key); err != nil || string(m.Payload()) != "Example of Ed25519 signing" {
		t.Errorf("%v, payload %q", err, m.Payload())
	}
}

// RFC 7515 appendix A.3.
func TestKnownAnswerES256(t *testing.T) {
	point := []byte{4}
	for _, coordinate := range []string{"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"} {
		b, err := base64.RawURLEncoding.DecodeString(coordinate)
		if err != nil {
			t.Fatal(err)
		}
		point = append(point, b...)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jws.NewKey(public, "", "", "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := jws.Parse("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."+
		"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q", jws.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Verify(key); err != nil {
		t.Error(err)
	}
}
