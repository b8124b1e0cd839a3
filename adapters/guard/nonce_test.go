package guard_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

func TestDPoPNonce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secret := []byte(strings.Repeat("s", 32))
		g, issuer := newGuard(t, guard.WithDPoP(guard.DPoP{NonceSecret: secret, NonceLife: time.Minute}))
		p := newProver(t)
		token := p.token(t, issuer)
		ask := func(c claims) guard.Decision {
			return g.Check(t.Context(), proven("DPoP "+token, p.prove(t, token, c)))
		}
		nonceOf := func(d guard.Decision) string {
			values := d.Header().Values("DPoP-Nonce")
			if len(values) != 1 || values[0] == "" || d.Header().Get("Cache-Control") != "no-store" {
				t.Fatalf("header %v", d.Header())
			}
			return values[0]
		}
		first := ask(nil)
		wantReason(t, "first", first, verifier.ReasonProofNonce)
		if c := first.Header().Values("WWW-Authenticate"); len(c) != 2 || !strings.Contains(c[1], `DPoP realm="api", error="use_dpop_nonce"`) {
			t.Errorf("challenges %q", c)
		}
		nonce := nonceOf(first)
		wantReason(t, "second", ask(claims{"nonce": nonce}), "")
		wantReason(t, "wrong clock", ask(claims{"nonce": nonce, "iat": 1}), "")
		wantReason(t, "guessed", ask(claims{"nonce": strings.Repeat("A", len(nonce))}), verifier.ReasonProofNonce)
		replayed := p.prove(t, token, claims{"nonce": nonce})
		wantReason(t, "new", g.Check(t.Context(), proven("DPoP "+token, replayed)), "")
		time.Sleep(59 * time.Second)
		wantReason(t, "used", g.Check(t.Context(), proven("DPoP "+token, replayed)), verifier.ReasonProofReplayed)
		wantReason(t, "still good", ask(claims{"nonce": nonce}), "")
		time.Sleep(2 * time.Second)
		wantReason(t, "expired", ask(claims{"nonce": nonce}), verifier.ReasonProofNonce)
		anonymous := g.Check(t.Context(), authorized()) // saves the client a request
		wantReason(t, "from the first challenge", ask(claims{"nonce": nonceOf(anonymous)}), "")
		again, other := nonceOf(anonymous), nonceOf(ask(nil))
		if again != nonceOf(anonymous) || again != other {
			t.Error("asking the Decision changes the nonce")
		}
		if forbidden := g.Check(t.Context(), proven("DPoP "+token, p.prove(t, token, claims{"nonce": again})), verifier.Scopes("admin")); forbidden.
			Status() != http.StatusForbidden || forbidden.Header().Get("DPoP-Nonce") != "" {
			t.Errorf("forbidden: %v", forbidden.Header())
		}
	})
}
