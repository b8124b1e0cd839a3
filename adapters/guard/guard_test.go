package guard_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

const audience = "https://api.test"

func newIssuer(tb testing.TB) *devissuer.Issuer {
	tb.Helper()
	issuer, err := devissuer.New("https://issuer.test",
		devissuer.WithAlgorithm(devissuer.Ed25519), devissuer.WithAudience(audience))
	if err != nil {
		tb.Fatal(err)
	}
	return issuer
}

func newVerifier(tb testing.TB, issuer *devissuer.Issuer, opts ...verifier.Option) *verifier.Verifier {
	tb.Helper()
	v, err := verifier.New(verifier.Policy{
		Issuers:   []verifier.Issuer{{URL: issuer.URL(), StaticJWKS: issuer.JWKS()}},
		Audiences: []string{audience},
	}, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = v.Close() })
	return v
}

func newGuard(tb testing.TB, opts ...guard.Option) (*guard.Guard, *devissuer.Issuer) {
	tb.Helper()
	issuer := newIssuer(tb)
	g, err := guard.New(newVerifier(tb, issuer), opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return g, issuer
}

func mint(tb testing.TB, issuer *devissuer.Issuer, c devissuer.Claims) string {
	tb.Helper()
	token, err := issuer.Mint(c)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// authorized is a GET request with these values of Authorization.
func authorized(values ...string) guard.Request {
	return guard.Request{Method: http.MethodGet, Header: http.Header{"Authorization": values}}
}

// failing is a requirement that every token fails with err.
func failing(err error) verifier.Requirement {
	return verifier.NewRequirement(verifier.RequirementSpec{
		Name: "failing", Check: func(context.Context, *verifier.Token) error { return err },
	})
}

func reasonOf(tb testing.TB, d guard.Decision) verifier.Reason {
	tb.Helper()
	if d.Allowed() {
		if d.Err() != nil {
			tb.Errorf("allowed with error %v", d.Err())
		}
		return ""
	}
	var e *verifier.Error
	if !errors.As(d.Err(), &e) {
		tb.Fatalf("error %v is no *verifier.Error", d.Err())
	}
	return e.Reason
}

func TestCheckGoodToken(t *testing.T) {
	g, issuer := newGuard(t)
	d := g.Check(t.Context(), authorized("Bearer "+mint(t, issuer, nil)), verifier.Scopes("openid"))
	if !d.Allowed() || d.Anonymous() || d.Status() != http.StatusOK || d.Code() != 0 || d.Err() != nil {
		t.Errorf("allowed %t, anonymous %t, status %d, code %d, error %v",
			d.Allowed(), d.Anonymous(), d.Status(), d.Code(), d.Err())
	}
	if len(d.Header()) != 0 || d.Body() != nil {
		t.Errorf("header %v and body %q of a request that may pass", d.Header(), d.Body())
	}
	if d.Token() == nil || d.Token().Subject() != devissuer.DefaultSubject {
		t.Error("not the token's subject")
	}
	if got, ok := verifier.TokenFromContext(d.Context(t.Context())); !ok || got != d.Token() {
		t.Error("the context does not carry the token")
	}
}

func TestCheckPreflight(t *testing.T) {
	request := func(method string, names ...string) guard.Request {
		h := http.Header{}
		for _, name := range names {
			h.Set(name, "x")
		}
		return guard.Request{Method: method, Header: h}
	}
	const origin, asked = "Origin", "Access-Control-Request-Method"
	without, _ := newGuard(t)
	with, err := without.With(guard.WithPreflight())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		guard   *guard.Guard
		request guard.Request
		want    bool
	}{
		{"preflight", with, request("OPTIONS", origin, asked), true},
		{"preflight without the option", without, request("OPTIONS", origin, asked), false},
		{"no origin", with, request("OPTIONS", asked), false},
		{"no requested method", with, request("OPTIONS", origin), false},
		{"plain OPTIONS", with, request("OPTIONS"), false},
		{"no headers", with, guard.Request{Method: "OPTIONS"}, false},
		{"other method", with, request("GET", origin, asked), false},
		{"lower case method", with, request("options", origin, asked), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := tt.guard.Check(t.Context(), tt.request, verifier.Scopes("admin"))
			if d.Allowed() != tt.want || d.Anonymous() != tt.want || d.Token() != nil {
				t.Errorf("allowed %t, anonymous %t, want %t", d.Allowed(), d.Anonymous(), tt.want)
			}
			if ctx := t.Context(); tt.want && d.Context(ctx) != ctx {
				t.Error("the context of a preflight changed")
			}
		})
	}
}

func TestCheckOptional(t *testing.T) {
	g, issuer := newGuard(t, guard.WithOptional())
	good := "Bearer " + mint(t, issuer, nil)
	scope := []verifier.Requirement{verifier.Scopes("openid")}
	for _, tt := range []struct {
		name      string
		request   guard.Request
		reqs      []verifier.Requirement
		want      verifier.Reason
		anonymous bool
	}{
		{"nothing sent", authorized(), nil, "", true},
		{"no headers", guard.Request{}, nil, "", true},
		{"other scheme", authorized("Basic eDp5"), nil, "", true},
		{"nothing sent, but required", authorized(), scope, verifier.ReasonNoCredentials, false},
		{"good", authorized(good), scope, "", false},
		{"bad", authorized(good + "x"), nil, verifier.ReasonMalformed, false},
		{"expired", authorized("Bearer " + mint(t, issuer, devissuer.Claims{"exp": devissuer.FromNow(-time.Hour)})), nil,
			verifier.ReasonExpired, false},
		{"empty", authorized("Bearer"), nil, verifier.ReasonMalformedHeader, false},
		{"two", authorized(good, good), nil, verifier.ReasonMultipleCredentials, false},
		{"two of another scheme", authorized("Basic eDp5", "Basic eDp5"), nil, verifier.ReasonMultipleCredentials, false},
		{"placeholder", authorized("Bearer null"), nil, verifier.ReasonPlaceholder, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := g.Check(t.Context(), tt.request, tt.reqs...)
			if got := reasonOf(t, d); got != tt.want || d.Anonymous() != tt.anonymous {
				t.Errorf("reason %q, want %q; anonymous %t", got, tt.want, d.Anonymous())
			}
		})
	}
}

