package verifier_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier"
)

func TestVerifyClaims(t *testing.T) {
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for _, tt := range []struct {
		name    string
		changes object
		want    verifier.Reason
	}{
		{"good", nil, ""},
		{"no subject", object{"sub": omit{}}, ""},
		{"audience as string", object{"aud": audience}, ""},
		{"unknown claims", object{"x": object{"y": []int{1}}, "data": 1}, ""},
		{"scope as list", object{"scope": []string{"a", "b"}}, ""},

		{"issuer missing", object{"iss": omit{}}, verifier.ReasonIssuer},
		{"issuer null", object{"iss": nil}, verifier.ReasonIssuer},
		{"issuer list", object{"iss": []string{issuerURL}}, verifier.ReasonIssuer},
		{"issuer with slash", object{"iss": issuerURL + "/"}, verifier.ReasonIssuer},
		{"issuer upper case", object{"iss": strings.ToUpper(issuerURL)}, verifier.ReasonIssuer},
		{"issuer prefix", object{"iss": issuerURL + ".evil.test"}, verifier.ReasonIssuer},

		{"no exp", object{"exp": omit{}}, verifier.ReasonNoExpiry},
		{"exp null", object{"exp": nil}, verifier.ReasonMalformedClaim},
		{"exp string", object{"exp": "1767229200"}, verifier.ReasonMalformedClaim},
		{"exp negative", object{"exp": -1}, verifier.ReasonMalformedClaim},
		{"exp zero", object{"exp": 0}, verifier.ReasonExpired},
		{"exp beyond 9999", object{"exp": 1168335720000}, verifier.ReasonMalformedClaim},
		{"exp overflows", object{"exp": json.Number("1e400")}, verifier.ReasonMalformedClaim},
		{"exp 2^63", object{"exp": uint64(math.MaxInt64) + 1}, verifier.ReasonMalformedClaim},
		{"exp as fraction", object{"exp": float64(at(0)) + 0.5}, ""},
		{"exp within leeway", object{"exp": at(-29 * time.Second)}, ""},
		{"exp at leeway", object{"exp": at(-30 * time.Second)}, verifier.ReasonExpired},
		{"nbf within leeway", object{"nbf": at(30 * time.Second)}, ""},
		{"nbf beyond leeway", object{"nbf": at(31 * time.Second)}, verifier.ReasonNotYetValid},
		{"nbf huge", object{"nbf": math.MaxInt64}, verifier.ReasonMalformedClaim},
		{"iat within leeway", object{"iat": at(30 * time.Second)}, ""},
		{"iat beyond leeway", object{"iat": at(31 * time.Second)}, verifier.ReasonIssuedInFuture},
		{"iat boolean", object{"iat": true}, verifier.ReasonMalformedClaim},

		{"no audience", object{"aud": omit{}}, verifier.ReasonNoAudience},
		{"empty audience", object{"aud": []string{}}, verifier.ReasonNoAudience},
		{"other audience", object{"aud": "https://api.example"}, verifier.ReasonAudience},
		{"audience prefix", object{"aud": audience + "/v2"}, verifier.ReasonAudience},
		{"audience case", object{"aud": strings.ToUpper(audience)}, verifier.ReasonAudience},
		{"audiences joined", object{"aud": "x " + audience}, verifier.ReasonAudience},
		{"audience null", object{"aud": nil}, verifier.ReasonMalformedClaim},
		{"audience number", object{"aud": 1}, verifier.ReasonMalformedClaim},
		{"audience object", object{"aud": object{}}, verifier.ReasonMalformedClaim},
		{"audience nested", object{"aud": [][]string{{audience}}}, verifier.ReasonMalformedClaim},
		{"audience mixed", object{"aud": []any{audience, 1}}, verifier.ReasonMalformedClaim},

		{"subject null", object{"sub": nil}, verifier.ReasonMalformedClaim},
		{"subject number", object{"sub": 7}, verifier.ReasonMalformedClaim},
		{"scope object", object{"scope": object{}}, verifier.ReasonMalformedClaim},
		{"cnf", object{"cnf": object{"jkt": "x"}}, verifier.ReasonBinding},
		{"cnf empty", object{"cnf": object{}}, verifier.ReasonBinding},
		{"cnf with an empty thumbprint", object{"cnf": object{"jkt": ""}}, verifier.ReasonBinding},
		{"cnf with an empty unknown", object{"cnf": object{"kid": ""}}, verifier.ReasonBinding},
		{"cnf string", object{"cnf": "x"}, verifier.ReasonMalformedClaim},
		{"cnf unknown", object{"cnf": object{"kid": "x"}}, verifier.ReasonBinding},

		{"ID token by at_hash", object{"at_hash": "x"}, verifier.ReasonWrongKind},
		{"ID token by c_hash", object{"c_hash": "x"}, verifier.ReasonWrongKind},
		{"ID token by nonce", object{"nonce": "x"}, verifier.ReasonWrongKind},
		{"nonce in Keycloak's access token", object{"nonce": "x", "typ": "Bearer"}, ""},
		{"nonce in Cognito's access token", object{"nonce": "x", "token_use": "access"}, ""},
		{"Cognito's ID token", object{"token_use": "id"}, verifier.ReasonWrongKind},
		{"Keycloak's refresh token", object{"typ": "Refresh"}, verifier.ReasonWrongKind},
		{"Keycloak's ID token", object{"typ": "ID"}, verifier.ReasonWrongKind},
		{"Keycloak's offline token", object{"typ": "Offline"}, verifier.ReasonWrongKind},
		{"Kinde's ID token", object{"updated_at": 1, "rat": 1, "scp": omit{}}, verifier.ReasonWrongKind},
		{"webhook", object{"event_id": "e", "type": "user.updated", "data": object{}}, verifier.ReasonWrongKind},
		{"security event", object{"events": object{}}, verifier.ReasonWrongKind},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := newVerifier(t, goodPolicy())
			wantReason(t, v, sign(t, goodHeader(), with(goodClaims(), tt.changes)), tt.want)
		})
	}
}

