package adaptertest

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

// letting is a right adapter that also lets requests pass which the guard refuses.
func letting(also func(r *http.Request, d guard.Decision) bool) protect {
	return func(g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if d := g.Check(r.Context(), facts(r), reqs...); d.Allowed() || also(r, d) {
				pass(w, r, d, next)
			} else {
				refuse(w, d)
			}
		}
	}
}

// lettingError lets requests pass that are refused for this kind of error.
func lettingError(root error) protect {
	return letting(func(_ *http.Request, d guard.Decision) bool { return errors.Is(d.Err(), root) })
}

// demanding is a right adapter but for the requirements that it passes on.
func demanding(choose func(reqs []verifier.Requirement) []verifier.Requirement) protect {
	return func(g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) http.HandlerFunc {
		return right(g, choose(reqs), next)
	}
}

// swapping is a right adapter but for the token that the handler gets.
func swapping(swap func(t *verifier.Token) *verifier.Token) protect {
	return func(g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			d := g.Check(r.Context(), facts(r), reqs...)
			if !d.Allowed() {
				refuse(w, d)
				return
			}
			next(w, r.WithContext(verifier.ContextWithToken(r.Context(), swap(d.Token()))))
		}
	}
}

func brokenDeciders() []brokenAdapter {
	var previous atomic.Pointer[verifier.Token]
	var pooled verifier.Token
	return []brokenAdapter{
		{"anonymous passes", lettingError(verifier.ErrNoCredentials), []bite{
			{"no credentials", "GET: the handler was called"}, {"another scheme", "the handler was called"},
			{"preflight not asked for", "the handler was called"},
		}},
		{"bad tokens pass", lettingError(verifier.ErrInvalidToken), []bite{
			{"attacks", "the handler was called"}, {"placeholder", "the handler was called"},
		}},
		{"outages pass", lettingError(verifier.ErrUnavailable), []bite{{"keys not available", "the handler was called"}}},
		{"mistakes pass", lettingError(verifier.ErrMisconfigured), []bite{
			{"zero requirement", "the handler was called"}, {"nil guard", "the handler was called"},
		}},
		{"canceled passes", letting(func(_ *http.Request, d guard.Decision) bool { return d.Status() == 499 }), []bite{
			{"caller leaves", "for a caller who had left"},
		}},
		{"HEAD passes", letting(func(r *http.Request, _ guard.Decision) bool { return r.Method == http.MethodHead }), []bite{
			{"HEAD", "the handler was called"},
		}},
		{"OPTIONS passes", letting(func(r *http.Request, _ guard.Decision) bool { return r.Method == http.MethodOptions }), []bite{
			{"preflight", "OPTIONS alone: the handler was called"}, {"preflight not asked for", "the handler was called"},
			{"no credentials", "OPTIONS: the handler was called"},
		}},

		{"goes on after a refusal", func(g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				d := g.Check(r.Context(), facts(r), reqs...)
				if !d.Allowed() {
					refuse(w, d)
				}
				pass(w, r, d, next)
			}
		}, []bite{{"no credentials", "the handler was called"}, {"old or weak login", "the handler was called"}}},

		{"bad is anonymous", func(g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				d := g.Check(r.Context(), facts(r), reqs...)
				if !d.Allowed() {
					d = g.Check(r.Context(), guard.Request{Method: r.Method}, reqs...)
				}
				if !d.Allowed() {
					refuse(w, d)
					return
				}
				pass(w, r, d, next)
			}
		}, []bite{{"optional", "bad token: the handler was called"}}},

		{"a token is always needed", func(g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				d := g.Check(r.Context(), facts(r), reqs...)
				if d.Token() == nil {
					refuse(w, guard.Decision{})
					return
				}
				pass(w, r, d, next)
			}
		}, []bite{{"optional", "nothing sent: status 500"}, {"preflight", "preflight: status 500"}}},

		{"no requirements", demanding(func([]verifier.Requirement) []verifier.Requirement { return nil }), []bite{
			{"missing scopes", "the handler was called"}, {"requirement without a scope", "not met: the handler was called"},
			{"every requirement counts", "the handler was called"}, {"old or weak login", "the handler was called"},
			{"zero requirement", "the handler was called"}, {"optional", "nothing sent, but required: the handler was called"},
		}},
		{"first requirement", demanding(func(reqs []verifier.Requirement) []verifier.Requirement { return reqs[:min(1, len(reqs))] }),
			[]bite{{"every requirement counts", "the last: the handler was called"}}},
		{"last requirement", demanding(func(reqs []verifier.Requirement) []verifier.Requirement { return reqs[max(0, len(reqs)-1):] }),
			[]bite{{"every requirement counts", "the first: the handler was called"}}},

		{"no context", func(g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) http.HandlerFunc {
			return right(g, reqs, func(w http.ResponseWriter, r *http.Request) { next(w, r.WithContext(context.Background())) })
		}, []bite{{"token in the context", "another token than that of the request, or none"}}},

		{"the token of the request before", swapping(func(t *verifier.Token) *verifier.Token {
			if before := previous.Swap(t); before != nil {
				return before
			}
			return t
		}), []bite{{"many callers at one time", "body"}, {"one connection, many callers", "body"}}},

		{"a token that is used again", swapping(func(t *verifier.Token) *verifier.Token {
			pooled = *t
			return &pooled
		}), []bite{{"one connection, many callers", "another subject after the request"}}},

		{"asks once for a connection", oncePerConnection, []bite{
			{"one connection, many callers", "nothing sent after a good token: the handler was called"},
			{"one connection, many callers", "forged after a good token: the handler was called"},
		}},
	}
}

func oncePerConnection(g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) http.HandlerFunc {
	var known sync.Map // of guard.Decision by address of the peer
	return func(w http.ResponseWriter, r *http.Request) {
		d := g.Check(r.Context(), facts(r), reqs...)
		if before, ok := known.Load(r.RemoteAddr); ok {
			d, _ = before.(guard.Decision)
		}
		if !d.Allowed() {
			refuse(w, d)
			return
		}
		known.Store(r.RemoteAddr, d)
		pass(w, r, d, next)
	}
}
