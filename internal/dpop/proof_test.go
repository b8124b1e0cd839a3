package dpop_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/internal/dpop"
	"github.com/keychorus/keychorus/internal/jws"
)

type object = map[string]any

// omit as a value removes the member.
type omit struct{}

var (
	now     = time.Unix(1_767_225_600, 0)
	private = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
)

const (
	accessToken = "head.payload.signature"
	uri         = "https://api.example.test/books"
)

func b64(s []byte) string { return base64.RawURLEncoding.EncodeToString(s) }

func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return b64(sum[:])
}

func publicJWK() object {
	public, _ := private.Public().(ed25519.PublicKey)
	return object{"kty": "OKP", "crv": "Ed25519", "x": b64(public)}
}

func goodHeader() object { return object{"typ": "dpop+jwt", "alg": "EdDSA", "jwk": publicJWK()} }

func goodClaims() object {
	return object{"jti": "1", "htm": "GET", "htu": uri, "iat": now.Unix(), "ath": hash(accessToken)}
}

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

// sign signs exactly these parts; a string stands for itself.
func sign(tb testing.TB, header, payload any) string {
	tb.Helper()
	encode := func(part any) string {
		if s, ok := part.(string); ok {
			return b64([]byte(s))
		}
		raw, err := json.Marshal(part)
		if err != nil {
			tb.Fatal(err)
		}
		return b64(raw)
	}
	signed := encode(header) + "." + encode(payload)
	return signed + "." + b64(ed25519.Sign(private, []byte(signed)))
}

func expected() *dpop.Expected {
	return &dpop.Expected{
		Method: "GET", URI: uri, AccessToken: accessToken, Algorithms: []jws.Algorithm{jws.EdDSA, jws.ES256, jws.RS256},
		Now: now, MaxAge: time.Minute, MaxAhead: 5 * time.Second,
	}
}

func codeOf(tb testing.TB, p *dpop.Proof, err error) dpop.Code {
	tb.Helper()
	if (p == nil) == (err == nil) {
		tb.Fatalf("proof %v with error %v", p, err)
	}
	if err == nil {
		return 0
	}
	var e *dpop.Error
	if !errors.As(err, &e) {
		tb.Fatalf("error %v is no *dpop.Error", err)
	}
	return e.Code
}

func TestVerifyHeader(t *testing.T) {
	mac := object{"kty": "oct", "k": b64(make([]byte, 32))}
	for _, tt := range []struct {
		name   string
		header object
		want   dpop.Code
	}{
		{"good", goodHeader(), 0},
		{"unknown member", with(goodHeader(), object{"x": "y"}), 0},
		{"key with kid, use and alg", with(goodHeader(), object{"jwk": with(publicJWK(), object{"kid": "k", "use": "sig", "alg": "EdDSA"})}), 0},

		{"no typ", with(goodHeader(), object{"typ": omit{}}), dpop.Malformed},
		{"access token's typ", with(goodHeader(), object{"typ": "at+jwt"}), dpop.Malformed},
		{"typ JWT", with(goodHeader(), object{"typ": "JWT"}), dpop.Malformed},
		{"none", with(goodHeader(), object{"alg": "none"}), dpop.Algorithm},
		{"HMAC", with(goodHeader(), object{"alg": "HS256", "jwk": mac}), dpop.Algorithm},
		{"algorithm not asked for", with(goodHeader(), object{"alg": "PS256"}), dpop.Algorithm},
		{"crit", with(goodHeader(), object{"crit": []string{"jwk"}}), dpop.Malformed},
		{"b64", with(goodHeader(), object{"b64": false}), dpop.Malformed},
		{"jku", with(goodHeader(), object{"jku": "https://x.example.test"}), dpop.Malformed},
		{"x5c", with(goodHeader(), object{"x5c": []string{}}), dpop.Malformed},
		{"large", with(goodHeader(), object{"x": strings.Repeat("x", 1280)}), dpop.Malformed},

		{"no key", with(goodHeader(), object{"jwk": omit{}}), dpop.Key},
		{"null key", with(goodHeader(), object{"jwk": nil}), dpop.Key},
		{"text as key", with(goodHeader(), object{"jwk": "x"}), dpop.Key},
		{"key of another type", with(goodHeader(), object{"alg": "ES256"}), dpop.Key},
		{"key for encryption", with(goodHeader(), object{"jwk": with(publicJWK(), object{"use": "enc"})}), dpop.Key},
		{"key of another algorithm", with(goodHeader(), object{"jwk": with(publicJWK(), object{"alg": "ES256"})}), dpop.Key},
		{"symmetric key", with(goodHeader(), object{"jwk": mac}), dpop.Key},
		{"small order", with(goodHeader(), object{"jwk": with(publicJWK(), object{"x": b64(make([]byte, 32))})}), dpop.Key},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := dpop.Verify(sign(t, tt.header, goodClaims()), expected())
			if got := codeOf(t, p, err); got != tt.want {
				t.Errorf("code %d (%v), want %d", got, err, tt.want)
			}
		})
	}
	for _, member := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} { // RFC 9449 §4.3 (7)
		for _, value := range []any{"AA", "", nil} {
			p, err := dpop.Verify(sign(t, with(goodHeader(), object{"jwk": with(publicJWK(), object{member: value})}), goodClaims()), expected())
			if got := codeOf(t, p, err); got != dpop.Key {
				t.Errorf("jwk with %s of %v: code %d", member, value, got)
			}
		}
	}
}