func TestVerifyPayloadForm(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	good, err := json.Marshal(goodClaims())
	if err != nil {
		t.Fatal(err)
	}
	inner := strings.TrimSuffix(strings.TrimPrefix(string(good), "{"), "}")
	for name, payload := range map[string]string{
		"null": "null", "list": "[]", "string": `"x"`, "empty": " ", "cut short": "{" + inner,
		"trailing data": string(good) + "{}", "byte order mark": "\ufeff" + string(good),
		"duplicate claim": "{" + inner + `,"sub":"admin"}`, "duplicate by escape": "{" + inner + `,"su\u0062":"admin"}`,
		"nested duplicate": "{" + inner + `,"x":{"role":"u","role":"admin"}}`,
		"folded claim":     "{" + inner + `,"ISS":"x"}`, "folded claim, long s": "{" + inner + `,"ſub":"x"}`,
		"folded claim, Kelvin sign": "{" + inner + `,"to\u212Aen_use":"access"}`,
		"bad UTF-8":                 "{" + inner + ",\"x\":\"adm\xffin\"}", "lone surrogate": "{" + inner + `,"x":"\ud800"}`,
		"too deep": "{" + inner + `,"x":` + strings.Repeat("[", 17) + strings.Repeat("]", 17) + "}",
	} {
		t.Run(name, func(t *testing.T) {
			wantReason(t, v, sign(t, goodHeader(), payload), verifier.ReasonMalformed)
		})
	}
	deep := "{" + inner + `,"x":` + strings.Repeat("[", 15) + `"\"[[[["` + strings.Repeat("]", 15) + "}"
	wantReason(t, v, sign(t, goodHeader(), deep), "")
}

