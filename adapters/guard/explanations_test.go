package guard_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// explained is a problem document with its explanation, nil if there is none.
type explained struct {
	Reason      string `json:"reason"`
	Explanation *struct {
		Diagnosis string           `json:"diagnosis"`
		Cause     string           `json:"cause"`
		Fixes     []string         `json:"fixes"`
		Checks    []verifier.Check `json:"checks"`
	} `json:"explanation"`
}

func explanationIn(t *testing.T, d guard.Decision) explained {
	t.Helper()
	var got explained
	if err := json.Unmarshal(d.Body(), &got); err != nil {
		t.Fatalf("body %s: %v", d.Body(), err)
	}
	return got
}

// local is a request from this machine to this machine.
func local(authorization ...string) guard.Request {
	r := authorized(authorization...)
	r.Scheme, r.Host, r.Path, r.RemoteAddr = "http", "localhost:8080", "/books", "127.0.0.1:50000"
	return r
}

func TestExplanationsTellWhatToChange(t *testing.T) {
	g, issuer := newGuard(t, guard.WithExplanations())
	good := mint(t, issuer, nil)
	for _, tt := range []struct {
		name      string
		request   guard.Request
		reqs      []verifier.Requirement
		status    int
		diagnosis string
		checks    bool
	}{
		{"no credentials", local(), nil, 401, "no_credentials", false},
		{"two headers", local("Bearer "+good, "Bearer "+good), nil, 400, "multiple_credentials", false},
		{"a placeholder", local("Bearer undefined"), nil, 401, "undefined", true},
		{"an object", local("Bearer [object Object]"), nil, 401, "object", true},
		{"quotes", local(`Bearer "` + good + `"`), nil, 400, "quoted", true},
		{"the scheme twice", local("Bearer Bearer " + good), nil, 400, "scheme_in_token", true},
		{"a broken header", local("Bearer"), nil, 400, "malformed_header", false},
		{"no audience", local("Bearer " + mint(t, issuer, devissuer.Claims{"aud": []string{}})), nil, 401, "audience_empty", true},
		{"a bound token", local("Bearer " + mint(t, issuer, devissuer.Claims{"cnf": map[string]string{"jkt": "x"}})), nil, 401, "bound_to_dpop", true},
		{"a scope missing", local("Bearer " + good), []verifier.Requirement{verifier.Scopes("admin")}, 403, "scope", true},
	} {
		d := g.Check(t.Context(), tt.request, tt.reqs...)
		x := explanationIn(t, d).Explanation
		if d.Status() != tt.status || x == nil || x.Diagnosis != tt.diagnosis || x.Cause == "" || len(x.Fixes) == 0 || (len(x.Checks) > 0) != tt.checks {
			t.Errorf("%s: %d %s", tt.name, d.Status(), d.Body())
		}
		for part := range strings.SplitSeq(good, ".") {
			if strings.Contains(string(d.Body()), part) || strings.Contains(string(d.Body()), devissuer.DefaultSubject) {
				t.Errorf("%s: the body repeats the token: %s", tt.name, d.Body())
			}
		}
		if got := d.Header().Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("%s: content type %s", tt.name, got)
		}
	}
}

// What the request proves counts as much in the explanation as in the decision.
func TestExplanationsKnowTheProof(t *testing.T) {
	g, issuer := newGuard(t, guard.WithExplanations(), guard.WithDPoP(guard.DPoP{Origin: "https://api.test"}))
	p := newProver(t)
	token := mint(t, issuer, devissuer.Claims{"cnf": map[string]string{"jkt": p.thumbprint}, "aud": []string{}})
	for diagnosis, r := range map[string]guard.Request{
		"audience_empty": local("DPoP " + token), "bound_to_another": local("DPoP " + mint(t, issuer, devissuer.Claims{"cnf": map[string]string{"jkt": "other"}})),
	} {
		_, sent, _ := strings.Cut(r.Header.Values("Authorization")[0], " ")
		r.Header.(http.Header).Set("DPoP", p.prove(t, sent, nil))
		x := explanationIn(t, g.Check(t.Context(), r)).Explanation
		if x == nil || x.Diagnosis != diagnosis {
			t.Fatalf("want %s, explanation %+v", diagnosis, x)
		}
		for _, c := range x.Checks {
			if c.Name == "binding" && (c.Outcome == verifier.Passed) != (diagnosis == "audience_empty") {
				t.Errorf("%s: %+v", diagnosis, c)
			}
		}
	}
	if x := explanationIn(t, g.Check(t.Context(), local("DPoP "+token))).Explanation; x == nil || x.Diagnosis != "dpop_missing" {
		t.Errorf("without a proof: %+v", x)
	}
}

