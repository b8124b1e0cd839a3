package adaptertest

import (
	"net/http"
	"strings"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

// reading is a right adapter but for the values of Authorization that it sees.
func reading(authorization func(r *http.Request) []string) protect {
	return func(g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) http.HandlerFunc {
		return judging(g, reqs, next, func(r *http.Request) guard.Request {
			seen := facts(r)
			header := r.Header.Clone()
			delete(header, "Authorization")
			if values := authorization(r); len(values) > 0 {
				header["Authorization"] = values
			}
			seen.Header = header
			return seen
		}, refuse)
	}
}

// one returns the first value of Authorization as edited, if there is one.
func one(edit func(value string) string) func(r *http.Request) []string {
	return func(r *http.Request) []string {
		values := r.Header.Values("Authorization")
		if len(values) == 1 {
			return []string{edit(values[0])}
		}
		return values
	}
}

func brokenReaders() []brokenAdapter {
	return []brokenAdapter{
		{"first value only", reading(func(r *http.Request) []string {
			return r.Header.Values("Authorization")[:min(1, len(r.Header.Values("Authorization")))]
		}), []bite{{"two Authorization headers", "good and bad: the handler was called 1 times"}}},

		{"last value only", reading(func(r *http.Request) []string {
			values := r.Header.Values("Authorization")
			return values[max(0, len(values)-1):]
		}), []bite{{"two Authorization headers", "bad and good: the handler was called 1 times"}}},

		{"joined values", reading(func(r *http.Request) []string {
			if values := r.Header.Values("Authorization"); len(values) > 0 {
				return []string{strings.Join(values, ", ")}
			}
			return nil
		}), []bite{{"two Authorization headers", `reason "malformed_header"`}}},

		{"last word", reading(one(func(value string) string {
			words := strings.Fields(value)
			return "Bearer " + words[len(words)-1]
		})), []bite{
			{"broken header", "scheme twice: the handler was called"},
			{"two credentials in one header", "bad and good: the handler was called"},
			{"another scheme", "Basic: the handler was called"},
		}},

		{"first of a list", reading(one(func(value string) string {
			first, _, _ := strings.Cut(value, ",")
			return first
		})), []bite{{"two credentials in one header", "good and bad: the handler was called"}}},

		{"tabs as spaces", reading(one(func(value string) string { return strings.ReplaceAll(value, "\t", " ") })), []bite{
			{"broken header", "tab between: the handler was called"},
		}},

		{"one spelling of the scheme", reading(one(func(value string) string {
			if !strings.HasPrefix(value, "Bearer ") {
				return "Other x"
			}
			return value
		})), []bite{{"scheme in any case", "bEaReR: status 401"}}},

		{"one space", reading(one(func(value string) string { return strings.Replace(value, "  ", " \x00", 1) })), []bite{
			{"several spaces", "two: status 400"},
		}},

		{"token in the query", reading(func(r *http.Request) []string {
			if token := r.URL.Query().Get("access_token"); token != "" {
				return []string{"Bearer " + token}
			}
			return r.Header.Values("Authorization")
		}), []bite{{"token in another place", "query: the handler was called"}}},

		{"token in a form", reading(func(r *http.Request) []string {
			if token := r.PostFormValue("access_token"); token != "" {
				return []string{"Bearer " + token}
			}
			return r.Header.Values("Authorization")
		}), []bite{{"token in another place", "form: the handler was called"}}},

		{"token in a cookie", reading(func(r *http.Request) []string {
			if c, err := r.Cookie("access_token"); err == nil {
				return []string{"Bearer " + c.Value}
			}
			return r.Header.Values("Authorization")
		}), []bite{{"token in another place", "cookie: the handler was called"}}},

		{"any header that says authorization", reading(func(r *http.Request) []string {
			for name, values := range r.Header {
				if strings.HasSuffix(name, "Authorization") {
					return values
				}
			}
			return nil
		}), []bite{{"token in another place", "other headers: the handler was called"}}},

		{"no method", func(g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) http.HandlerFunc {
			return judging(g, reqs, next, func(r *http.Request) guard.Request { return guard.Request{Header: r.Header} }, refuse)
		}, []bite{{"preflight", "preflight: status 401"}}},

		{"method from a header", func(g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) http.HandlerFunc {
			return judging(g, reqs, next, func(r *http.Request) guard.Request {
				seen := facts(r)
				if m := r.Header.Get("X-Http-Method-Override"); m != "" {
					seen.Method = m
				}
				return seen
			}, refuse)
		}, []bite{{"preflight", "method in a header: the handler was called"}}},
	}
}
