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
	"encoding/json"
	"errors"
	"math/big"
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
	coordinate := func(s string) *big.Int {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return new(big.Int).SetBytes(b)
	}
	key, err := jws.NewKey(&ecdsa.PublicKey{
		Curve: elliptic.P256(), X: coordinate("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
		Y: coordinate("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
	}, "", "", "")
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

func wantCode(tb testing.TB, name, token string, want jws.Code) {
	tb.Helper()
	m, err := jws.Parse(token, jws.Limits{})
	var e *jws.Error
	if m != nil || !errors.As(err, &e) || e.Code != want {
		tb.Errorf("%s: %v, want code %d", name, err, want)
	}
}

func TestParseRefusesForms(t *testing.T) {
	good := sign(t, jws.EdDSA, `{"a":1}`)
	p := strings.Split(good, ".")
	for name, tt := range map[string]struct {
		token string
		want  jws.Code
	}{
		"empty": {"", jws.Opaque}, "no dot": {"abc", jws.Opaque}, "one dot": {"a.b", jws.Malformed},
		"three dots": {good + ".x", jws.Malformed}, "four dots": {good + ".x.y", jws.Encrypted}, "five dots": {good + ".x.y.z", jws.Malformed},
		"no header": {"." + p[1] + "." + p[2], jws.Malformed}, "no payload": {p[0] + ".." + p[2], jws.Malformed},
		"no signature": {p[0] + "." + p[1] + ".", jws.Malformed}, "too large": {strings.Repeat("a", 16<<10) + good, jws.TooLarge},
		"JSON": {`{"payload":"` + p[1] + `"}`, jws.Opaque},
	} {
		wantCode(t, name, tt.token, tt.want)
	}
	for i, segment := range p {
		with := func(s string) string {
			q := append([]string(nil), p...)
			q[i] = s
			return strings.Join(q, ".")
		}
		for _, insert := range []string{"\n", "\r\n", "\n\n", "\n\n\n\n", " ", "=", "+", "/", "\t", "\x00", "é", "%", "\""} {
			for _, at := range []int{0, 1, 4, len(segment) / 2, len(segment) - 1, len(segment)} {
				wantCode(t, "inserted", with(segment[:at]+insert+segment[at:]), jws.Malformed)
			}
		}
		if len(segment)%4 != 0 { // the last character has bits to spare
			last := strings.IndexByte(alphabet, segment[len(segment)-1])
			wantCode(t, "trailing bits", with(segment[:len(segment)-1]+string(alphabet[last|1])), jws.Malformed)
		}
		wantCode(t, "impossible length", with(segment[:len(segment)-len(segment)%4]+"A"), jws.Malformed)
	}
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func TestParseRefusesHeaders(t *testing.T) {
	for header, want := range map[string]jws.Code{
		`null`: jws.Malformed, `[]`: jws.Malformed, `"x"`: jws.Malformed, `{}`: jws.Malformed, `{"alg":"EdDSA"}x`: jws.Malformed,
		"\ufeff{\"alg\":\"EdDSA\"}": jws.Malformed, "{\"alg\":\"EdDSA\",\"x\":\"\xff\"}": jws.Malformed,
		`{"alg":"EdDSA","alg":"none"}`: jws.Malformed, `{"alg":"EdDSA","al\u0067":"none"}`: jws.Malformed,
		`{"ALG":"EdDSA"}`: jws.Malformed, `{"alg":1}`: jws.Malformed, `{"alg":null}`: jws.Malformed, `{"alg":["EdDSA"]}`: jws.Malformed,
		`{"alg":"none"}`: jws.BadAlgorithm, `{"alg":"None"}`: jws.BadAlgorithm, `{"alg":"nOnE"}`: jws.BadAlgorithm, `{"alg":"none "}`: jws.BadAlgorithm,
		`{"alg":""}`: jws.BadAlgorithm, `{"alg":"HS256"}`: jws.BadAlgorithm, `{"alg":"RS1"}`: jws.BadAlgorithm, `{"alg":"eddsa"}`: jws.BadAlgorithm,
		`{"alg":"ES256K"}`: jws.BadAlgorithm, `{"alg":"ML-DSA-44"}`: jws.BadAlgorithm,
		`{"alg":"EdDSA","crit":["exp"]}`: jws.Forbidden, `{"alg":"EdDSA","crit":[]}`: jws.Forbidden, `{"alg":"EdDSA","crit":null}`: jws.Forbidden,
		`{"alg":"EdDSA","b64":false}`: jws.Forbidden, `{"alg":"EdDSA","b64":true}`: jws.Forbidden, `{"alg":"EdDSA","b\u00364":true}`: jws.Forbidden,
		`{"alg":"EdDSA","jwk":{}}`: jws.Forbidden, `{"alg":"EdDSA","jku":"x"}`: jws.Forbidden, `{"alg":"EdDSA","x5u":"x"}`: jws.Forbidden,
		`{"alg":"EdDSA","x5c":["x"]}`: jws.Forbidden, `{"alg":"EdDSA","zip":"DEF"}`: jws.Forbidden, `{"alg":"EdDSA","enc":"x"}`: jws.Forbidden,
		`{"alg":"EdDSA","epk":{}}`: jws.Forbidden, `{"alg":"EdDSA","p2c":1}`: jws.Forbidden,
		`{"alg":"EdDSA","kid":1}`: jws.Malformed, `{"alg":"EdDSA","kid":null}`: jws.Malformed, `{"alg":"EdDSA","kid":{}}`: jws.Malformed,
		`{"alg":"EdDSA","kid":"a\nb"}`: jws.KeyID, `{"alg":"EdDSA","kid":"é"}`: jws.KeyID, `{"alg":"EdDSA","kid":"\u0000"}`: jws.KeyID,
		`{"alg":"EdDSA","kid":"` + strings.Repeat("k", 257) + `"}`: jws.KeyID,
		`{"alg":"EdDSA","typ":1}`:                                  jws.Malformed, `{"alg":"EdDSA","typ":["JWT"]}`: jws.Malformed,
		`{"alg":"EdDSA","cty":"JWT"}`: jws.Type, `{"alg":"EdDSA","cty":"application/jwt"}`: jws.Type, `{"alg":"EdDSA","cty":1}`: jws.Malformed,
		`{"alg":"EdDSA","x":{"y":1}}`: jws.Malformed, `{"alg":"EdDSA","x":[1]}`: jws.Malformed,
		`{"alg":"EdDSA","x":"` + strings.Repeat("x", 1024) + `"}`:          jws.TooLarge,
		`{"alg":"EdDSA"` + strings.Repeat(`,"x":1`, 0) + members(16) + `}`: jws.TooLarge,
	} {
		wantCode(t, header[:min(len(header), 60)], signRaw(header, "{}"), want)
	}
	for _, header := range []string{
		`{"alg":"EdDSA"}`, ` { "alg" : "EdDSA" } `, `{"alg":"EdDSA","x":1,"y":null,"z":"","x5t":"a"}`, `{"alg":"EdDSA","kid":""}`,
		`{"\u0061lg":"EdDS\u0041"}`, `{"alg":"EdDSA","typ":"anything","cty":"json"}`, `{"alg":"EdDSA"` + members(15) + `}`,
	} {
		m, err := jws.Parse(signRaw(header, "{}"), jws.Limits{})
		if err != nil {
			t.Errorf("%s: %v", header, err)
		} else if err := m.Verify(public(t, jws.EdDSA)); err != nil {
			t.Errorf("%s: %v", header, err)
		}
	}
}

func members(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"m` + string(rune('a'+i)) + `":1`)
	}
	return b.String()
}

func TestProofsCarryTheirKey(t *testing.T) {
	token := signRaw(`{"alg":"EdDSA","typ":"dpop+jwt","jwk":{"kty":"OKP"}}`, "{}")
	m, err := jws.Parse(token, jws.Limits{Proof: true})
	if err != nil {
		t.Fatal(err)
	}
	var jwk map[string]string
	if err := json.Unmarshal(m.JWK(), &jwk); err != nil || jwk["kty"] != "OKP" || m.Type() != "dpop+jwt" {
		t.Errorf("jwk %s, typ %s, %v", m.JWK(), m.Type(), err)
	}
}

// Refusing is cheap, whatever is refused.
func TestRefusalAllocations(t *testing.T) {
	for name, token := range map[string]string{
		"dots": strings.Repeat(".", 100_000), "few dots": strings.Repeat(".", 10_000), "large": strings.Repeat("a", 1<<20),
		"opaque": strings.Repeat("a", 10_000), "wide header": signRaw(`{"alg":"EdDSA"`+members(20)+`}`, "{}"),
		"deep header": signRaw(`{"alg":"EdDSA","x":`+strings.Repeat("[", 400)+strings.Repeat("]", 400)+`}`, "{}"),
	} {
		if n := testing.AllocsPerRun(50, func() { _, _ = jws.Parse(token, jws.Limits{}) }); n > 12 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