// A caller who has left gets nothing; one whose time ran out still waits for an answer.
func TestCheckContextEnds(t *testing.T) {
	issuer := newIssuer(t)
	v := newVerifier(t, issuer, verifier.WithRevocation(func(ctx context.Context, _ *verifier.Token) (bool, error) {
		<-ctx.Done()
		return false, ctx.Err()
	}))
	called := 0
	g, err := guard.New(v, guard.WithErrorBody(func(guard.Decision) (string, []byte) {
		called++
		return "text/plain", []byte("x")
	}))
	if err != nil {
		t.Fatal(err)
	}
	request := authorized("Bearer " + mint(t, issuer, nil))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := g.Check(ctx, request)
	if d.Allowed() || d.Status() != 499 || d.Code() != 1 || len(d.Header()) != 0 || d.Body() != nil || called != 0 {
		t.Errorf("left: status %d, code %d, header %v, body %q, hook called %d times",
			d.Status(), d.Code(), d.Header(), d.Body(), called)
	}
	if d = g.Check(ctx, authorized("Bearer x")); d.Status() != 401 { // this needed no waiting
		t.Errorf("left after a bad token: status %d", d.Status())
	}
	called = 0
	ctx, cancel = context.WithTimeout(t.Context(), 0)
	defer cancel()
	d = g.Check(ctx, request)
	if d.Allowed() || d.Status() != 503 || d.Code() != 14 || d.Header().Get("Retry-After") != "1" || called != 1 {
		t.Errorf("out of time: status %d, code %d, header %v, hook called %d times", d.Status(), d.Code(), d.Header(), called)
	}
}

func TestUnmadeValuesDeny(t *testing.T) {
	good, issuer := newGuard(t)
	request := authorized("Bearer " + mint(t, issuer, nil))
	var none *guard.Guard
	for name, d := range map[string]guard.Decision{
		"nil guard": none.Check(t.Context(), request), "zero guard": (&guard.Guard{}).Check(t.Context(), request),
		"zero decision": {}, "zero requirement": good.Check(t.Context(), request, verifier.Requirement{}),
		"foreign error": good.Check(t.Context(), request, failing(&verifier.Error{Reason: "made up"})),
	} {
		t.Run(name, func(t *testing.T) {
			if reasonOf(t, d) != verifier.ReasonMisconfigured || d.Status() != 500 || d.Code() != 13 || d.Anonymous() || d.Token() != nil {
				t.Errorf("reason %q, status %d, code %d", reasonOf(t, d), d.Status(), d.Code())
			}
			if ctx := t.Context(); d.Context(ctx) != ctx {
				t.Error("the context changed")
			}
			wantAnswer(t, d, `{"type":"about:blank","title":"Internal Server Error","status":500,"reason":"misconfigured"}`,
				http.Header{"Cache-Control": {"no-store"}, "Content-Type": {"application/problem+json"}})
		})
	}
}

// A requirement that panics leaves no Decision behind.
func TestPanicIsNoDecision(t *testing.T) {
	g, issuer := newGuard(t)
	panics := verifier.NewRequirement(verifier.RequirementSpec{
		Name: "panics", Check: func(context.Context, *verifier.Token) error { panic("x") },
	})
	hooked, err := g.With(guard.WithErrorBody(func(guard.Decision) (string, []byte) { panic("x") }))
	if err != nil {
		t.Fatal(err)
	}
	for name, check := range map[string]func() guard.Decision{
		"requirement": func() guard.Decision {
			return g.Check(t.Context(), authorized("Bearer "+mint(t, issuer, nil)), panics)
		},
		"hook": func() guard.Decision { return hooked.Check(t.Context(), authorized()) },
	} {
		t.Run(name, func(t *testing.T) {
			var d guard.Decision
			func() {
				defer func() {
					if recover() == nil {
						t.Error("no panic")
					}
				}()
				d = check()
			}()
			if d.Allowed() {
				t.Error("allowed")
			}
		})
	}
}

func TestCheckKeepsNothingOfTheRequest(t *testing.T) {
	g, issuer := newGuard(t)
	buffer := []byte("Bearer " + mint(t, issuer, nil))
	d := g.Check(t.Context(), authorized(unsafeString(buffer)))
	if !d.Allowed() {
		t.Fatal(d.Err())
	}
	want := []string{d.Token().Subject(), d.Token().Issuer(), d.Token().KeyID(), d.Token().Type(), d.Token().ID()}
	for i := range want {
		want[i] = string([]byte(want[i]))
	}
	copy(buffer, slices.Repeat([]byte("x"), len(buffer)))
	got := []string{d.Token().Subject(), d.Token().Issuer(), d.Token().KeyID(), d.Token().Type(), d.Token().ID()}
	if !slices.Equal(got, want) {
		t.Errorf("after the buffer changed the token says %q, want %q", got, want)
	}
}
