package adaptertest

import (
	"net/http"
	"strings"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

func noCredentials(f *fixture) {
	r := f.route(f.guard())
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete, http.MethodOptions} {
		r.refuses(method, ask{method: method}, unauthorized)
	}
}

func anotherScheme(f *fixture) {
	r := f.route(f.guard())
	token := strings.TrimPrefix(f.good("ada"), "Bearer ")
	for _, value := range []string{
		"Basic YWRhOnNlY3JldC1vZi1hZGE=", "Digest", "Bearerx " + token, token, "Basic eA==, Bearer " + token,
	} {
		scheme, _, _ := strings.Cut(value, " ")
		r.refuses(scheme[:min(len(scheme), 10)], ask{authorization: []string{value}}, unauthorized)
	}
}

// anotherPlace tries the places where RFC 6750 §2.2 and §2.3 or a habit would put a token.
func anotherPlace(f *fixture) {
	r := f.route(f.guard())
	token := strings.TrimPrefix(f.good("ada"), "Bearer ")
	for what, a := range map[string]ask{
		"query":  {query: "access_token=" + token},
		"cookie": {header: []string{"Cookie: access_token=" + token + "; Authorization=Bearer " + token}},
		"form": {
			method: http.MethodPost, body: "access_token=" + token,
			header: []string{"Content-Type: application/x-www-form-urlencoded"},
		},
		"other headers": {header: []string{
			"Proxy-Authorization: Bearer " + token, "X-Authorization: Bearer " + token,
			"X-Forwarded-Authorization: Bearer " + token, "X-Access-Token: " + token,
		}},
	} {
		r.refuses(what, a, unauthorized)
	}
}

func schemeInAnyCase(f *fixture) {
	r := f.route(f.guard())
	_, token, _ := strings.Cut(f.good("ada"), " ")
	for _, scheme := range []string{"Bearer", "bearer", "BEARER", "bEaReR"} {
		r.passes(scheme, ask{authorization: []string{scheme + " " + token}}, "ada")
	}
	r.passes("lower case name", ask{header: []string{"authorization: Bearer " + token}}, "ada")
}

func severalSpaces(f *fixture) {
	r := f.route(f.guard())
	_, token, _ := strings.Cut(f.good("ada"), " ")
	r.passes("two", ask{authorization: []string{"Bearer  " + token}}, "ada")
	r.passes("five", ask{authorization: []string{"Bearer     " + token}}, "ada")
}

func brokenHeader(f *fixture) {
	r := f.route(f.guard())
	good := f.good("ada")
	_, token, _ := strings.Cut(good, " ")
	for what, value := range map[string]string{
		"scheme alone":      "Bearer",
		"tab between":       "Bearer\t" + token,
		"tab after a space": "Bearer \t" + token,
		"two tokens":        good + " " + token,
		"scheme twice":      "Bearer " + good,
		"comma":             good + ",",
		"quotes":            `Bearer "` + token + `"`,
		"parameter":         `Bearer token="` + token + `"`,
		"not token68":       "Bearer {" + token + "}",
	} {
		want := badRequest
		want.reason = string(verifier.ReasonMalformedHeader)
		r.refuses(what, ask{authorization: []string{value}}, want)
	}
}

func twoHeaders(f *fixture) {
	r := f.route(f.guard())
	good := f.good("ada")
	want := badRequest
	want.reason = string(verifier.ReasonMultipleCredentials)
	for what, values := range map[string][]string{
		"good and bad":  {good, "Bearer x"},
		"bad and good":  {"Bearer x", good},
		"the same":      {good, good},
		"two callers":   {good, f.good("bob")},
		"other scheme":  {"Basic eA==", good},
		"other, second": {good, "Basic eA=="},
	} {
		r.refuses(what, ask{authorization: values}, want)
	}
	r.refuses("names in two cases", ask{authorization: []string{good}, header: []string{"AUTHORIZATION: Bearer x"}}, want)
}

func twoInOne(f *fixture) {
	r := f.route(f.guard())
	good := f.good("ada")
	for what, value := range map[string]string{
		"good and bad": good + ", Bearer x", "bad and good": "Bearer x, " + good, "the same": good + "," + good,
	} {
		r.refuses(what, ask{authorization: []string{value}}, badRequest)
	}
}

func placeholder(f *fixture) {
	r := f.route(f.guard())
	want := invalidToken
	want.reason = string(verifier.ReasonPlaceholder)
	for _, value := range []string{"undefined", "null", "[object Promise]", "[object Object]"} {
		r.refuses(value, ask{authorization: []string{"Bearer " + value}}, want)
	}
}

// attacks sends every hostile token. None is a fault of the issuer or of the server, so
// each is the caller's: 401, or 400 where it cannot stand in a header as one token.
func attacks(f *fixture) {
	r := f.route(f.guard())
	r.passes("a good token first", ask{authorization: []string{f.good("ada")}}, "ada")
	sent := 0
	for _, attack := range verifiertest.Attacks(f.issuer) {
		// A line break ends the field, and space around a value is not part of it
		// (RFC 9110 §5.5): such a token cannot reach a server in one piece.
		if strings.ContainsAny(attack.Token, "\r\n\x00") || strings.TrimSpace(attack.Token) != attack.Token {
			continue
		}
		sent++
		want := invalidToken
		if !token68.MatchString(attack.Token) {
			want = badRequest
		}
		r.refuses(attack.Name, ask{authorization: []string{"Bearer " + attack.Token}}, want)
	}
	if sent == 0 {
		f.Error("there was no attack to send")
	}
}

// cookie has a second place for the token, and so requests with two of them.
func cookie(f *fixture) {
	r := f.route(f.guard(guard.WithCookie("token")))
	good := f.good("ada")
	token := strings.TrimPrefix(good, "Bearer ")
	r.passes("cookie", ask{header: []string{"Cookie: theme=dark; token=" + token}}, "ada")
	r.passes("cookie in a second field", ask{header: []string{"Cookie: theme=dark", "Cookie: token=" + token}}, "ada")
	r.passes("header", ask{authorization: []string{good}, header: []string{"Cookie: theme=dark"}}, "ada")
	want := badRequest
	want.reason = string(verifier.ReasonMultipleCredentials)
	for what, a := range map[string]ask{
		"cookie and header":     {authorization: []string{good}, header: []string{"Cookie: token=" + token}},
		"bad cookie and header": {authorization: []string{good}, header: []string{"Cookie: token=x"}},
		"cookie and bad header": {authorization: []string{"Bearer x"}, header: []string{"Cookie: token=" + token}},
		"two cookies":           {header: []string{"Cookie: token=" + token + "; token=x"}},
		"two cookie fields":     {header: []string{"Cookie: token=" + token, "Cookie: token=x"}},
	} {
		r.refuses(what, a, want)
	}
	r.refuses("bad cookie", ask{header: []string{"Cookie: token=" + token + "x"}}, invalidToken)
	r.refuses("other cookie", ask{header: []string{"Cookie: Token=" + token}}, unauthorized)
}