func TestVerifyHeader(t *testing.T) {
	for _, tt := range []struct {
		name    string
		changes object
		want    verifier.Reason
	}{
		{"Ed25519", object{"alg": "Ed25519"}, ""},
		{"no typ", object{"typ": omit{}}, ""},
		{"at+jwt", object{"typ": "at+jwt"}, ""},
		{"AT+JWT", object{"typ": "application/AT+JWT"}, ""},
		{"jwt", object{"typ": "jwt"}, ""},
		{"unknown member", object{"foo": 1, "x5t": "abc"}, ""},
		{"none", object{"alg": "none"}, verifier.ReasonAlgorithm},
		{"HS256", object{"alg": "HS256"}, verifier.ReasonAlgorithm},
		{"lower case", object{"alg": "eddsa"}, verifier.ReasonAlgorithm},
		{"RS256 with this key", object{"alg": "RS256"}, verifier.ReasonUnusableKey},
		{"no alg", object{"alg": omit{}}, verifier.ReasonMalformed},
		{"alg list", object{"alg": []string{"EdDSA"}}, verifier.ReasonMalformed},
		{"logout", object{"typ": "logout+jwt"}, verifier.ReasonType},
		{"DPoP proof", object{"typ": "dpop+jwt"}, verifier.ReasonType},
		{"typ number", object{"typ": 1}, verifier.ReasonMalformed},
		{"crit", object{"crit": []string{"exp"}}, verifier.ReasonHeader},
		{"crit empty", object{"crit": []string{}}, verifier.ReasonHeader},
		{"b64", object{"b64": true}, verifier.ReasonHeader},
		{"jwk", object{"jwk": object{"kty": "OKP"}}, verifier.ReasonHeader},
		{"jku", object{"jku": "https://evil.test"}, verifier.ReasonHeader},
		{"nested", object{"cty": "JWT"}, verifier.ReasonType},
		{"other kid", object{"kid": "key-2"}, verifier.ReasonUnknownKey},
		{"no kid", object{"kid": omit{}}, ""},
		{"empty kid", object{"kid": ""}, ""},
		{"kid null", object{"kid": nil}, verifier.ReasonMalformed},
		{"kid with line break", object{"kid": "a\nb"}, verifier.ReasonMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := newVerifier(t, goodPolicy())
			wantReason(t, v, sign(t, with(goodHeader(), tt.changes), goodClaims()), tt.want)
		})
	}
}

func TestVerifyForm(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	good := sign(t, goodHeader(), goodClaims())
	parts := strings.Split(good, ".")
	for name, tt := range map[string]struct {
		token string
		want  verifier.Reason
	}{
		"empty":             {"", verifier.ReasonNoCredentials},
		"undefined":         {"undefined", verifier.ReasonPlaceholder},
		"null":              {"null", verifier.ReasonPlaceholder},
		"promise":           {"[object Promise]", verifier.ReasonPlaceholder},
		"API key":           {"k_live_4bCdEf", verifier.ReasonOpaque},
		"two segments":      {parts[0] + "." + parts[1], verifier.ReasonMalformed},
		"five segments":     {good + ".a.b", verifier.ReasonEncrypted},
		"no signature":      {parts[0] + "." + parts[1] + ".", verifier.ReasonMalformed},
		"line break":        {good + "\n", verifier.ReasonMalformed},
		"other signature":   {parts[0] + "." + parts[1] + "." + strings.Repeat("A", 86), verifier.ReasonSignature},
		"other payload":     {parts[0] + "." + encode(t, with(goodClaims(), object{"sub": "admin"})) + "." + parts[2], verifier.ReasonSignature},
		"expired, unsigned": {parts[0] + "." + encode(t, with(goodClaims(), object{"exp": 1})) + "." + parts[2], verifier.ReasonSignature},
		"200 KB":            {strings.Repeat("A", 200<<10) + "." + parts[1] + "." + parts[2], verifier.ReasonTooLarge},
		"dots":              {strings.Repeat(".", 10_000), verifier.ReasonMalformed},
		"many dots":         {strings.Repeat(".", 100_000), verifier.ReasonTooLarge},
	} {
		t.Run(name, func(t *testing.T) { wantReason(t, v, tt.token, tt.want) })
	}
	wantReason(t, v, good, "")
}

