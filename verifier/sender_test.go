package verifier_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// A token names addresses as it likes. None of them is asked, whoever signed it.
func TestNoAddressInATokenIsAsked(t *testing.T) {
	var asked atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer elsewhere.Close()
	iss := tenant(t, "http://127.0.0.1")
	server := httptest.NewServer(iss) // over a real client, which could reach both
	defer server.Close()
	v := verifierOf(t, nil, verifier.Issuer{URL: "http://127.0.0.1", JWKSURL: server.URL + "/.well-known/jwks"})
	wantReason(t, v, mint(t, iss, nil), "")
	stranger := tenant(t, elsewhere.URL)
	payload, err := iss.Payload(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, signer := range map[string]*devissuer.Key{"the issuer": iss.Key(), "a stranger": stranger.Key()} {
		for _, member := range []string{"jku", "x5u", "iss", "kid", "url", "jwks_uri"} {
			header, err := json.Marshal(object{"alg": "Ed25519", "kid": signer.ID(), member: elsewhere.URL + "/jwks"})
			if err != nil {
				t.Fatal(err)
			}
			token, err := iss.SignWith(signer, header, payload)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = v.Verify(t.Context(), token) // the issuer's own members that mean nothing are no fault
			if n := asked.Load(); n != 0 {
				t.Fatalf("%s, signed by %s: %d requests", member, name, n)
			}
		}
	}
	wantReason(t, v, mint(t, stranger, devissuer.Claims{"jwks_uri": elsewhere.URL}), verifier.ReasonIssuer)
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests to the iss of a token", n)
	}
}

// headers notes what is sent to the issuer.
type headers struct {
	http.RoundTripper
	sent []http.Header
}

func (h *headers) RoundTrip(r *http.Request) (*http.Response, error) {
	h.sent = append(h.sent, r.Header.Clone())
	return h.RoundTripper.RoundTrip(r)
}

// A fetch that a request causes carries nothing of that request: not its trace, not its
// baggage. Global state is put back.
func TestFetchesCarryNothingOfTheRequest(t *testing.T) {
	before := otel.GetTextMapPropagator()
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	defer otel.SetTextMapPropagator(before)
	member, err := baggage.NewMember("tenant", "s3cr3t")
	if err != nil {
		t.Fatal(err)
	}
	bag, err := baggage.New(member)
	if err != nil {
		t.Fatal(err)
	}
	ctx := trace.ContextWithRemoteSpanContext(baggage.ContextWithBaggage(t.Context(), bag), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{0xab, 0xcd}, SpanID: trace.SpanID{0xef}, TraceFlags: trace.FlagsSampled, Remote: true,
	}))
	iss := tenant(t, issuerURL)
	seen := &headers{RoundTripper: iss.RoundTripper()}
	v := verifierOf(t, nil, verifier.Issuer{URL: issuerURL, HTTPClient: &http.Client{Transport: seen}})
	if _, err := v.Verify(ctx, mint(t, iss, nil)); err != nil {
		t.Fatal(err)
	}
	if len(seen.sent) < 2 {
		t.Errorf("%d requests, want those for metadata and keys", len(seen.sent))
	}
	for _, h := range seen.sent {
		for name, values := range h {
			text := strings.Join(values, " ")
			if strings.Contains(text, "s3cr3t") || strings.Contains(text, "abcd0000") || name == "Baggage" || name == "Authorization" {
				t.Errorf("sent %s: %s", name, text)
			}
		}
	}
}

// What metadata says about algorithms is about other tokens, and anybody's guess: it neither
// adds to the policy nor takes away (RFC 8725 §3.1).
func TestMetadataSaysNothingAboutAlgorithms(t *testing.T) {
	iss := tenant(t, issuerURL)
	metadata, err := json.Marshal(object{
		"issuer": issuerURL, "jwks_uri": iss.JWKSURL(), "id_token_signing_alg_values_supported": []string{"none", "HS256", "RS256"},
	})
	if err != nil {
		t.Fatal(err)
	}
	iss.SetDiscovery(metadata)
	v := verifierOf(t, nil, fromIssuer(iss))
	good := mint(t, iss, nil)
	wantReason(t, v, good, "") // Ed25519, which metadata does not list
	payload := strings.Split(good, ".")[1]
	mac := hmac.New(sha256.New, iss.Key().JWK())
	input := encode(t, object{"alg": "HS256", "kid": iss.Key().ID()}) + "." + payload
	mac.Write([]byte(input))
	for _, token := range []string{
		encode(t, object{"alg": "none"}) + "." + payload + ".", input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)),
	} {
		wantReason(t, v, token, verifier.ReasonAlgorithm)
	}
}

