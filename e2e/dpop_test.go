package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

func TestDPoPTokenNeedsAFreshProof(t *testing.T) {
	p, _, a := bind(t, nil, "-dpop")
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA} {
		t.Run(string(alg), func(t *testing.T) {
			key, other := newProver(t, alg), newProver(t, alg)
			token, second := p.bound(key, resource+"ES256", scopes), p.bound(key, resource+"ES256", scopes)
			proof := a.prove(key, token, nil)
			a.want("a fresh proof", proven(token, proof), accepted())
			a.want("the same proof again", proven(token, proof), badProof("dpop_replayed"))
			a.want("another proof", proven(token, a.prove(key, token, nil)), accepted())
			a.want("the scheme in another case", call{authorization: "dpop " + token, proofs: []string{a.prove(key, token, nil)}}, accepted())
			a.want("a query that the proof does not name", call{
				url: a.url + "?page=2", authorization: "DPoP " + token, proofs: []string{a.prove(key, token, nil)},
			}, accepted())

			now := time.Now()
			for what, tt := range map[string]struct {
				proofs []string
				want   verdict
			}{
				"no proof":                  {nil, badProof("dpop_missing")},
				"two proofs":                {[]string{a.prove(key, token, nil), a.prove(key, token, nil)}, badProof("dpop_malformed")},
				"the token as the proof":    {[]string{token}, badProof("dpop_malformed")},
				"for another method":        {[]string{key.prove(http.MethodPost, a.url, token, nil)}, badProof("dpop_method")},
				"for another path":          {[]string{key.prove(http.MethodGet, a.url+"/1", token, nil)}, badProof("dpop_url")},
				"for another host":          {[]string{key.prove(http.MethodGet, "https://elsewhere.example/books", token, nil)}, badProof("dpop_url")},
				"for plain http":            {[]string{key.prove(http.MethodGet, strings.Replace(a.url, "https", "http", 1), token, nil)}, badProof("dpop_url")},
				"without ath":               {[]string{key.prove(http.MethodGet, a.url, "", nil)}, badProof("dpop_malformed")},
				"for another token":         {[]string{a.prove(key, second, nil)}, badProof("dpop_token")},
				"too old":                   {[]string{a.prove(key, token, claims{"iat": now.Add(-2 * time.Minute).Unix()})}, badProof("dpop_time")},
				"from the future":           {[]string{a.prove(key, token, claims{"iat": now.Add(2 * time.Minute).Unix()})}, badProof("dpop_time")},
				"without iat":               {[]string{a.prove(key, token, claims{"iat": nil})}, badProof("dpop_malformed")},
				"without jti":               {[]string{a.prove(key, token, claims{"jti": nil})}, badProof("dpop_malformed")},
				"with an altered signature": {[]string{altered(a.prove(key, token, nil))}, badProof("dpop_signature")},
				// The proof is good; it is the token that is somebody else's.
				"with another key": {[]string{a.prove(other, token, nil)}, refused("binding", "Bearer invalid_token, DPoP invalid_token")},
			} {
				a.want("a proof "+what, proven(token, tt.proofs...), tt.want)
			}
		})
	}
}

// A binding is worth nothing if the token passes without it.
func TestDPoPSchemesAreNotInterchangeable(t *testing.T) {
	p, ca, a := bind(t, nil, "-dpop")
	key := newProver(t, jose.ES256)
	bound, plain, foreign := p.bound(key, resource+"ES256", scopes), p.token(resource+"ES256", scopes), p.bound(key, stranger, scopes)
	const both = "Bearer invalid_token, DPoP invalid_token"
	a.want("a bound token as Bearer", bearer(bound), refused("binding", both))
	a.want("a bound token as Bearer, with a proof", call{
		authorization: "Bearer " + bound, proofs: []string{a.prove(key, bound, nil)},
	}, refused("binding", both))
	a.want("a plain token under DPoP", proven(plain, a.prove(key, plain, nil)), refused("unbound", both))
	a.want("a plain token as Bearer", bearer(plain), accepted())
	bad := altered(bound)
	a.want("an altered token", proven(bad, a.prove(key, bad, nil)), refused("signature", "DPoP invalid_token"))
	a.want("a token for somebody else", proven(foreign, a.prove(key, foreign, nil)), refused("audience", "DPoP invalid_token"))

	unaware := startAPI(p, ca, nil)
	unaware.want("a bound token as Bearer, where no binding is known", bearer(bound), refused("binding", "Bearer invalid_token"))
	unaware.want("the scheme DPoP, where it is not known", proven(bound, unaware.prove(key, bound, nil)), refused("", ""))
}

// A proof is used up by a request that passes, and by nothing else.
func TestDPoPProofOfARefusedRequestIsNotUsedUp(t *testing.T) {
	p, _, a := bind(t, nil, "-dpop")
	key := newProver(t, jose.EdDSA)
	post := func(token string) call {
		return call{method: http.MethodPost, authorization: "DPoP " + token, proofs: []string{key.prove(http.MethodPost, a.url, token, nil)}}
	}
	reading, writing := post(p.bound(key, resource+"Ed25519", "read:books")), post(p.bound(key, resource+"Ed25519", scopes))
	for range 2 {
		a.want("writing without the scope", reading, verdict{http.StatusForbidden, "scope", "DPoP insufficient_scope"})
	}
	a.want("writing", writing, verdict{http.StatusCreated, "", ""})
	a.want("writing again", writing, badProof("dpop_replayed"))
}
