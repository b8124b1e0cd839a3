package verifiertest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
	"github.com/keychorus/keychorus/verifier/kinde"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

// asKinde verifies as an API behind Kinde does.
func asKinde(t *testing.T, issuer *verifiertest.Issuer) *verifier.Verifier {
	t.Helper()
	policy, err := kinde.Policy(kinde.Config{Domain: issuer.URL(), Audiences: []string{verifiertest.Audience}})
	if err != nil {
		t.Fatal(err)
	}
	policy.Issuers[0].HTTPClient = issuer.Client()
	v, err := verifier.New(policy)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v
}

func TestShapesOfKinde(t *testing.T) {
	issuer := verifiertest.NewIssuer(t, verifiertest.WithURL("https://bookshop.kinde.com"))
	v := asKinde(t, issuer)
	refused := map[verifiertest.Shape]verifier.Reason{
		verifiertest.KindeNoAudience: verifier.ReasonNoAudience, verifiertest.KindeManagement: verifier.ReasonAudience,
		verifiertest.KindeIDToken: verifier.ReasonWrongKind, verifiertest.KindeWebhook: verifier.ReasonIssuer,
	}
	principals := map[verifiertest.Shape]kinde.Principal{
		verifiertest.KindeUser: kinde.User, verifiertest.KindeOrganization: kinde.User, verifiertest.KindeHasura: kinde.User,
		verifiertest.KindeEmptied: kinde.User, verifiertest.KindeCustomized: kinde.User, verifiertest.KindeMachine: kinde.Machine,
		verifiertest.KindeOrganizationMachine: kinde.Machine, verifiertest.KindeOlderMachine: kinde.Machine,
	}
	for _, s := range devissuer.Shapes() {
		token, err := v.Verify(t.Context(), issuer.Token(issuer.Kinde(s)))
		if got := reasonOf(err); got != refused[s] {
			t.Errorf("%s: reason %q, want %q", s, got, refused[s])
		}
		if err != nil {
			continue
		}
		claims, err := kinde.ClaimsOf(token)
		if err != nil {
			t.Fatal(err)
		}
		if claims.Principal() != principals[s] || len(claims.Problems()) != 0 {
			t.Errorf("%s: principal %v, problems %v", s, claims.Principal(), claims.Problems())
		}
	}
}

// The claims of a shape can be told from those of others by what kinde reads.
func TestShapesAsKindeReadsThem(t *testing.T) {
	issuer := verifiertest.NewIssuer(t)
	read := func(s verifiertest.Shape, more ...verifiertest.Claims) *kinde.Claims {
		claims, err := kinde.ClaimsOf(issuer.Verified(append([]verifiertest.Claims{issuer.Kinde(s)}, more...)...))
		if err != nil {
			t.Fatal(err)
		}
		return claims
	}
	for name, ok := range map[string]bool{
		"no organisation":      read(verifiertest.KindeUser).Org.Code == "",
		"organisation":         read(verifiertest.KindeOrganization).Org.Code != "",
		"hasura, organisation": read(verifiertest.KindeHasura).Org == read(verifiertest.KindeOrganization).Org,
		"hasura, permissions":  read(verifiertest.KindeHasura).Permissions.HasAll("read:books", "write:books"),
		"emptied":              read(verifiertest.KindeEmptied).Permissions.Present() && read(verifiertest.KindeEmptied).Permissions.Len() == 0,
		"never there":          !read(verifiertest.KindeUser).Permissions.Present(),
		"customized roles":     read(verifiertest.KindeCustomized).Roles.HasAll("librarian", "archivist"),
		"machine's scopes":     read(verifiertest.KindeMachine).Scopes.HasAll("read:books", "write:books"),
		"older machine":        read(verifiertest.KindeOlderMachine).Scopes.HasAll("read:books"),
		"machine without":      read(verifiertest.KindeOrganizationMachine).Scopes.Present() && read(verifiertest.KindeOrganizationMachine).Scopes.Len() == 0,
		"claims of your own": read(verifiertest.KindeOrganization, verifiertest.Claims{"permissions": []string{"a"}}).
			Permissions.HasAll("a"),
	} {
		if !ok {
			t.Errorf("%s: not as it should be", name)
		}
	}
}

// A webhook that is made now is one that a handler takes, once.
func TestWebhooksAreFresh(t *testing.T) {
	issuer := verifiertest.NewIssuer(t, verifiertest.WithURL("https://bookshop.kinde.com"))
	received := map[string]int{}
	h := kinde.WebhookHandler(asKinde(t, issuer), issuer.URL(), count(received))
	first, second := issuer.Token(issuer.Kinde(verifiertest.KindeWebhook)), issuer.Token(issuer.Kinde(verifiertest.KindeWebhook))
	for _, body := range []string{first, second, first} {
		if status := post(t, h, body); status != http.StatusOK {
			t.Errorf("status %d", status)
		}
	}
	if len(received) != 2 {
		t.Errorf("%d events were handled, want 2", len(received))
	}
	for id, n := range received {
		if n != 1 || !strings.HasPrefix(id, "event_") {
			t.Errorf("%s was handled %d times", id, n)
		}
	}
}
