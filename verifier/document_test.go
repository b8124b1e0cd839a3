package verifier_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

func documentClaims() object {
	return object{"type": "user.updated", "event_id": "event_1", "data": object{"user": object{"sub": "user-1", "exp": 1}}}
}

func TestVerifyDocument(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	plain := func(changes object) string { return sign(t, goodHeader(), with(documentClaims(), changes)) }
	headed := func(changes object) string { return sign(t, with(goodHeader(), changes), documentClaims()) }
	good := plain(nil)
	parts := strings.Split(good, ".")
	swapped := parts[0] + "." + encode(t, goodClaims()) + "." + parts[2]
	for _, tt := range []struct {
		name, document string
		want           verifier.Reason
	}{
		{"good", good, ""},
		{"without typ", headed(object{"typ": omit{}}), ""},
		{"typ in small letters", headed(object{"typ": "jwt"}), ""},
		{"issued by it", plain(object{"iss": issuerURL}), ""},
		{"issued long ago", plain(object{"iat": 1, "nbf": 1}), ""},
		{"large", plain(object{"data": strings.Repeat("x", 600<<10)}), ""},
		{"wide", plain(object{"data": make([]object, 2000)}), ""},
		{"empty object", sign(t, goodHeader(), "{}"), ""},

		{"access token", sign(t, goodHeader(), goodClaims()), verifier.ReasonNotDocument},
		{"access token by its type", headed(object{"typ": "AT+JWT"}), verifier.ReasonNotDocument},
		{"audience", plain(object{"aud": []string{}}), verifier.ReasonNotDocument},
		{"subject", plain(object{"sub": nil}), verifier.ReasonNotDocument},
		{"authorized party", plain(object{"azp": "x"}), verifier.ReasonNotDocument},
		{"client", plain(object{"client_id": "x"}), verifier.ReasonNotDocument},
		{"scope", plain(object{"scope": ""}), verifier.ReasonNotDocument},
		{"scopes", plain(object{"scp": []string{}}), verifier.ReasonNotDocument},
		{"expiry", plain(object{"exp": "x"}), verifier.ReasonNotDocument},
		{"expiry in capitals", plain(object{"EXP": 1}), verifier.ReasonNotDocument},
		{"subject by folding", plain(object{"\u017fub": "x"}), verifier.ReasonNotDocument},
		{"token of another issuer", plain(object{"iss": "https://other.example.test", "aud": "x"}), verifier.ReasonNotDocument},

		{"another issuer", plain(object{"iss": "https://other.example.test"}), verifier.ReasonIssuer},
		{"issuer in capitals", plain(object{"ISS": issuerURL}), verifier.ReasonIssuer},
		{"issuer null", plain(object{"iss": nil}), verifier.ReasonIssuer},
		{"other type", headed(object{"typ": "logout+jwt"}), verifier.ReasonType},
		{"no algorithm", headed(object{"alg": "none"}), verifier.ReasonAlgorithm},
		{"unknown key", headed(object{"kid": "other"}), verifier.ReasonUnknownKey},
		{"forged", good[:len(good)-4] + "AAAA", verifier.ReasonSignature},
		{"forged, and a token", swapped, verifier.ReasonSignature}, // nothing is told of what is not signed
		{"empty", "", verifier.ReasonOpaque},
		{"no JWS", "{}", verifier.ReasonOpaque},
		{"line end", good + "\n", verifier.ReasonMalformed},
		{"too large", plain(object{"data": strings.Repeat("x", 1<<20)}), verifier.ReasonTooLarge},
		{"list", sign(t, goodHeader(), "[]"), verifier.ReasonMalformed},
		{"text", sign(t, goodHeader(), "hello"), verifier.ReasonMalformed},
		{"name twice", sign(t, goodHeader(), `{"type":"a","type":"b"}`), verifier.ReasonMalformed},
	} {
		payload, err := v.VerifyDocument(t.Context(), issuerURL, tt.document)
		if got := reasonOf(t, err); got != tt.want {
			t.Errorf("%s: reason %q, want %q", tt.name, got, tt.want)
		}
		if (payload == nil) != (err != nil) {
			t.Errorf("%s: payload %.40q with error %v", tt.name, payload, err)
		}
	}
}