func TestVerifyClaims(t *testing.T) {
	at := func(d time.Duration) object { return object{"iat": float64(now.Add(d).UnixMilli()) / 1000} }
	for _, tt := range []struct {
		name    string
		changes object
		want    dpop.Code
	}{
		{"unknown claim", object{"x": []int{1}}, 0},
		{"nonce that nobody asked for", object{"nonce": "x"}, 0},
		{"other method", object{"htm": "POST"}, dpop.Method},
		{"method in lower case", object{"htm": "get"}, dpop.Method},
		{"other path", object{"htu": uri + "/1"}, dpop.URI},
		{"other host", object{"htu": "https://api.example.test.evil.test/books"}, dpop.URI},
		{"other scheme", object{"htu": "http://api.example.test/books"}, dpop.URI},
		{"path alone", object{"htu": "/books"}, dpop.URI},
		{"same by normalisation", object{"htu": "HTTPS://API.example.test:443/x/../b%6foks?q=1#f"}, 0},
		{"other token", object{"ath": hash("other")}, dpop.Token},
		{"padded ath", object{"ath": hash(accessToken) + "="}, dpop.Token},
		{"the token as ath", object{"ath": accessToken}, dpop.Token},

		{"as old as may be", at(-time.Minute + time.Millisecond), 0},
		{"too old", at(-time.Minute), dpop.Time},
		{"as early as may be", at(5 * time.Second), 0},
		{"too early", at(5*time.Second + time.Millisecond), dpop.Time},
		{"1970", object{"iat": 0}, dpop.Time},
		{"year 9999", object{"iat": 253402300799}, dpop.Time},

		{"iat as text", object{"iat": "1767225600"}, dpop.Malformed},
		{"negative iat", object{"iat": -1}, dpop.Malformed},
		{"iat beyond all years", object{"iat": 1e300}, dpop.Malformed},
		{"jti a number", object{"jti": 1}, dpop.Malformed},
		{"empty jti", object{"jti": ""}, dpop.Malformed},
		{"htm null", object{"htm": nil}, dpop.Malformed},
		{"htu a list", object{"htu": []string{uri}}, dpop.Malformed},
		{"nonce a number", object{"nonce": 1}, dpop.Malformed},
		{"no jti", object{"jti": omit{}}, dpop.Malformed},
		{"no htm", object{"htm": omit{}}, dpop.Malformed},
		{"no htu", object{"htu": omit{}}, dpop.Malformed},
		{"no iat", object{"iat": omit{}}, dpop.Malformed},
		{"no ath", object{"ath": omit{}}, dpop.Malformed},
		{"names in capitals", object{"jti": omit{}, "JTI": "1"}, dpop.Malformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := dpop.Verify(sign(t, goodHeader(), with(goodClaims(), tt.changes)), expected())
			if got := codeOf(t, p, err); got != tt.want {
				t.Errorf("code %d (%v), want %d", got, err, tt.want)
			}
		})
	}
}

func TestVerifyForm(t *testing.T) {
	good := sign(t, goodHeader(), goodClaims())
	parts := strings.Split(good, ".")
	last := parts[2]
	for name, tt := range map[string]struct {
		proof string
		want  dpop.Code
	}{
		"good":                 {good, 0},
		"empty":                {"", dpop.Malformed},
		"two proofs":           {good + "," + good, dpop.Malformed},
		"space":                {good + " ", dpop.Malformed},
		"padding":              {good + "=", dpop.Malformed},
		"no signature":         {parts[0] + "." + parts[1] + ".", dpop.Malformed},
		"payload of a list":    {sign(t, goodHeader(), "[]"), dpop.Malformed},
		"claim twice":          {sign(t, goodHeader(), `{"jti":"1","jti":"2"}`), dpop.Malformed},
		"9 KiB":                {sign(t, goodHeader(), with(goodClaims(), object{"x": strings.Repeat("x", 9<<10)})), dpop.Malformed},
		"other payload":        {parts[0] + "." + b64([]byte(`{"jti":"2","htm":"GET","htu":"`+uri+`","iat":1767225600,"ath":"`+hash(accessToken)+`"}`)) + "." + last, dpop.Signature},
		"altered signature":    {parts[0] + "." + parts[1] + "." + strings.Map(swapAB, last[:20]) + last[20:], dpop.Signature},
		"signature of nothing": {parts[0] + "." + parts[1] + "." + b64(make([]byte, 64)), dpop.Signature},
	} {
		p, err := dpop.Verify(tt.proof, expected())
		if got := codeOf(t, p, err); got != tt.want {
			t.Errorf("%s: code %d (%v), want %d", name, got, err, tt.want)
		}
	}
}

// swapAB changes a signature, and leaves it base64.
func swapAB(r rune) rune {
	switch r {
	case 'A', 'C', 'E', 'G', 'I', 'K', 'M', 'O':
		return r + 1
	case 'B', 'D', 'F', 'H', 'J', 'L', 'N', 'P':
		return r - 1
	}
	return r
}

// A proof needs a request to be for.
func TestNothingExpectedAcceptsNothing(t *testing.T) {
	p, err := dpop.Verify(sign(t, goodHeader(), with(goodClaims(), object{"htm": ""})), &dpop.Expected{Algorithms: []jws.Algorithm{jws.EdDSA}})
	if codeOf(t, p, err) == 0 {
		t.Error("accepted")
	}
}

func TestProofTellsKeyAndLife(t *testing.T) {
	p, err := dpop.Verify(sign(t, goodHeader(), goodClaims()), expected())
	if err != nil {
		t.Fatal(err)
	}
	if p.ID != "1" || !p.ExpiresAt.Equal(now.Add(time.Minute)) || len(p.Thumbprint) != 43 {
		t.Errorf("%+v", p)
	}
}
