package dpop_test

import (
	"encoding/json"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/keychorus/keychorus/internal/dpop"
)

// FuzzVerify checks that whatever is accepted is what go-jose reads under the key that the
// proof carries, and says what was expected.
func FuzzVerify(f *testing.F) {
	good := sign(f, goodHeader(), goodClaims())
	f.Add(good)
	f.Add(good + ".")
	f.Add(sign(f, with(goodHeader(), object{"typ": "JWT"}), goodClaims()))
	f.Add(sign(f, goodHeader(), with(goodClaims(), object{"htu": "https://api.example.test:443/./books?q"})))
	f.Add(sign(f, with(goodHeader(), object{"jwk": with(publicJWK(), object{"d": "AA"})}), goodClaims()))
	f.Add("..")
	f.Fuzz(func(t *testing.T, compact string) {
		p, err := dpop.Verify(compact, expected())
		if codeOf(t, p, err) != 0 {
			return
		}
		oracle, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256, jose.RS256})
		if err != nil {
			t.Fatalf("go-jose does not read %q: %v", compact, err)
		}
		payload, err := oracle.Verify(oracle.Signatures[0].Header.JSONWebKey)
		if err != nil {
			t.Fatalf("go-jose refuses %q: %v", compact, err)
		}
		checkPayload(t, payload, p)
	})
}

// FuzzClaims checks the claims of proofs whose form and signature hold.
func FuzzClaims(f *testing.F) {
	payload, err := json.Marshal(goodClaims())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(payload))
	f.Add(strings.ToUpper(string(payload)))
	f.Add(`{"jti":"1","htm":"GET","htu":"HTTPS://api.example.test/a/../books","iat":1767225600.5,"ath":"` + hash(accessToken) + `"}`)
	f.Add(`{"iat":1e9}`)
	f.Add(`{}`)
	header := goodHeader()
	f.Fuzz(func(t *testing.T, payload string) {
		p, err := dpop.Verify(sign(t, header, payload), expected())
		if codeOf(t, p, err) == 0 {
			checkPayload(t, []byte(payload), p)
		}
	})
}

func checkPayload(t *testing.T, payload []byte, p *dpop.Proof) {
	t.Helper()
	var c map[string]any
	if err := json.Unmarshal(payload, &c); err != nil {
		t.Fatal(err)
	}
	htu, _ := c["htu"].(string)
	iat, _ := c["iat"].(float64)
	if normal, _ := dpop.Normalize(htu); c["htm"] != "GET" || normal != uri || c["ath"] != hash(accessToken) || c["jti"] != p.ID || p.ID == "" ||
		iat <= float64(now.Unix()-60) || iat > float64(now.Unix()+5) {
		t.Errorf("accepted: %s", payload)
	}
}

func BenchmarkVerify(b *testing.B) {
	proof := sign(b, goodHeader(), goodClaims())
	want := expected()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dpop.Verify(proof, want); err != nil {
			b.Fatal(err)
		}
	}
}

// No signature is checked for what the claims alone refuse.
func BenchmarkRefuse(b *testing.B) {
	proof := sign(b, goodHeader(), with(goodClaims(), object{"htm": "POST"}))
	want := expected()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dpop.Verify(proof, want); err == nil {
			b.Fatal("accepted")
		}
	}
}
