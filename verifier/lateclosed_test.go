package verifier_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/memory"
	"github.com/keychorus/keychorus/verifier"
)

// Close ends verification for tenants too.
func TestClosedVerifierTakesNoTenants(t *testing.T) {
	p := goodPolicy()
	p.Issuers = nil
	token := sign(t, goodHeader(), goodClaims())
	v := newVerifier(t, p, verifier.WithTokenCache(10), verifier.WithIssuerResolver(
		func(_ context.Context, iss string) (verifier.Issuer, bool, error) {
			return verifier.Issuer{URL: iss, StaticJWKS: testKey().jwks}, true, nil
		}))
	wantReason(t, v, token, "")
	wantReason(t, v, token, "") // from the cache
	_ = v.Close()
	wantReason(t, v, token, verifier.ReasonClosed)
	r := v.Explain(t.Context(), token)
	wantOutcomes(t, r, map[string]string{"issuer": "pass", "key": "fail", "signature": "not reached"})
	if _, err := v.VerifyDocument(t.Context(), issuerURL, token); reasonOf(t, err) != verifier.ReasonClosed {
		t.Errorf("a document after Close: %v", err)
	}
}

// Nor one that it meets for the first time.
func TestClosedVerifierMeetsNoTenants(t *testing.T) {
	p := goodPolicy()
	p.Issuers = nil
	v := newVerifier(t, p, verifier.WithIssuerResolver(func(_ context.Context, iss string) (verifier.Issuer, bool, error) {
		return verifier.Issuer{URL: iss, StaticJWKS: testKey().jwks}, true, nil
	}))
	_ = v.Close()
	wantReason(t, v, sign(t, goodHeader(), goodClaims()), verifier.ReasonClosed)
}

// telling is a store that tells of what was saved.
type telling struct {
	keystore.KeyStore

	saved chan<- struct{}
}

func (s telling) Save(ctx context.Context, id keystore.ID, rec *keystore.Record, base keystore.Version) (keystore.Version, error) {
	defer func() {
		select {
		case s.saved <- struct{}{}:
		default: // it was told
		}
	}()
	return s.KeyStore.Save(ctx, id, rec, base)
}

// A verifier that starts on a store of others' keys asks nobody.
func TestAStoreThatIsSharedSparesTheFetch(t *testing.T) {
	iss, store := tenant(t, issuerURL), memory.New()
	saved := make(chan struct{}, 1)
	first := verifierOf(t, []verifier.Option{verifier.WithKeyStore(telling{store, saved})}, fromIssuer(iss))
	token := mint(t, iss, nil)
	wantReason(t, first, token, "")
	<-saved // verification does not wait for it
	_ = first.Close()
	before := iss.Counts()
	iss.Fail(http.StatusInternalServerError)
	second := verifierOf(t, []verifier.Option{verifier.WithKeyStore(store)}, fromIssuer(iss))
	wantReason(t, second, token, "")
	_ = second.Close()
	if after := iss.Counts(); after != before {
		t.Errorf("requests %+v, before %+v", after, before)
	}
}
