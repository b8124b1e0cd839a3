package verifier_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier"
)

// brokenToken is a mistake, with what Explain has to name first.
type brokenToken struct {
	name      string
	token     string
	diagnosis string
	measure   string // part of the cause
}

// explained checks the first thing that a report says of each.
func explained(t *testing.T, v *verifier.Verifier, cases []brokenToken) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			r := v.Explain(t.Context(), tt.token)
			if r.Accepted || r.Diagnosis != tt.diagnosis || !strings.Contains(r.Cause, tt.measure) {
				t.Errorf("diagnosis %q, want %q with %q\n%s", r.Diagnosis, tt.diagnosis, tt.measure, r)
			}
			if cause, fixes := verifier.TextOf(tt.diagnosis); !strings.HasPrefix(r.Cause, cause) || len(fixes) != len(r.Fixes) {
				t.Errorf("other words than those of %s:\n%s", tt.diagnosis, r)
			}
		})
	}
}

func TestExplainNamesWhatIsWrongWithTheForm(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	good := sign(t, goodHeader(), goodClaims())
	parts := strings.Split(good, ".")
	explained(t, v, []brokenToken{
		{"nothing", "", "empty", ""},
		{"white space alone", " \n", "empty", ""},
		{"undefined", "undefined", "undefined", ""},
		{"the header of undefined", "Bearer undefined", "undefined", ""},
		{"null", "null", "null", ""},
		{"a quoted null", `"null"`, "null", ""},
		{"an object", "[object Object]", "object", ""},
		{"a promise", "[object Promise]", "promise", ""},
		{"not a number", "NaN", "placeholder", ""},
		{"Bearer in the token", "Bearer " + good, "scheme_in_token", ""},
		{"a whole header", "Authorization: Bearer " + good, "scheme_in_token", ""},
		{"quotes", `"` + good + `"`, "quoted", ""},
		{"a line end", good + "\n", "white_space", ""},
		{"a line break within", good[:70] + "\r\n" + good[70:], "white_space", ""},
		{"a token response", `{"access_token":"` + good + `"}`, "json", ""},
		{"a page", "<!doctype html>", "html", ""},
		{"a password", "Basic dXNlcjpwYXNz", "basic_credentials", ""},
		{"an API key", "k_live_0123456789abcdef", "api_key", ""},
		{"an opaque token", "v1.MZ0123456789abcdef", "opaque", ""},
		{"a refresh token", "fnvqXQd9nRkQzJ7aLH3l0Q", "opaque", ""},
		{"an encrypted token", "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d", "encrypted", ""},
		{"two parts", parts[0] + "." + parts[1], "cut", ""},
		{"a shortened display", good[:40] + "...", "cut", ""},
		{"half a payload", parts[0] + "." + parts[1][:21] + ".", "no_signature", ""},
		{"half a signature", good[:len(good)-40], "cut", ""},
		{"padding", parts[0] + "=." + parts[1] + "." + parts[2], "re_encoded", ""},
		{"another base64", parts[0] + "." + parts[1] + ".+/" + parts[2][2:], "re_encoded", ""},
		{"no signature", parts[0] + "." + parts[1] + ".", "no_signature", ""},
		{"a long one", strings.Repeat("x", 17<<10), "too_large", ""},
		{"no JSON", sign(t, goodHeader(), "x"), "malformed", ""},
		{"a changed payload", parts[0] + "." + encode(t, with(goodClaims(), object{"sub": "root"})) + "." + parts[2], "signature", ""},
	})
}

func TestExplainNamesWhatIsWrongWithTheHeader(t *testing.T) {
	header := func(changes object) string { return sign(t, with(goodHeader(), changes), goodClaims()) }
	explained(t, newVerifier(t, goodPolicy()), []brokenToken{
		{"alg none", header(object{"alg": "none"}), "algorithm_none", ""},
		{"a shared secret", header(object{"alg": "HS256"}), "algorithm_symmetric", ""},
		{"an invented algorithm", header(object{"alg": "RS1"}), "algorithm", ""},
		{"a key in the header", header(object{"jwk": object{"kty": "OKP"}}), "header_key", ""},
		{"an extension", header(object{"crit": []string{"x"}}), "header_extension", ""},
		{"a DPoP proof", header(object{"typ": "dpop+jwt"}), "dpop_proof", ""},
		{"a token in a token", header(object{"cty": "JWT"}), "nested", ""},
		{"a logout token", header(object{"typ": "logout+jwt"}), "token_type", ""},
		{"a key that is not there", header(object{"kid": "key-2"}), "unknown_key", ""},
	})
	p := goodPolicy()
	p.Algorithms, p.Profile = []verifier.Algorithm{verifier.EdDSA}, verifier.ProfileRFC9068
	explained(t, newVerifier(t, p), []brokenToken{
		{"an algorithm left out", header(object{"alg": "RS256"}), "algorithm_not_listed", ""},
		{"typ JWT under RFC 9068", header(nil), "type_plain", ""},
	})
}

