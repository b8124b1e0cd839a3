package telemetry_test

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/keychorus/keychorus/keystore/memory"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

func isChild(s, parent sdktrace.ReadOnlySpan) bool {
	return s.Parent().SpanID() == parent.SpanContext().SpanID() && s.SpanContext().TraceID() == parent.SpanContext().TraceID()
}

func wantSpan(t *testing.T, s sdktrace.ReadOnlySpan, status codes.Code, attrs string) {
	t.Helper()
	if got := text(s.Attributes()); got != attrs {
		t.Errorf("%s has %s\nwant %s", s.Name(), got, attrs)
	}
	if got := s.Status().Code; got != status {
		t.Errorf("%s has status %v, want %v", s.Name(), got, status)
	}
	if s.InstrumentationScope().Name != verifier.ScopeName {
		t.Errorf("%s has the scope %s", s.Name(), s.InstrumentationScope().Name)
	}
}

func TestAColdRequestIsLinkedToTheTraceItWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, verifier.WithKeyStore(memory.New()))
		request, err := b.request(t.Context(), b.token(t, nil))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // what follows an answer
		verify, lookup := b.only(t, "keychorus.verify"), b.only(t, "keychorus.keys.lookup")
		refresh, fetch := b.only(t, "keychorus.keys.refresh"), b.only(t, "keychorus.jwks.fetch")
		if !isChild(verify, request) || !isChild(lookup, verify) {
			t.Error("the verification and its wait are not below the request")
		}
		if refresh.Parent().IsValid() || refresh.SpanContext().TraceID() == request.SpanContext().TraceID() {
			t.Error("the refresh is not a trace of its own")
		}
		if links := lookup.Links(); len(links) != 1 || !links[0].SpanContext.Equal(refresh.SpanContext()) {
			t.Errorf("the wait has the links %v, want one to the refresh", links)
		}
		for _, s := range []sdktrace.ReadOnlySpan{fetch, b.only(t, "keychorus.store.load"), b.only(t, "keychorus.store.save")} {
			if !isChild(s, refresh) {
				t.Errorf("%s is not a child of the refresh", s.Name())
			}
		}
		const issuer = "keychorus.issuer=" + issuerURL
		wantSpan(t, verify, codes.Unset, "keychorus.algorithm=Ed25519,"+issuer+",keychorus.keys.state=fresh,keychorus.outcome=accepted,keychorus.token_cache=off")
		wantSpan(t, lookup, codes.Unset, "keychorus.cause=cold,"+issuer)
		wantSpan(t, refresh, codes.Unset, "keychorus.cause=cold,"+issuer+",keychorus.outcome=useful")
		wantSpan(t, fetch, codes.Unset, "keychorus.cause=cold,"+issuer+",keychorus.outcome=useful")
		wantSpan(t, b.only(t, "keychorus.store.load"), codes.Unset, issuer+",keychorus.outcome=not_found")
		wantSpan(t, b.only(t, "keychorus.store.save"), codes.Unset, issuer+",keychorus.outcome=ok")
	})
}

func TestAWarmRequestHasOneSpanAndNoneWithoutASampledParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		token := b.token(t, nil)
		if _, err := b.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		b.spans.Reset()
		if _, err := b.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		unsampled := trace.ContextWithRemoteSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1},
		}))
		if _, err := b.Verify(unsampled, token); err != nil {
			t.Fatal(err)
		}
		if got := b.spans.Ended(); len(got) > 0 {
			t.Errorf("%d spans without a sampled parent, the first is %s", len(got), got[0].Name())
		}
		request, err := b.request(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.spans.Ended(); len(got) != 2 || !isChild(got[0], request) {
			t.Errorf("%d spans of a warm request, want its own and one below", len(got))
		}
	})
}

// An issuer that fails is an error of ours on every span; a refused token is none.
func TestStatusTellsWhoHasToAct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.issuer.Fail(http.StatusForbidden)
		if _, err := b.request(t.Context(), b.token(t, nil)); err == nil {
			t.Fatal("accepted without keys")
		}
		synctest.Wait()
		const issuer = "keychorus.issuer=" + issuerURL
		wantSpan(t, b.only(t, "keychorus.verify"), codes.Error, "error.type=keys_unavailable,"+issuer+",keychorus.outcome=unavailable")
		wantSpan(t, b.only(t, "keychorus.keys.lookup"), codes.Error, "error.type=keys_unavailable,keychorus.cause=cold,"+issuer)
		wantSpan(t, b.only(t, "keychorus.keys.refresh"), codes.Error, "error.type=status,keychorus.cause=cold,"+issuer+",keychorus.outcome=failed")
		wantSpan(t, b.only(t, "keychorus.jwks.fetch"), codes.Error,
			"error.type=status,http.response.status_code=403,keychorus.cause=cold,"+issuer+",keychorus.outcome=failed")

		b.issuer.Fail(0)
		time.Sleep(time.Minute)
		good := b.token(t, devissuer.Claims{"exp": devissuer.FromNow(time.Hour)})
		if _, err := b.request(t.Context(), good); err != nil {
			t.Fatal(err)
		}
		b.spans.Reset()
		time.Sleep(2 * time.Hour)
		if _, err := b.request(t.Context(), good); err == nil {
			t.Fatal("accepted after it expired")
		}
		verify := b.only(t, "keychorus.verify")
		wantSpan(t, verify, codes.Unset, "error.type=expired,"+issuer+",keychorus.outcome=refused")
	})
}

// A request for a new key causes a refresh, and both say why.
func TestAnUnknownKeyIsLookedUpWithItsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		if _, err := b.request(t.Context(), b.token(t, nil)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		b.spans.Reset()
		if _, err := b.issuer.Rotate(); err != nil {
			t.Fatal(err)
		}
		if _, err := b.request(t.Context(), b.token(t, nil)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		lookup, refresh := b.only(t, "keychorus.keys.lookup"), b.only(t, "keychorus.keys.refresh")
		for _, s := range []sdktrace.ReadOnlySpan{lookup, refresh, b.only(t, "keychorus.jwks.fetch")} {
			if !slices.ContainsFunc(s.Attributes(), func(kv attribute.KeyValue) bool {
				return kv.Key == "keychorus.cause" && kv.Value.AsString() == "unknown_kid"
			}) {
				t.Errorf("%s has %s", s.Name(), text(s.Attributes()))
			}
		}
		if links := lookup.Links(); len(links) != 1 || !links[0].SpanContext.Equal(refresh.SpanContext()) {
			t.Errorf("the wait has the links %v", links)
		}
		if got := series(t, b.collect(t)["keychorus.unknown_kid.decisions"]); got["keychorus.decision=found"] != 1 {
			t.Errorf("decisions %v", got)
		}
	})
}
