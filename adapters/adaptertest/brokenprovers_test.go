package adaptertest

import (
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

// seeing is a right adapter but for what it tells of a request.
func seeing(edit func(r *http.Request, seen *guard.Request)) protect {
	return func(g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) http.HandlerFunc {
		return judging(g, reqs, next, func(r *http.Request) guard.Request {
			seen := facts(r)
			edit(r, &seen)
			return seen
		}, refuse)
	}
}

// editingField is a right adapter but for the values that it sees of one field, "" being all.
func editingField(name string, edit func(values []string) []string) protect {
	return seeing(func(r *http.Request, seen *guard.Request) {
		header := r.Header.Clone()
		for field, values := range header {
			if name == "" || field == name {
				header[field] = edit(values)
			}
		}
		seen.Header = header
	})
}

// tellingField writes a field of the request into refusals.
func tellingField(name string) protect {
	return func(g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header()["X-Told"] = r.Header.Values(name)
			right(g, reqs, next)(w, r)
		}
	}
}

func firstOf(values []string) []string { return values[:1] }
func lastOf(values []string) []string  { return values[len(values)-1:] }

func brokenProvers() []brokenAdapter {
	var pooled atomic.Pointer[verifier.Token]
	return []brokenAdapter{
		{"no cookies", editingField("Cookie", func([]string) []string { return nil }), []bite{{"cookie", "cookie: status 401"}}},
		{"first cookie field", editingField("Cookie", firstOf), []bite{{"cookie", "cookie in a second field: status 401"}}},
		{"cookie goes before header", seeing(func(r *http.Request, seen *guard.Request) {
			if _, err := r.Cookie("token"); err == nil {
				header := r.Header.Clone()
				header.Del("Authorization")
				seen.Header = header
			}
		}), []bite{{"cookie", "cookie and bad header: the handler was called"}}},
		{"tells a cookie", tellingField("Cookie"), []bite{
			{"cookie", "bad cookie: a part of the credentials comes back"},
		}},
		{"tells a proof", tellingField("DPoP"), []bite{
			{"proofs", "the same proof: a part of the credentials comes back"},
		}},

		{"no resource metadata", editing(func(h http.Header) {
			for i, c := range h["Www-Authenticate"] {
				h["Www-Authenticate"][i], _, _ = strings.Cut(c, ", resource_metadata=")
			}
		}), []bite{{"resource metadata", "no token: challenge"}}},
		{"first challenge only", editing(func(h http.Header) {
			if values := h["Www-Authenticate"]; len(values) > 0 {
				h["Www-Authenticate"] = values[:1]
			}
		}), []bite{{"several challenges", "1 challenges, want 2"}, {"proofs", "1 challenges, want 2"}}},
		{"challenges in one field", editing(func(h http.Header) {
			if values := h["Www-Authenticate"]; len(values) > 0 {
				h.Set("WWW-Authenticate", strings.Join(values, ", "))
			}
		}), []bite{{"several challenges", "1 challenges, want 2"}}},
		{"no nonce", editing(func(h http.Header) { h.Del("DPoP-Nonce") }), []bite{{"nonces", "no nonce: DPoP-Nonce"}}},

		{"first proof", editingField("Dpop", firstOf), []bite{{"proofs", "two proofs: the handler was called"}}},
		{"last proof", editingField("Dpop", lastOf), []bite{{"proofs", "bad and good proof: the handler was called"}}},
		{"no proof", editingField("Dpop", func([]string) []string { return nil }), []bite{{"proofs", "good proof: status 401"}}},
		{"no scheme", seeing(func(_ *http.Request, seen *guard.Request) { seen.Scheme = "" }), []bite{{"proofs", "good proof: status 401"}}},
		{"no host", seeing(func(_ *http.Request, seen *guard.Request) { seen.Host = "" }), []bite{{"proofs", "good proof: status 401"}}},
		{"host and scheme of headers", seeing(func(r *http.Request, seen *guard.Request) {
			if host := r.Header.Get("X-Forwarded-Host"); host != "" {
				seen.Host, seen.Scheme = host, r.Header.Get("X-Forwarded-Proto")
			}
		}), []bite{{"host as sent", "the handler was called"}}},
		{"decoded path", seeing(func(r *http.Request, seen *guard.Request) { seen.Path = r.URL.Path }), []bite{
			{"path as sent", "encoded slash: status 401"}, {"path as sent", "decoded slash: the handler was called"},
			{"path as sent", "encoded space and percent: status 401"},
		}},

		{"no address", seeing(func(_ *http.Request, seen *guard.Request) { seen.RemoteAddr = "" }), []bite{
			{"behind a proxy", "through a proxy: status 401"},
		}},
		{"address of a header", seeing(func(_ *http.Request, seen *guard.Request) { seen.RemoteAddr = "192.0.2.1:1" }), []bite{
			{"behind a proxy", "certificate: status 401"},
		}},
		{"first value of every field", editingField("", firstOf), []bite{
			{"behind a proxy", "the last of two fields: status 401"}, {"behind a proxy", "two certificates: the handler was called"},
		}},

		{"asks once for a connection, proofs too", oncePerConnection, []bite{
			{"proofs on one connection", `body "ada", want 200 "bob"`}, {"proofs on one connection", "used before others: the handler was called"},
		}},
		{"the token of the request before, with proofs", swapping(func(t *verifier.Token) *verifier.Token {
			if before := pooled.Swap(t); before != nil {
				return before
			}
			return t
		}), []bite{{"proofs on one connection", `body "ada", want 200 "bob"`}}},
		{"proofs pass when nobody can tell", lettingError(verifier.ErrUnavailable), []bite{
			{"replay check not available", "the handler was called"},
		}},
		{"canceled passes at the last moment", letting(func(_ *http.Request, d guard.Decision) bool { return d.Status() == 499 }), []bite{
			{"caller leaves at the last moment", "for a caller who had left"},
		}},
	}
}
