package e2e_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// api is the command boundapi as a process.
type api struct {
	*process
	url    string // of the one resource
	client *http.Client
}

var buildAPI = built("boundapi", ".", "./boundapi")

// startAPI starts one that trusts the provider. Its certificate is of the authority.
func startAPI(p *provider, ca *authority, env []string, args ...string) *api {
	p.Helper()
	binary, err := buildAPI()
	if err != nil {
		p.Fatal(err)
	}
	certificate, key := ca.files("api.bookstore.example")
	args = append([]string{"-issuer", p.Issuer, "-audience", p.Audience, "-certificate", certificate, "-key", key}, args...)
	a := &api{process: start(p.T, ".", env, binary, args...), client: ca.client()}
	origin, ok := strings.CutPrefix(a.line(), "listening ")
	if !ok {
		p.Fatal("the API did not say where it listens")
	}
	a.url = origin + "/books"
	return a
}

// call is a request for the one resource of an API.
type call struct {
	client        *http.Client // by default one without a certificate
	method        string       // by default GET
	url           string       // by default that of the API
	authorization string
	proofs        []string
	header        http.Header
}

// verdict is what an API makes of a call.
type verdict struct {
	status int
	reason string
	errors string // scheme and code of every challenge with an error
}

// accepted and refused are the verdicts that tests expect.
func accepted() verdict { return verdict{http.StatusOK, "", ""} }

func refused(reason, errors string) verdict { return verdict{http.StatusUnauthorized, reason, errors} }

// badProof is the answer to a proof that is not one for this request (RFC 9449 §7.1).
func badProof(reason string) verdict { return refused(reason, "DPoP invalid_dpop_proof") }

// unavailable says that nobody can tell.
func unavailable(reason string) verdict { return verdict{http.StatusServiceUnavailable, reason, ""} }

// do sends a call, and returns the verdict with the header and the client that the API saw.
func (a *api) do(c call) (v verdict, header http.Header, caller string) {
	a.Helper()
	if c.client == nil {
		c.client = a.client
	}
	if c.url == "" {
		c.url = a.url
	}
	r, err := http.NewRequestWithContext(a.Context(), c.method, c.url, nil)
	if err != nil {
		a.Fatal(err)
	}
	maps.Copy(r.Header, c.header)
	if c.authorization != "" {
		r.Header.Set("Authorization", c.authorization)
		_, token, _ := strings.Cut(c.authorization, " ")
		confide(a.T, token)
	}
	for _, proof := range c.proofs {
		r.Header.Add("DPoP", proof)
		confide(a.T, proof)
	}
	resp, err := c.client.Do(r)
	if err != nil {
		a.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var body struct {
		Reason string `json:"reason"`
		Client string `json:"client"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		a.Fatalf("status %d: %v", resp.StatusCode, err)
	}
	return verdict{resp.StatusCode, body.Reason, challenged(resp.Header.Values("WWW-Authenticate"))}, resp.Header, body.Client
}

var errorCode = regexp.MustCompile(`[ ,]error="([^"]*)"`)

func challenged(challenges []string) string {
	var all []string
	for _, c := range challenges {
		scheme, _, _ := strings.Cut(c, " ")
		if code := errorCode.FindStringSubmatch(c); code != nil {
			all = append(all, scheme+" "+code[1])
		}
	}
	return strings.Join(all, ", ")
}

// want sends a call and checks the verdict. It returns the header of the answer.
func (a *api) want(what string, c call, want verdict) http.Header {
	a.Helper()
	got, header, caller := a.do(c)
	if got != want {
		a.Errorf("%s: %+v, want %+v", what, got, want)
	}
	if passed := got.status == http.StatusOK || got.status == http.StatusCreated; passed != (caller != "") {
		a.Errorf("%s: status %d, and the API saw the client %q", what, got.status, caller)
	}
	if got.status == http.StatusServiceUnavailable && header.Get("Retry-After") == "" {
		a.Errorf("%s: nothing says when to come back", what)
	}
	return header
}

// proven is a GET with a token under the scheme DPoP.
func proven(token string, proofs ...string) call {
	return call{authorization: "DPoP " + token, proofs: proofs}
}

func bearer(token string) call { return call{authorization: "Bearer " + token} }

// prove returns a proof for a GET of the resource.
func (a *api) prove(key *prover, token string, changes claims) string {
	a.Helper()
	return key.prove(http.MethodGet, a.url, token, changes)
}

// quick makes a provider without RSA keys.
const quick = "PROVIDER_ALGORITHMS=ES256 Ed25519"

// bind starts provider, authority and API for tests of bound tokens.
func bind(t *testing.T, env []string, args ...string) (*provider, *authority, *api) {
	t.Helper()
	ca := newAuthority(t)
	p := startProvider(t, quick, ca.environment())
	return p, ca, startAPI(p, ca, env, args...)
}
