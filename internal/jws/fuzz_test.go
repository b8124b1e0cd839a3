package jws_test

import (
	"bytes"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/keychorus/keychorus/internal/jws"
)

func seed(f *testing.F) {
	for _, alg := range jws.Algorithms() {
		token := sign(f, alg, `{"iss":"https://issuer.example.test","exp":1}`)
		f.Add(token)
		f.Add(token + "\n")
		f.Add(strings.Replace(token, ".", "=.", 1))
	}
	for _, header := range []string{
		`{"alg":"none"}`, `{"alg":"EdDSA","b64":false,"crit":["b64"]}`, `{"alg":"EdDSA","crit":[]}`, `{"alg":"EdDSA","jwk":{}}`,
		`{"alg":"EdDSA","al\u0067":"EdDSA"}`, `{"alg":"EdDSA","kid":null}`, `{"alg":"EdDSA","typ":1}`,
	} {
		f.Add(signRaw(header, "{}"))
	}
	f.Add("..")
	f.Add(".")
}

// Whatever is read is the one canonical form: encoding it again gives the same token.
func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, token string) {
		m, err := jws.Parse(token, jws.Limits{})
		if (m == nil) == (err == nil) {
			t.Fatalf("message %v with error %v", m, err)
		}
		if err != nil {
			return
		}
		if p := strings.Split(token, "."); len(p) != 3 || b64(string(m.Payload())) != p[1] {
			t.Errorf("%q is not canonical", token)
		}
	})
}

// Whatever verifies here, go-jose accepts with the same payload.
func FuzzDifferential(f *testing.F) {
	seed(f)
	var known []jose.SignatureAlgorithm
	for _, alg := range jws.Algorithms() {
		if alg != jws.Ed25519 { // go-jose knows it by its other name alone
			known = append(known, jose.SignatureAlgorithm(alg))
		}
	}
	f.Fuzz(func(t *testing.T, token string) {
		m, err := jws.Parse(token, jws.Limits{})
		if err != nil || m.Algorithm() == jws.Ed25519 || m.Verify(public(t, m.Algorithm())) != nil {
			return
		}
		oracle, err := jose.ParseSignedCompact(token, known)
		if err != nil {
			t.Fatalf("go-jose does not read %q: %v", token, err)
		}
		payload, err := oracle.Verify(private(m.Algorithm()).Public())
		if err != nil || !bytes.Equal(payload, m.Payload()) {
			t.Fatalf("go-jose refuses %q or reads another payload: %v", token, err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for _, alg := range jws.Algorithms() {
		b.Run(string(alg), func(b *testing.B) {
			token, key := sign(b, alg, `{"iss":"https://issuer.example.test","exp":1}`), public(b, alg)
			b.ReportAllocs()
			for b.Loop() {
				m, err := jws.Parse(token, jws.Limits{})
				if err != nil {
					b.Fatal(err)
				}
				if err := m.Verify(key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