func TestDocumentsFollowThePolicysAlgorithms(t *testing.T) {
	p := goodPolicy()
	p.Algorithms = []verifier.Algorithm{verifier.RS256}
	_, err := newVerifier(t, p).VerifyDocument(t.Context(), issuerURL, sign(t, goodHeader(), documentClaims()))
	if got := reasonOf(t, err); got != verifier.ReasonAlgorithm {
		t.Errorf("reason %q", got)
	}
}

// Nothing that Verify accepts passes as a document, nor the reverse.
func TestNoTokenIsADocument(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	v := issuer.Verifier()
	for name, c := range map[string]verifiertest.Claims{
		"user": devissuer.UserClaims(), "machine": devissuer.MachineClaims("read:books"), "ID token": devissuer.IDTokenClaims(),
		"plain": nil, "webhook": devissuer.WebhookClaims(),
	} {
		token := issuer.Token(c)
		_, err := v.VerifyDocument(t.Context(), issuer.URL(), token)
		want := verifier.ReasonNotDocument
		if name == "webhook" {
			want = ""
		}
		if got := reasonOf(t, err); got != want {
			t.Errorf("%s as a document: %q, want %q", name, got, want)
		}
		if _, asToken := v.Verify(t.Context(), token); asToken == nil && err == nil {
			t.Errorf("%s is both", name)
		}
	}
}

func TestDocumentsShareTheKeysOfTokens(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	v := issuer.Verifier()
	if _, err := v.Verify(t.Context(), issuer.Token()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := v.VerifyDocument(t.Context(), issuer.URL(), issuer.Token(devissuer.WebhookClaims())); err != nil {
			t.Fatal(err)
		}
	}
	if n := issuer.Fetches(); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
	if err := v.RevokeKey(t.Context(), issuer.URL(), issuer.KeyID()); err != nil {
		t.Fatal(err)
	}
	_, err := v.VerifyDocument(t.Context(), issuer.URL(), issuer.Token(devissuer.WebhookClaims()))
	if got := reasonOf(t, err); got != verifier.ReasonDeniedKey {
		t.Errorf("under a revoked key: %q", got)
	}
}

func TestDocumentsWhenKeysCannotBeHad(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	issuer.Fail(500)
	v := issuer.Verifier()
	document := issuer.Token(devissuer.WebhookClaims())
	if _, err := v.VerifyDocument(t.Context(), issuer.URL(), document); !errors.Is(err, verifier.ErrUnavailable) {
		t.Errorf("during an outage: %v", err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := v.VerifyDocument(t.Context(), issuer.URL(), document)
	if got := reasonOf(t, err); got != verifier.ReasonClosed {
		t.Errorf("after Close: %q", got)
	}
}

func TestDocumentsOfIssuers(t *testing.T) {
	document := sign(t, goodHeader(), documentClaims())
	_, err := newVerifier(t, goodPolicy()).VerifyDocument(t.Context(), issuerURL+"/", document)
	if got := reasonOf(t, err); got != verifier.ReasonMisconfigured {
		t.Errorf("an issuer that is not in use: %q", got)
	}
	resolver := func(_ context.Context, iss string) (verifier.Issuer, bool, error) {
		return verifier.Issuer{URL: iss, StaticJWKS: testKey().jwks}, iss == issuerURL, nil
	}
	v := newVerifier(t, verifier.Policy{Audiences: []string{audience}}, verifier.WithIssuerResolver(resolver))
	if _, err := v.VerifyDocument(t.Context(), issuerURL, document); err != nil {
		t.Errorf("a tenant: %v", err)
	}
	_, err = v.VerifyDocument(t.Context(), "https://other.example.test", document)
	if got := reasonOf(t, err); got != verifier.ReasonIssuer {
		t.Errorf("no tenant: %q", got)
	}
}

func TestDocumentsBelongToTheCaller(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	compact := []byte(sign(t, goodHeader(), documentClaims()))
	payload, err := v.VerifyDocument(t.Context(), issuerURL, unsafeString(compact))
	if err != nil {
		t.Fatal(err)
	}
	clear(compact)
	if !strings.Contains(string(payload), `"event_1"`) {
		t.Errorf("payload %q changed with the caller's memory", payload)
	}
}
