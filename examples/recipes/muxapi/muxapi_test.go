package muxapi_test

import (
	"testing"

	"github.com/keychorus/keychorus/examples/recipes/muxapi"
	"github.com/keychorus/keychorus/examples/recipes/try"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

func TestAPI(t *testing.T) {
	g, issuer := try.Guard(t)
	ada := issuer.Token(verifiertest.Claims{"sub": "ada"})
	writer := issuer.Token(verifiertest.Claims{"scp": "write:books"})
	try.Calls(t, try.Serve(t, muxapi.New(g)), map[string]try.Call{
		"open":          {Method: "GET", Path: "/health", Status: 200, Want: "up"},
		"no token":      {Method: "GET", Path: "/books/1", Status: 401, Challenge: "Bearer"},
		"bad token":     {Method: "GET", Path: "/books/1", Tokens: []string{"x"}, Status: 401, Challenge: "invalid_token"},
		"two tokens":    {Method: "GET", Path: "/books/1", Tokens: []string{ada, writer}, Status: 400, Challenge: "invalid_request"},
		"good token":    {Method: "GET", Path: "/books/1", Tokens: []string{ada}, Status: 200, Want: "book 1 for ada"},
		"without scope": {Method: "POST", Path: "/books/1", Tokens: []string{ada}, Status: 403, Challenge: `scope="write:books"`},
		"unknown path":  {Method: "GET", Path: "/books/1/pages", Status: 404},
		"with scope":    {Method: "POST", Path: "/books/1", Tokens: []string{writer}, Status: 201},
	})
}