// A refusal that is explained uses up no proof, and one that is used stays refused.
func TestExplanationsLeaveTheProofAlone(t *testing.T) {
	g, issuer := newGuard(t, guard.WithExplanations(), guard.WithDPoP(guard.DPoP{Origin: "https://api.test"}))
	p := newProver(t)
	token := mint(t, issuer, devissuer.Claims{"cnf": map[string]string{"jkt": p.thumbprint}})
	r := local("DPoP " + token)
	r.Header.(http.Header).Set("DPoP", p.prove(t, token, nil))
	for i, step := range []struct {
		reqs   []verifier.Requirement
		status int
	}{{[]verifier.Requirement{verifier.Scopes("admin")}, 403}, {[]verifier.Requirement{verifier.Scopes("admin")}, 403}, {nil, 200}, {nil, 401}, {nil, 401}} {
		d := g.Check(t.Context(), r, step.reqs...)
		if d.Status() != step.status || d.Allowed() != (step.status == 200) {
			t.Fatalf("step %d: %d %s", i, d.Status(), d.Body())
		}
		if !d.Allowed() && explanationIn(t, d).Explanation == nil {
			t.Errorf("step %d is not explained: %s", i, d.Body())
		}
	}
}

// Everything else gets the very body that it gets without the option.
func TestExplanationsStayOnThisMachine(t *testing.T) {
	issuer := newIssuer(t)
	v := newVerifier(t, issuer)
	g, err := guard.New(v, guard.WithExplanations())
	if err != nil {
		t.Fatal(err)
	}
	plain, err := guard.New(v)
	if err != nil {
		t.Fatal(err)
	}
	from := func(change func(*guard.Request)) guard.Request {
		r := local("Bearer x")
		change(&r)
		return r
	}
	header := func(name, value string) guard.Request {
		return from(func(r *guard.Request) { r.Header.(http.Header).Set(name, value) })
	}
	host := func(h string) guard.Request { return from(func(r *guard.Request) { r.Host = h }) }
	peer := func(a string) guard.Request { return from(func(r *guard.Request) { r.RemoteAddr = a }) }
	for name, r := range map[string]guard.Request{
		"another machine":               peer("192.0.2.1:443"),
		"another machine over IPv6":     peer("[2001:db8::1]:443"),
		"a private network":             peer("10.0.0.1:443"),
		"all addresses":                 peer("0.0.0.0:1"),
		"no peer":                       peer(""),
		"a socket of the file system":   peer("@"),
		"a peer by name":                peer("localhost:1"),
		"another host":                  host("api.example.test"),
		"no host":                       host(""),
		"a host that begins like ours":  host("localhost.example.test"),
		"a host that ends like ours":    host("evillocalhost"),
		"a host with our address in it": host("127.0.0.1.example.test"),
		"a decimal address":             host("2130706433"),
		"all addresses as host":         host("0.0.0.0:8080"),
		"a user in the host":            host("localhost@example.test"),
		"a page of another site":        header("Origin", "https://evil.test"),
		"a page of nowhere":             header("Origin", "null"),
		"a page of a host that begins":  header("Origin", "http://localhost.evil.test"),
		"X-Forwarded-For another":       header("X-Forwarded-For", "192.0.2.1"),
		"X-Forwarded-For this machine":  header("X-Forwarded-For", "127.0.0.1"),
		"an empty X-Forwarded-For":      header("X-Forwarded-For", ""),
		"Forwarded this machine":        header("Forwarded", "for=127.0.0.1"),
		"Via":                           header("Via", "1.1 proxy"),
		"X-Real-IP":                     header("X-Real-IP", "127.0.0.1"),
		"Cloudflare":                    header("CF-Connecting-IP", "127.0.0.1"),
		"a CDN":                         header("CDN-Loop", "cdn"),
		"an ingress":                    header("X-Original-Forwarded-For", "127.0.0.1"),
		"a proxy that ends TLS":         header("X-Forwarded-Scheme", "https"),
		"another peer that says so": from(func(r *guard.Request) {
			r.RemoteAddr = "192.0.2.1:1"
			r.Header.(http.Header).Set("X-Real-IP", "127.0.0.1")
		}),
		"another host that says so":      from(func(r *guard.Request) { r.Host = "a.test"; r.Header.(http.Header).Set("X-Forwarded-Host", "localhost") }),
		"another peer with a host field": from(func(r *guard.Request) { r.RemoteAddr = "192.0.2.1:1"; r.Header.(http.Header).Set("Host", "localhost") }),
	} {
		d := g.Check(t.Context(), r)
		wantAnswer(t, d, string(plain.Check(t.Context(), r).Body()), d.Header())
		if explanationIn(t, d).Explanation != nil {
			t.Errorf("%s gets an explanation: %s", name, d.Body())
		}
	}
	for name, r := range map[string]guard.Request{
		"localhost": local("Bearer x"), "IPv6": from(func(r *guard.Request) { r.RemoteAddr, r.Host = "[::1]:5", "[::1]:8080" }),
		"an address": host("127.0.0.1:8080"), "no port": host("127.8.8.8"), "bare IPv6": host("[::1]"), "a name below": host("API.localhost:1"),
		"IPv4 in IPv6": peer("[::ffff:127.0.0.1]:5"), "a page of this machine": header("Origin", "http://localhost:3000"),
	} {
		if explanationIn(t, g.Check(t.Context(), r)).Explanation == nil {
			t.Errorf("%s gets no explanation", name)
		}
	}
}