func TestExplainNamesHowAnIssuerDiffers(t *testing.T) {
	issuer := func(iss any) string { return sign(t, goodHeader(), with(goodClaims(), object{"iss": iss})) }
	p := goodPolicy() // https://bookshop.example.test
	p.Issuers = append(p.Issuers, verifier.Issuer{URL: "http://127.0.0.1:9000/realms/a", StaticJWKS: testKey().jwks})
	explained(t, newVerifier(t, p), []brokenToken{
		{"none", issuer(omit{}), "issuer_absent", ""},
		{"a slash", issuer(issuerURL + "/"), "issuer_slash", ""},
		{"capitals", issuer("https://Bookshop.example.test"), "issuer_case", ""},
		{"http", issuer("http://bookshop.example.test"), "issuer_scheme", ""},
		{"no scheme", issuer("bookshop.example.test"), "issuer_scheme", ""},
		{"white space", issuer(issuerURL + " "), "issuer_space", ""},
		{"another port", issuer("https://bookshop.example.test:8443"), "issuer_port", ""},
		{"another realm", issuer("http://127.0.0.1:9000/realms/b"), "issuer_path", ""},
		{"another environment", issuer("https://bookshop-staging.example.test"), "issuer_tenant", ""},
		{"a development issuer", issuer("http://localhost:8088"), "issuer_development", ""},
		{"something else", sign(t, goodHeader(), with(goodClaims(), object{"iss": 7})), "issuer_absent", ""},
	})
	p = goodPolicy()
	p.Issuers[0].URL = "https://auth.bookshop.example"
	explained(t, newVerifier(t, p), []brokenToken{
		{"the provider's own domain", issuer("https://bookshop.kinde.com"), "issuer_provider_domain", ""},
		{"a stranger", issuer("https://login.stranger.example"), "issuer", ""},
	})
	p.Issuers[0].URL = "https://bookshop.kinde.com"
	explained(t, newVerifier(t, p), []brokenToken{
		{"a custom domain", issuer("https://auth.bookshop.example"), "issuer_custom_domain", ""},
		{"another tenant", issuer("https://library.kinde.com"), "issuer_tenant", ""},
	})
}

func TestExplainNamesWhatIsWrongWithTheClaims(t *testing.T) {
	claims := func(changes object) string { return sign(t, goodHeader(), with(goodClaims(), changes)) }
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	p := goodPolicy()
	p.AuthorizedParties, p.RequiredClaims, p.MaxLifetime = []string{"client-1"}, []string{"sub", "org"}, 48*time.Hour
	explained(t, newVerifier(t, p), []brokenToken{
		{"expired", claims(object{"exp": at(-3*time.Hour - 5*time.Minute)}), "expired", "3h5m ago"},
		{"expired long ago", claims(object{"exp": at(-72 * time.Hour)}), "expired", "3 days ago"},
		{"no exp", claims(object{"exp": omit{}}), "no_expiry", ""},
		{"not yet", claims(object{"nbf": at(10 * time.Minute)}), "not_yet_valid", "for another 10m0s"},
		{"a clock behind", claims(object{"iat": at(3*time.Minute + 20*time.Second), "nbf": at(200 * time.Second)}), "clock_behind", "3m20s ahead of this machine"},
		{"local time", claims(object{"iat": at(2 * time.Hour), "exp": at(3 * time.Hour)}), "clock_zone", "2h0m ahead"},
		{"a zone with half an hour", claims(object{"iat": at(330*time.Minute + 40*time.Second), "exp": at(9 * time.Hour)}), "clock_zone", "5h30m ahead"},
		{"far ahead", claims(object{"iat": at(100 * time.Minute), "exp": at(3 * time.Hour)}), "clock_behind", "1h40m"},
		{"a long life", claims(object{"exp": at(100 * time.Hour)}), "lifetime", "4 days"},
		{"a life without beginning", claims(object{"iat": omit{}}), "lifetime_unknown", ""},
		{"milliseconds", claims(object{"exp": at(time.Hour) * 1000}), "milliseconds", "exp"},
		{"a date as text", claims(object{"exp": "tomorrow"}), "malformed_claim", "exp"},
		{"an ID token", claims(object{"at_hash": "x", "aud": "client-1"}), "id_token", ""},
		{"a refresh token of Keycloak", claims(object{"typ": "Refresh"}), "refresh_token", ""},
		{"an ID token of Cognito", claims(object{"token_use": "id"}), "id_token", ""},
		{"a webhook", sign(t, goodHeader(), object{"event_id": "e", "type": "user.created", "data": object{}}), "webhook", ""},
		{"aud empty", claims(object{"aud": []string{}}), "audience_empty", ""},
		{"aud absent", claims(object{"aud": omit{}}), "audience_absent", ""},
		{"aud with a slash", claims(object{"aud": audience + "/"}), "audience_slash", ""},
		{"aud in capitals", claims(object{"aud": "https://API.example.test"}), "audience_case", ""},
		{"aud over http", claims(object{"aud": "http://api.example.test"}), "audience_scheme", ""},
		{"aud with a space", claims(object{"aud": []string{audience + " "}}), "audience_space", ""},
		{"aud of the client", claims(object{"aud": "client-1"}), "audience_client", ""},
		{"aud of the management API", claims(object{"aud": issuerURL + "/api"}), "audience_issuer", ""},
		{"aud of others", claims(object{"aud": "https://stranger.example"}), "audience", ""},
		{"another client", claims(object{"azp": "client-2"}), "client", ""},
		{"no client", claims(object{"azp": omit{}}), "client_absent", ""},
		{"a claim missing", claims(nil), "missing_claim", "(org)"},
		{"bound to a key", claims(object{"org": 1, "cnf": object{"jkt": "x"}}), "bound_to_dpop", ""},
		{"bound to a certificate", claims(object{"org": 1, "cnf": object{"x5t#S256": "x"}}), "bound_to_certificate", ""},
		{"bound by other means", claims(object{"org": 1, "cnf": object{"jwk": "x"}}), "binding", ""},
	})
	r := newVerifier(t, goodPolicy()).Explain(t.Context(), claims(object{"cnf": object{"jkt": "x"}}), verifier.Confirmed(verifier.Confirmation{JWKThumbprint: "y"}))
	if r.Diagnosis != "bound_to_another" {
		t.Errorf("bound to another key: %s", r)
	}
}