func TestVerifyPolicies(t *testing.T) {
	rfc9068 := object{"client_id": "client-1"}
	for _, tt := range []struct {
		name            string
		policy          func(*verifier.Policy)
		header, changes object
		want            verifier.Reason
	}{
		{"party accepted", func(p *verifier.Policy) { p.AuthorizedParties = []string{"client-1"} }, nil, nil, ""},
		{"party not accepted", func(p *verifier.Policy) { p.AuthorizedParties = []string{"x"} }, nil, nil, verifier.ReasonClient},
		{"no party", func(p *verifier.Policy) { p.AuthorizedParties = []string{"x"} }, nil, object{"azp": omit{}}, verifier.ReasonClient},
		{"two parties, one accepted", func(p *verifier.Policy) { p.AuthorizedParties = []string{"client-1"} }, nil,
			object{"client_id": "x"}, verifier.ReasonClient},
		{"any audience", func(p *verifier.Policy) {
			p.Audiences, p.AllowAnyAudienceUnsafe, p.AuthorizedParties = nil, true, []string{"client-1"}
		}, nil, object{"aud": []string{}}, ""},
		{"issuer's own audience", func(p *verifier.Policy) { p.Issuers[0].Audiences = []string{"special"} }, nil, nil, verifier.ReasonAudience},
		{"ID token shape allowed", func(p *verifier.Policy) { p.AllowIDTokensUnsafe = true }, nil, object{"at_hash": "x"}, ""},
		{"algorithm not listed", func(p *verifier.Policy) { p.Algorithms = []verifier.Algorithm{verifier.ES256} }, nil, nil, verifier.ReasonAlgorithm},
		{"either name of EdDSA", func(p *verifier.Policy) { p.Algorithms = []verifier.Algorithm{verifier.Ed25519} }, nil, nil, ""},
		{"required claim", func(p *verifier.Policy) { p.RequiredClaims = []string{"sub"} }, nil, nil, ""},
		{"required claim missing", func(p *verifier.Policy) { p.RequiredClaims = []string{"org"} }, nil, nil, verifier.ReasonMissingClaim},
		{"required claim null", func(p *verifier.Policy) { p.RequiredClaims = []string{"org"} }, nil, object{"org": nil}, verifier.ReasonMissingClaim},
		{"lifetime", func(p *verifier.Policy) { p.MaxLifetime = time.Hour + time.Minute }, nil, nil, ""},
		{"lifetime too long", func(p *verifier.Policy) { p.MaxLifetime = time.Hour }, nil, nil, verifier.ReasonLifetime},
		{"lifetime without iat", func(p *verifier.Policy) { p.MaxLifetime = time.Hour }, nil, object{"iat": omit{}}, verifier.ReasonLifetime},
		{"no leeway", func(p *verifier.Policy) { p.Leeway = -1 }, nil, object{"exp": now.Unix()}, verifier.ReasonExpired},
		{"denied key", func(p *verifier.Policy) { p.Issuers[0].DeniedKeys = []string{keyID} }, nil, nil, verifier.ReasonDeniedKey},
		{"RFC 9068", func(p *verifier.Policy) { p.Profile = verifier.ProfileRFC9068 }, object{"typ": "at+jwt"}, rfc9068, ""},
		{"RFC 9068 without typ", func(p *verifier.Policy) { p.Profile = verifier.ProfileRFC9068 }, nil, rfc9068, verifier.ReasonType},
		{"RFC 9068 without client_id", func(p *verifier.Policy) { p.Profile = verifier.ProfileRFC9068 }, object{"typ": "at+jwt"}, nil, verifier.ReasonMissingClaim},
		{"token size", func(p *verifier.Policy) { p.MaxTokenBytes = 100 }, nil, nil, verifier.ReasonTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := goodPolicy()
			tt.policy(&p)
			wantReason(t, newVerifier(t, p), sign(t, with(goodHeader(), tt.header), with(goodClaims(), tt.changes)), tt.want)
		})
	}
}
