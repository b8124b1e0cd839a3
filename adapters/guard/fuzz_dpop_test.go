package guard_test

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

// FuzzDPoPHeaders checks that only the one good proof with the one good token passes, and
// that not a byte of what was sent comes back otherwise.
func FuzzDPoPHeaders(f *testing.F) {
	g, issuer := newGuard(f, guard.WithDPoP(guard.DPoP{}))
	p := newProver(f)
	token := p.token(f, issuer)
	proof := p.prove(f, token, claims{"iat": nil, "nonce": "no iat, so that no run of this accepts it"})
	for _, authorization := range []string{"DPoP " + token, "dpop  " + token, "Bearer " + token, "DPoP", "DPoP a b", "DPoP\t" + token, "Basic x"} {
		for _, value := range []string{proof, "", proof + "," + proof, token, "..", "\x00", tampered(proof)} {
			f.Add(authorization, value, "api.test", "/books")
		}
	}
	f.Add("DPoP "+token, proof, "api.test/x", "/%")
	f.Add("DPoP "+token, proof, "a@b", "*")
	f.Fuzz(func(t *testing.T, authorization, value, host, path string) {
		r := guard.Request{
			Method: http.MethodGet, Scheme: "https", Host: host, Path: path,
			Header: http.Header{"Authorization": {authorization}, "Dpop": {value}},
		}
		d := g.Check(t.Context(), r)
		if d.Allowed() {
			t.Fatalf("allowed: %q with %q", authorization, value)
		}
		checkAnswer(t, d)
		r.Header = http.Header{"Authorization": {authorization}, "Dpop": {value, value}}
		if d := g.Check(t.Context(), r); d.Allowed() {
			t.Fatalf("allowed with two proofs: %q", authorization)
		}
	})
}

// texts are what may stand in a challenge.
var texts = func() map[string]bool {
	all := map[string]bool{"api": true, "ES256 ES384 PS256 RS256 EdDSA Ed25519": true}
	for r := range verifier.Reasons() {
		all[r.Description()] = true
	}
	for _, code := range []string{"invalid_request", "invalid_token", "invalid_dpop_proof", "use_dpop_nonce"} {
		all[code] = true
	}
	return all
}()

func checkAnswer(t *testing.T, d guard.Decision) {
	t.Helper()
	values := d.Header().Values("WWW-Authenticate")
	if len(values) != 2 || !strings.HasPrefix(values[0], "Bearer ") || !strings.HasPrefix(values[1], "DPoP ") {
		t.Errorf("challenges %q", values)
	}
	for _, value := range values {
		if !wellFormedAny.MatchString(value) {
			t.Errorf("challenge %q is not well-formed", value)
		}
		for _, m := range parameter.FindAllStringSubmatch(value, -1) {
			if !texts[m[2]] {
				t.Errorf("challenge %q says %q", value, m[2])
			}
		}
	}
}

var wellFormedAny = regexp.MustCompile(`^(Bearer|DPoP)( [a-z_]+="[\x20\x21\x23-\x5b\x5d-\x7e]*")(, [a-z_]+="[\x20\x21\x23-\x5b\x5d-\x7e]*")*$`)

// FuzzChallengeSettings checks that what a program configures is refused or comes out as it is.
func FuzzChallengeSettings(f *testing.F) {
	base, _ := newGuard(f, guard.WithDPoP(guard.DPoP{}))
	f.Add("books", "https://api.test/.well-known/oauth-protected-resource")
	f.Add("a\"b", "https://api.test/\"x")
	f.Add("a\\", "https://api.test/\r\nX: y")
	f.Add("\x7f", "http://localhost/é")
	f.Fuzz(func(t *testing.T, realm, url string) {
		g, err := base.With(guard.WithRealm(realm), guard.WithResourceMetadata(url))
		if err != nil {
			return
		}
		d := g.Check(t.Context(), authorized("Bearer x"))
		values := d.Header().Values("WWW-Authenticate")
		if len(values) != 2 {
			t.Fatalf("challenges %q", values)
		}
		for _, value := range values {
			if !wellFormedAny.MatchString(value) || !strings.Contains(value, ` realm="`+realm+`"`) ||
				!strings.HasSuffix(value, `, resource_metadata="`+url+`"`) {
				t.Errorf("challenge %q for realm %q and URL %q", value, realm, url)
			}
		}
		if u, err := (guard.ResourceMetadata{Resource: url}).URL(); err != nil || !strings.Contains(u, "/.well-known/oauth-protected-resource") {
			t.Errorf("URL %q, error %v for resource %q", u, err, url)
		}
	})
}

