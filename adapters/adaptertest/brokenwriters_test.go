package adaptertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

// writing is a right adapter but for how it writes refusals.
func writing(refuse func(http.ResponseWriter, guard.Decision)) protect {
	return func(g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) http.HandlerFunc {
		return judging(g, reqs, next, facts, refuse)
	}
}

// editing writes refusals with an edited header.
func editing(edit func(h http.Header)) protect {
	return writing(func(w http.ResponseWriter, d guard.Decision) {
		h := d.Header()
		edit(h)
		maps.Copy(w.Header(), h)
		w.WriteHeader(d.Status())
		_, _ = w.Write(d.Body())
	})
}

// telling writes the authorization value into refusals.
func telling(tell func(w http.ResponseWriter, d guard.Decision, value string)) protect {
	return func(g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			d := g.Check(r.Context(), facts(r), reqs...)
			if d.Allowed() {
				pass(w, r, d, next)
				return
			}
			tell(w, d, r.Header.Get("Authorization"))
		}
	}
}

// timedWriter adds a timing that says too much.
type timedWriter struct {
	http.ResponseWriter

	value string
}

func (w timedWriter) WriteHeader(status int) {
	w.Header().Add("Server-Timing", fmt.Sprintf("guard;dur=1;desc=%q", w.value))
	w.ResponseWriter.WriteHeader(status)
}

func brokenWriters() []brokenAdapter {
	return []brokenAdapter{
		{"every refusal is 401", writing(func(w http.ResponseWriter, d guard.Decision) {
			maps.Copy(w.Header(), d.Header())
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write(d.Body())
		}), []bite{
			{"keys not available", "status 401, want 503"}, {"zero requirement", "status 401, want 500"},
			{"missing scopes", "status 401, want 403"}, {"broken header", "status 401, want 400"},
		}},

		{"no header for requests that pass", func(g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) http.HandlerFunc {
			return right(g, reqs, func(w http.ResponseWriter, r *http.Request) {
				clear(w.Header())
				next(w, r)
			})
		}, []bite{{"server timing", "good token: Server-Timing []"}}},

		{"no timing of refusals", editing(func(h http.Header) { h.Del("Server-Timing") }), []bite{
			{"server timing", "no token: Server-Timing []"}, {"server timing", "bad token: Server-Timing []"},
		}},

		{"a timing of its own", telling(func(w http.ResponseWriter, d guard.Decision, value string) {
			refuse(timedWriter{w, value}, d)
		}), []bite{
			{"server timing", "no token: Server-Timing [\"keychorus"}, {"server timing", "though nobody asked for it"},
			{"server timing", "bad token: Server-Timing"},
		}},

		{"no header", editing(func(h http.Header) { clear(h) }), []bite{
			{"no credentials", "0 challenges"}, {"missing scopes", "Cache-Control"}, {"HEAD", "0 challenges"},
		}},

		{"no challenge", editing(func(h http.Header) { h.Del("WWW-Authenticate") }), []bite{{"realm", "0 challenges"}}},

		{"challenge twice", editing(func(h http.Header) { h.Add("WWW-Authenticate", h.Get("WWW-Authenticate")) }), []bite{
			{"no credentials", "2 challenges"}, {"keys not available", "challenge"},
		}},

		{"a challenge of its own", editing(func(h http.Header) { h.Set("WWW-Authenticate", `Bearer realm="api"`) }), []bite{
			{"realm", "no token: challenge"}, {"placeholder", "challenge"}, {"nil guard", "with status 500"},
		}},

		{"bare scheme", editing(func(h http.Header) { h.Set("WWW-Authenticate", "Bearer") }), []bite{
			{"no credentials", "challenge"},
		}},

		{"no scope in the challenge", editing(func(h http.Header) {
			c, _, _ := strings.Cut(h.Get("WWW-Authenticate"), ", scope=")
			h.Set("WWW-Authenticate", c)
		}), []bite{{"missing scopes", "challenge"}}},

		{"no parameters of RFC 9470", editing(func(h http.Header) {
			c, _, _ := strings.Cut(h.Get("WWW-Authenticate"), ", max_age=")
			c, _, _ = strings.Cut(c, ", acr_values=")
			h.Set("WWW-Authenticate", c)
		}), []bite{{"old or weak login", "old: challenge"}, {"old or weak login", "weak: challenge"}}},

		{"no Retry-After", editing(func(h http.Header) { h.Del("Retry-After") }), []bite{{"keys not available", "Retry-After"}}},

		{"may be cached", editing(func(h http.Header) { h.Set("Cache-Control", "max-age=60") }), []bite{
			{"no credentials", "Cache-Control"},
		}},

		{"plain text", writing(func(w http.ResponseWriter, d guard.Decision) {
			maps.Copy(w.Header(), d.Header())
			http.Error(w, http.StatusText(d.Status()), d.Status())
		}), []bite{{"no credentials", "Content-Type"}, {"attacks", "the body is not a JSON object"}, {"error body", "hook"}}},

		{"a body of its own", writing(func(w http.ResponseWriter, d guard.Decision) {
			maps.Copy(w.Header(), d.Header())
			w.WriteHeader(d.Status())
			_ = json.NewEncoder(w).Encode(map[string]string{"title": "no"})
		}), []bite{{"no credentials", "the body says"}, {"error body", "hook"}}},

		{"tells the token in the body", telling(func(w http.ResponseWriter, d guard.Decision, value string) {
			maps.Copy(w.Header(), d.Header())
			w.WriteHeader(d.Status())
			var body map[string]any
			_ = json.Unmarshal(d.Body(), &body)
			body["detail"] = "bad credentials: " + value
			_ = json.NewEncoder(w).Encode(body)
		}), []bite{{"attacks", "comes back"}, {"missing scopes", "comes back"}, {"two Authorization headers", "comes back"}}},

		{"tells a part of the token in a header", telling(func(w http.ResponseWriter, d guard.Decision, value string) {
			w.Header().Set("X-Token", value[len(value)/2:][:min(16, len(value)/2)])
			refuse(w, d)
		}), []bite{{"attacks", "comes back"}, {"requirement without a scope", "comes back"}}},

		{"tells the cause", writing(func(w http.ResponseWriter, d guard.Decision) {
			maps.Copy(w.Header(), d.Header())
			w.WriteHeader(d.Status())
			var cause bytes.Buffer
			for err := d.Err(); err != nil; err = errors.Unwrap(err) {
				cause.WriteString(err.Error())
			}
			_, _ = w.Write(cause.Bytes())
		}), []bite{{"no credentials", "the body is not a JSON object"}, {"keys not available", "the body is not a JSON object"}}},
	}
}
