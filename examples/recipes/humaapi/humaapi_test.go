package humaapi_test

import (
	"testing"

	"github.com/keychorus/keychorus/examples/recipes/humaapi"
	"github.com/keychorus/keychorus/examples/recipes/try"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

func TestAPI(t *testing.T) {
	g, issuer := try.Guard(t)
	with := func(scopes string) []string {
		return []string{issuer.Token(verifiertest.Claims{"sub": "ada", "scp": scopes})}
	}
	const ada, nobody = `"hello":"ada"`, `"hello":"nobody"`
	try.Calls(t, try.Serve(t, humaapi.New(g)), map[string]try.Call{
		"document":                 {Method: "GET", Path: "/openapi.json", Status: 200, Want: `"security":[{"bearer":["read:books","read:shelves"]}]`},
		"open":                     {Method: "GET", Path: "/open", Status: 200, Want: nobody},
		"undeclared, no token":     {Method: "GET", Path: "/undeclared", Status: 401, Challenge: "Bearer"},
		"undeclared":               {Method: "GET", Path: "/undeclared", Tokens: with("x"), Status: 200, Want: ada},
		"no token":                 {Method: "GET", Path: "/books", Status: 401, Want: `"type":"about:blank"`, Challenge: "Bearer"},
		"two tokens":               {Method: "GET", Path: "/books", Tokens: append(with("x"), "x"), Status: 400, Challenge: "invalid_request"},
		"any token":                {Method: "GET", Path: "/books", Tokens: with("x"), Status: 200, Want: ada},
		"one scope of two":         {Method: "GET", Path: "/shelf", Tokens: with("read:books"), Status: 403, Challenge: `scope="read:books read:shelves"`},
		"both scopes":              {Method: "GET", Path: "/shelf", Tokens: with("read:shelves read:books"), Status: 200, Want: ada},
		"first alternative":        {Method: "GET", Path: "/either", Tokens: with("read:shelves read:books"), Status: 200, Want: ada},
		"second alternative":       {Method: "GET", Path: "/either", Tokens: with("admin"), Status: 200, Want: ada},
		"half of the first":        {Method: "GET", Path: "/either", Tokens: with("read:books"), Status: 403, Challenge: `scope="read:books read:shelves"`},
		"no alternative for token": {Method: "GET", Path: "/key", Tokens: with("admin"), Status: 500},
	})
}