// An issuer that publishes a symmetric key, or whose key set somebody could add one to, does not
// make HMAC an algorithm.
func TestPublishedSymmetricKeysVerifyNothing(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789abcdef")
	p := goodPolicy()
	p.Issuers[0].StaticJWKS = []byte(strings.TrimSuffix(string(testKey().jwks), "]}") +
		`,{"kty":"oct","kid":"mac","alg":"HS256","use":"sig","k":"` + base64.RawURLEncoding.EncodeToString(secret) + `"}]}`)
	v := newVerifier(t, p)
	wantReason(t, v, sign(t, goodHeader(), goodClaims()), "")
	for _, kid := range []string{"mac", keyID} {
		input := encode(t, object{"alg": "HS256", "kid": kid}) + "." + encode(t, goodClaims())
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		wantReason(t, v, input+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), verifier.ReasonAlgorithm)
	}
	wantReason(t, v, sign(t, with(goodHeader(), object{"kid": "mac"}), goodClaims()), verifier.ReasonUnusableKey)
}

// The algorithms of an issuer are those of its own keys: what another issuer may use, it may not.
func TestAlgorithmsAreThoseOfTheIssuersKeys(t *testing.T) {
	first := tenant(t, "https://first.example.test")
	second, err := devissuer.New("https://second.example.test", devissuer.WithAlgorithm(devissuer.ES256), devissuer.WithAudience(audience))
	if err != nil {
		t.Fatal(err)
	}
	v := verifierOf(t, nil, fromIssuer(first), fromIssuer(second))
	wantReason(t, v, mint(t, first, nil), "")
	wantReason(t, v, mint(t, second, nil), "")
	payload, err := first.Payload(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, kid := range map[string]string{"under the first's kid": first.Key().ID(), "without kid": ""} {
		header, err := json.Marshal(object{"alg": "ES256", "kid": kid})
		if err != nil {
			t.Fatal(err)
		}
		token, err := first.SignWith(second.Key(), header, payload)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := v.Verify(t.Context(), token); got != nil || reasonOf(t, err) == verifier.ReasonSignature {
			t.Errorf("%s: token %v, error %v", name, got, err)
		}
	}
}

// Whatever a policy loosens, and all of it together: the signature is checked.
func TestNothingTurnsTheSignatureOff(t *testing.T) {
	p := goodPolicy()
	p.Audiences, p.AllowAnyAudienceUnsafe, p.AuthorizedParties, p.AllowIDTokensUnsafe = nil, true, []string{"client-1"}, true
	p.Issuers[0].AllowHTTPUnsafe = true
	v := newVerifier(t, p)
	good := sign(t, goodHeader(), goodClaims())
	wantReason(t, v, good, "")
	wantReason(t, v, good[:len(good)-4]+"AAAA", verifier.ReasonSignature)
	parts := strings.Split(good, ".")
	wantReason(t, v, encode(t, object{"alg": "none"})+"."+parts[1]+".", verifier.ReasonAlgorithm)
	wantReason(t, v, parts[0]+"."+parts[1]+".", verifier.ReasonMalformed)
	if got := v.Explain(context.Background(), good[:len(good)-4]+"AAAA").Reason; got != verifier.ReasonSignature {
		t.Errorf("explained as %q", got)
	}
}

// The twin (r, n-s) of an ECDSA signature makes the same token in other bytes. It is accepted,
// as the mathematics has it, and gains nobody anything: it says the same, and is revoked by jti.
func TestTwinOfATokenSaysTheSame(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "ec"}}})
	if err != nil {
		t.Fatal(err)
	}
	p := goodPolicy()
	p.Issuers[0].StaticJWKS = set
	var asked []string
	v := newVerifier(t, p, verifier.WithTokenCache(10), verifier.WithRevocation(func(_ context.Context, token *verifier.Token) (bool, error) {
		asked = append(asked, token.ID())
		return len(asked) > 2, nil
	}))
	input := encode(t, object{"alg": "ES256", "kid": "ec"}) + "." + encode(t, goodClaims())
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	compact := func(s *big.Int) string {
		signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		return input + "." + base64.RawURLEncoding.EncodeToString(signature)
	}
	token, twin := compact(s), compact(new(big.Int).Sub(key.Params().N, s))
	wantReason(t, v, token, "")
	wantReason(t, v, twin, "")
	wantReason(t, v, twin, verifier.ReasonRevoked)
	if !slices.Equal(asked, []string{"id-1", "id-1", "id-1"}) || token == twin {
		t.Errorf("the hook was asked about %q", asked)
	}
}
