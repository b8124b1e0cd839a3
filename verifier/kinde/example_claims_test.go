package kinde_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
	"github.com/keychorus/keychorus/verifier/kinde"
)

// newBookshop returns a verifier, and the issuer that stands in for Kinde.
func newBookshop() (*verifier.Verifier, *devissuer.Issuer) {
	policy, err := kinde.Policy(kinde.Config{Domain: "bookshop", Audiences: []string{"https://api.bookshop.example"}})
	if err != nil {
		log.Fatal(err)
	}
	tenant, err := devissuer.New("https://bookshop.kinde.com", devissuer.WithAudience("https://api.bookshop.example"))
	if err != nil {
		log.Fatal(err)
	}
	v, err := verifier.New(policy, verifier.WithHTTPClient(&http.Client{Transport: tenant.RoundTripper()}))
	if err != nil {
		log.Fatal(err)
	}
	return v, tenant
}

// newToken verifies what the tenant mints.
func newToken(v *verifier.Verifier, tenant *devissuer.Issuer, claims devissuer.Claims) *verifier.Token {
	compact, err := tenant.Mint(claims)
	if err != nil {
		log.Fatal(err)
	}
	token, err := v.Verify(context.Background(), compact)
	if err != nil {
		log.Fatal(err)
	}
	return token
}

func ExampleClaimsOf() {
	v, tenant := newBookshop()
	defer func() { _ = v.Close() }()
	token := newToken(v, tenant, devissuer.UserClaims())

	claims, err := kinde.ClaimsOf(token)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims.Principal(), "in", claims.Org.Name)
	fmt.Println("may write:", claims.Permissions.Has("write:books"))
	fmt.Println("librarian:", claims.Roles.Has("librarian"))
	fmt.Println("search:", claims.Flags.On("quick_search"), "shelves:", claims.Flags.On("old_shelves"))
	loans, ok := claims.Flags.Int("max_loans")
	fmt.Println("loans:", loans, ok)
	fmt.Println("gty is there:", claims.Grants.Present(), "problems:", len(claims.Problems()))
	// Output:
	// user in Harbour Press
	// may write: true
	// librarian: true
	// search: true shelves: false
	// loans: 12 true
	// gty is there: false problems: 0
}

func ExamplePermissions() {
	v, tenant := newBookshop()
	defer func() { _ = v.Close() }()
	ctx := context.Background()

	// httpauth.Protect(g, kinde.Permissions("delete:books")) asks the same of a route.
	signedIn := newToken(v, tenant, devissuer.UserClaims())
	fmt.Println(signedIn.Require(ctx, kinde.Permissions("read:books", "write:books")))
	fmt.Println(signedIn.Require(ctx, kinde.Permissions("delete:books")))

	outside := newToken(v, tenant, nil) // signed in to no organisation
	err := outside.Require(ctx, kinde.Permissions("read:books"))
	fmt.Println(errors.Is(err, verifier.ErrForbidden), errors.Is(err, kinde.ErrAbsent))
	// Output:
	// <nil>
	// verifier: requirement: the access token does not grant this
	// true true
}

func ExampleOrganization() {
	v, tenant := newBookshop()
	defer func() { _ = v.Close() }()
	token := newToken(v, tenant, devissuer.UserClaims())

	mux := http.NewServeMux()
	mux.HandleFunc("GET /orgs/{org}/books", func(w http.ResponseWriter, r *http.Request) {
		if err := token.Require(r.Context(), kinde.Organization(r.PathValue("org"))); err != nil {
			http.NotFound(w, r) // which does not tell whether there is one
			return
		}
		_, _ = fmt.Fprintln(w, "books")
	})
	for _, path := range []string{"/orgs/org_3f9a61c07d2/books", "/orgs/org_other/books"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, nil))
		fmt.Println(w.Code)
	}
	// Output:
	// 200
	// 404
}

func ExampleWebhookHandler() {
	v, tenant := newBookshop()
	defer func() { _ = v.Close() }()

	type userData struct {
		User struct {
			ID        string `json:"id"`
			FirstName string `json:"first_name"`
		} `json:"user"`
	}
	handler := kinde.WebhookHandler(v, tenant.URL(), func(_ context.Context, e *kinde.Event) error {
		if e.Type != kinde.UserUpdated {
			return nil
		}
		data, err := kinde.EventData[userData](e)
		if err != nil {
			return err // answered 500: Kinde comes again
		}
		fmt.Println("handling", e.Type, data.User.FirstName)
		return nil
	})

	claims := devissuer.WebhookClaims()
	claims["timestamp"] = time.Now().Format(time.RFC3339Nano)
	body, err := tenant.Mint(claims)
	if err != nil {
		log.Fatal(err)
	}
	access, err := tenant.Mint(nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, sent := range []string{body, body, access} {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/webhooks/kinde", strings.NewReader(sent))
		r.Header.Set("Content-Type", "application/jwt")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// handling user.updated Grace
	// 200
	// 200
	// 400
}

func ExampleRouteScope() {
	scope, err := kinde.RouteScope("GET /users/{userId}")
	fmt.Println(scope, err)
	// Output: get:users_userid <nil>
}

func ExampleAPIKeys() {
	policy, err := kinde.Policy(kinde.Config{Domain: "bookshop", Audiences: []string{"https://api.bookshop.example"}})
	if err != nil {
		log.Fatal(err)
	}
	ask := func(_ context.Context, _ string) (*kinde.APIKey, error) { // POST /api/v1/api_keys/verify, with a machine's token
		return &kinde.APIKey{Valid: true, Status: "active", ID: "api_key_7", Scopes: []string{"read:books"}}, nil
	}
	v, err := verifier.New(policy, kinde.APIKeys(policy, ask))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	token, err := v.Verify(context.Background(), "k_live_0123456789abcdef")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.ClientID(), token.Scopes(), token.Require(context.Background(), kinde.Users()) == nil)
	// Output: api_key_7 [read:books] false
}