// Over a socket, only what the connection says counts.
func TestExplanationsOverASocket(t *testing.T) {
	g, _ := newGuard(t, guard.WithExplanations())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.Check(r.Context(), guard.RequestOf(r)).WriteRefusal(w)
	}))
	defer server.Close()
	for _, tt := range []struct {
		host, forwarded string
		want            bool
	}{{"", "", true}, {"api.example.test", "", false}, {"", "127.0.0.1", false}} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer null")
		if r.Host = tt.host; tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		response, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var got explained
		if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if got.Reason != "placeholder" || (got.Explanation != nil) != tt.want {
			t.Errorf("%+v: %+v", tt, got)
		}
	}
}

func TestExplanationsAndProxiesContradict(t *testing.T) {
	g, _ := newGuard(t, guard.WithExplanations())
	_, err := g.With(guard.WithTrustedProxies(guard.Proxies{Networks: []string{"10.0.0.0/8"}, Host: "X-Forwarded-Host"}))
	if !errors.Is(err, verifier.ErrMisconfigured) || !strings.Contains(err.Error(), "WithExplanations contradicts WithTrustedProxies") {
		t.Errorf("error %v", err)
	}
}

func TestABodyOfTheProgramsOwnSeesTheExplanation(t *testing.T) {
	g, _ := newGuard(t, guard.WithExplanations(), guard.WithErrorBody(func(d guard.Decision) (string, []byte) {
		return "application/json", []byte(`{"was":` + string(d.Body()) + `}`)
	}))
	if body := string(g.Check(t.Context(), local("Bearer null")).Body()); !strings.Contains(body, `"explanation":{"diagnosis":"null"`) {
		t.Errorf("body %s", body)
	}
}