// FuzzProxyFields checks that what a peer says matters only if it is a proxy, and that a proof
// for the API's own URL passes only if that is what is said.
func FuzzProxyFields(f *testing.F) {
	issuer := newIssuer(f)
	v := newVerifier(f, issuer)
	p := newProver(f)
	token := p.token(f, issuer)
	for _, seed := range []string{
		"proto=https;host=api.test", `host="api.test";proto=https`, "for=x, proto=https;host=api.test", `for="\`, "host=a=b", ";", ",", "api.test", "https",
	} {
		f.Add(seed, "https", rfc9440(clientDER), "10.0.0.1:1")
		f.Add("api.test", seed, escapedPEM(clientDER), "192.0.2.1:1")
	}
	networks := []string{"10.0.0.0/8"}
	options := func(p guard.Proxies) *guard.Guard {
		g, err := guard.New(v, guard.WithDPoP(guard.DPoP{}), guard.WithMTLS(), guard.WithTrustedProxies(p))
		if err != nil {
			f.Fatal(err)
		}
		return g
	}
	standard := options(guard.Proxies{Networks: networks, Scheme: "Forwarded", Host: "Forwarded", Certificate: "Client-Cert"})
	plain := options(guard.Proxies{Networks: networks, Scheme: "X-Forwarded-Proto", Host: "X-Forwarded-Host", Certificate: "Client-Cert"})
	f.Fuzz(func(t *testing.T, first, second, certificate, remote string) {
		h := http.Header{
			"Authorization": {"DPoP " + token}, "Forwarded": {first}, "X-Forwarded-Host": {first}, "X-Forwarded-Proto": {second},
			"Client-Cert": {certificate}, "Dpop": {p.prove(t, token, nil)},
		}
		r := guard.Request{Method: http.MethodGet, Scheme: "http", Host: "10.0.0.9", Path: "/books", RemoteAddr: remote, Header: h}
		fromProxy := strings.HasPrefix(remote, "10.") || strings.Contains(strings.ToLower(remote), "ffff:")
		d := standard.Check(t.Context(), r)
		if d.Allowed() && (!fromProxy || !strings.Contains(strings.ToLower(strings.ReplaceAll(first, `\`, "")), "api.test")) {
			t.Errorf("allowed by %q from %q", first, remote)
		}
		h["Dpop"] = []string{p.prove(t, token, nil)}
		if d := plain.Check(t.Context(), r); d.Allowed() && (!fromProxy || !strings.Contains(strings.ToLower(first), "api.test") || !strings.EqualFold(lastOf(second), "https")) {
			t.Errorf("allowed by %q and %q from %q", first, second, remote)
		}
	})
}

func lastOf(list string) string {
	elements := strings.Split(list, ",")
	return strings.Trim(elements[len(elements)-1], " \t")
}

// Two Decisions of one request say the same.
func TestDecisionsAgree(t *testing.T) {
	g, _ := newGuard(t, guard.WithDPoP(guard.DPoP{}))
	first, second := g.Check(t.Context(), proven("DPoP x")), g.Check(t.Context(), proven("DPoP x"))
	if !maps.EqualFunc(first.Header(), second.Header(), slices.Equal) || string(first.Body()) != string(second.Body()) {
		t.Errorf("%v and %v", first.Header(), second.Header())
	}
}
