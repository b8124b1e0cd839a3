package e2e_test

import (
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/keychorus/keychorus/keystore/redis/redisserver"
)

// origin is what callers see in front of every replica, so that one proof fits them all.
const origin = "https://api.bookstore.example"

// replicas starts two processes of one API.
func replicas(t *testing.T, args ...string) (p *provider, one, other *api) {
	t.Helper()
	env := []string{"BOUNDAPI_FLEET_SECRET=a secret of the fleet, for tests"}
	args = append([]string{"-dpop", "-origin", origin}, args...)
	p, ca, one := bind(t, env, args...)
	return p, one, startAPI(p, ca, env, args...)
}

// fresh returns a call with a proof that every replica would accept.
func fresh(key *prover, token string) call {
	return proven(token, key.prove("GET", origin+"/books", token, nil))
}

func TestDPoPReplayAcrossReplicas(t *testing.T) {
	server, err := redisserver.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	p, one, other := replicas(t, "-redis", server.Addr())
	key := newProver(t, jose.ES256)
	token, plain := p.bound(key, resource+"ES256", scopes), p.token(resource+"ES256", scopes)

	there, back := fresh(key, token), fresh(key, token)
	one.want("a proof", there, accepted())
	other.want("the same proof, on another replica", there, badProof("dpop_replayed"))
	one.want("the same proof, where it was used", there, badProof("dpop_replayed"))
	other.want("another proof", back, accepted())
	one.want("that one, on the first replica", back, badProof("dpop_replayed"))

	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, a := range []*api{one, other} {
		a.want("a fresh proof without Redis", fresh(key, token), unavailable("replay_unavailable"))
		a.want("a used proof without Redis", there, unavailable("replay_unavailable"))
		a.want("a bad proof without Redis", proven(token, a.prove(key, token, nil)), badProof("dpop_url"))
		a.want("a plain token without Redis", bearer(plain), accepted())
	}
	one.stop()
	other.stop()
}

// What Redis is for: replicas that do not share it take one proof once each.
func TestDPoPReplayIsSeenByEachReplicaAlone(t *testing.T) {
	p, one, other := replicas(t)
	key := newProver(t, jose.ES256)
	token := p.bound(key, resource+"ES256", scopes)
	proof := fresh(key, token)
	for _, a := range []*api{one, other} {
		a.want("a proof, for the first time here", proof, accepted())
		a.want("the same proof again", proof, badProof("dpop_replayed"))
	}
}
