package e2e_test

import (
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// The server's nonce takes the place of the client's clock (RFC 9449 §9).
func TestDPoPNonceOfTheServer(t *testing.T) {
	env := []string{"BOUNDAPI_NONCE_SECRET=a secret of all replicas, for tests"}
	p, ca, a := bind(t, env, "-dpop")
	key := newProver(t, jose.ES256)
	token := p.bound(key, resource+"Ed25519", scopes)
	useNonce := refused("dpop_nonce", "DPoP use_dpop_nonce")

	header := a.want("a proof without nonce", proven(token, a.prove(key, token, nil)), useNonce)
	nonce := header.Get("DPoP-Nonce")
	if nonce == "" || header.Get("Cache-Control") != "no-store" {
		t.Fatalf("no nonce to go on with, or one for everybody: %v", header)
	}
	proof := a.prove(key, token, claims{"nonce": nonce})
	a.want("with the nonce", proven(token, proof), accepted())
	a.want("the same proof again", proven(token, proof), badProof("dpop_replayed"))
	a.want("the nonce in another proof, of a client without a clock", proven(token,
		a.prove(key, token, claims{"nonce": nonce, "iat": time.Now().Add(-24 * time.Hour).Unix()})), accepted())
	a.want("a nonce that was guessed", proven(token, a.prove(key, token, claims{"nonce": strings.Repeat("A", len(nonce))})), useNonce)
	a.want("a nonce in another case", proven(token, a.prove(key, token, claims{"nonce": swapped(nonce)})), useNonce)

	anonymous := a.want("no credentials", call{}, refused("", ""))
	a.want("the nonce of a first challenge", proven(token,
		a.prove(key, token, claims{"nonce": anonymous.Get("DPoP-Nonce")})), accepted())

	replica := startAPI(p, ca, env, "-dpop")
	replica.want("the nonce of another replica", proven(token, replica.prove(key, token, claims{"nonce": nonce})), accepted())
	stranger := startAPI(p, ca, []string{"BOUNDAPI_NONCE_SECRET=another secret, of somebody else's API"}, "-dpop")
	stranger.want("the nonce of another API", proven(token, stranger.prove(key, token, claims{"nonce": nonce})), useNonce)
	if a.want("a bad token", bearer("undefined"), refused("placeholder", "Bearer invalid_token")).Get("DPoP-Nonce") == "" {
		t.Error("a client that begins with Bearer gets no nonce")
	}
	good := proven(token, a.prove(key, token, claims{"nonce": nonce}))
	if a.want("the first nonce, still", good, accepted()).Get("DPoP-Nonce") != "" {
		t.Error("a request that passes gets a nonce that nobody needs")
	}
}

// swapped changes the case of every letter.
func swapped(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return c - 'a' + 'A'
		case c >= 'A' && c <= 'Z':
			return c - 'A' + 'a'
		default:
			return c
		}
	}, s)
}
