package twirpapi_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/twitchtv/twirp"
	"github.com/twitchtv/twirp/example"

	"github.com/keychorus/keychorus/examples/recipes/try"
	"github.com/keychorus/keychorus/examples/recipes/twirpapi"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

const path = "/twirp/twitch.twirp.example.Haberdasher/MakeHat"

func TestAPI(t *testing.T) {
	g, issuer := try.Guard(t)
	handler, err := twirpapi.New(g)
	if err != nil {
		t.Fatal(err)
	}
	ada := issuer.Token(verifiertest.Claims{"sub": "ada"})
	hats := issuer.Token(verifiertest.Claims{"sub": "ada", "scp": "hats"})
	base := try.Serve(t, handler)
	try.Calls(t, base, map[string]try.Call{
		"no token":      {Method: "POST", Path: path, Body: "{}", Status: 401, Want: `"code":"unauthenticated"`, Challenge: "Bearer"},
		"two tokens":    {Method: "POST", Path: path, Body: "{}", Tokens: []string{hats, ada}, Status: 400, Want: `"code":"invalid_argument"`, Challenge: "invalid_request"},
		"without scope": {Method: "POST", Path: path, Body: "{}", Tokens: []string{ada}, Status: 403, Want: `"reason":"scope"`, Challenge: `scope="hats"`},
		"with scope":    {Method: "POST", Path: path, Body: `{"inches":12}`, Tokens: []string{hats}, Status: 200, Want: "bowler of ada"},
	})

	for token, want := range map[string]twirp.ErrorCode{"": twirp.Unauthenticated, ada: twirp.PermissionDenied, hats: twirp.NoError} {
		header := http.Header{}
		if token != "" {
			header.Set("Authorization", "Bearer "+token)
		}
		ctx, err := twirp.WithHTTPRequestHeaders(t.Context(), header)
		if err != nil {
			t.Fatal(err)
		}
		_, err = example.NewHaberdasherProtobufClient(base, http.DefaultClient).MakeHat(ctx, &example.Size{Inches: 12})
		var e twirp.Error
		if errors.As(err, &e) != (want != twirp.NoError) || e != nil && e.Code() != want {
			t.Errorf("Twirp's client got %v, want %s", err, want)
		}
	}
}

func TestKeysAreNotAvailable(t *testing.T) {
	g, issuer := try.Guard(t)
	issuer.Fail(http.StatusBadGateway)
	handler, err := twirpapi.New(g)
	if err != nil {
		t.Fatal(err)
	}
	try.Calls(t, try.Serve(t, handler), map[string]try.Call{
		"good token": {Method: "POST", Path: path, Body: "{}", Tokens: []string{issuer.Token()}, Status: 503, Want: `"code":"unavailable"`},
	})
}
