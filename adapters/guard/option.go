package guard

import (
	"errors"
	"fmt"
	"mime"
	"strings"
)

// defaultRealm is there because a challenge needs a parameter (RFC 6750 §3).
const defaultRealm = "api"

// Option varies a [Guard].
type Option interface {
	name() string
	apply(s *settings) error
}

type settings struct {
	realm     string
	metadata  string // URL, or ""
	optional  bool
	preflight bool
	errorBody func(Decision) (string, []byte)
	cookie    string // name, or ""
	proxies   *proxies
	dpop      *proofs
	mtls      bool
	boundOnly bool
	timing    bool

	explanations bool
}

// apply sets every option and returns all problems.
func (s *settings) apply(opts []Option) error {
	var problems []error
	seen := make(map[string]bool, len(opts))
	for _, o := range opts {
		if o == nil {
			problems = append(problems, errors.New("an Option is nil"))
			continue
		}
		if seen[o.name()] {
			problems = append(problems, fmt.Errorf("%s is given twice", o.name()))
		}
		seen[o.name()] = true
		if err := o.apply(s); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", o.name(), err))
		}
	}
	if s.boundOnly && s.dpop == nil && !s.mtls {
		problems = append(problems, errors.New("WithBoundTokens needs WithDPoP or WithMTLS: no token could pass"))
	}
	if s.explanations && s.proxies != nil {
		problems = append(problems, errExplainedProxies)
	}
	return errors.Join(problems...)
}

// checksBindings tells whether a request needs more than its token.
func (s *settings) checksBindings(c credentials) bool { return c.dpop || s.mtls || s.boundOnly }

type option struct {
	is  string
	set func(*settings) error
}

func (o option) name() string            { return o.is }
func (o option) apply(s *settings) error { return o.set(s) }

// WithRealm names the protection space in challenges (RFC 9110 §11.5). The realm is
// printable ASCII without quote and backslash; anything else, and an empty realm, is an
// error. Default: api.
func WithRealm(realm string) Option {
	return option{"WithRealm", func(s *settings) error {
		if realm == "" || quotable(realm) != realm {
			return errors.New("the realm must be printable ASCII without quote and backslash, and not empty")
		}
		s.realm = realm
		return nil
	}}
}

// WithOptional lets requests without credentials pass as anonymous where the route has
// no requirement. Credentials that are there are judged as ever, and bad ones refused.
// Default: a token is needed.
func WithOptional() Option {
	return option{"WithOptional", func(s *settings) error {
		s.optional = true
		return nil
	}}
}

// WithPreflight lets CORS preflight requests pass as anonymous, whatever the route
// requires: those with the method OPTIONS, an Origin and an Access-Control-Request-Method.
// Anyone can send such a request, so what answers OPTIONS behind the guard must do nothing
// else. It is not needed where CORS is handled outside the guard, which is the better
// place. Default: OPTIONS is judged like any other method.
func WithPreflight() Option {
	return option{"WithPreflight", func(s *settings) error {
		s.preflight = true
		return nil
	}}
}

// WithCookie also takes the token from the cookie of this name, for pages that the API's own
// origin serves. A request with both the cookie and an Authorization header, or with two such
// cookies, carries two credentials and is refused. A cookie cannot carry a DPoP-bound token.
//
// Browsers attach cookies to requests that other sites cause. A route that changes anything
// then needs protection against cross-site request forgery, which this package does not
// give: put [net/http.CrossOriginProtection] in front, and set the cookie with Secure,
// HttpOnly, SameSite=Lax or Strict, and a name that begins with __Host-.
//
// An empty or malformed name is an error. Default: cookies are not looked at.
func WithCookie(name string) Option {
	return option{"WithCookie", func(s *settings) error {
		if !consistsOf(name, tokenChars) { // RFC 6265 §4.1.1
			return errors.New("the name is not one of a cookie")
		}
		s.cookie = name
		return nil
	}}
}

// WithErrorBody has body write the bodies of refusals. It gets the Decision with the body
// it replaces, and returns a media type (RFC 9110 §8.3.1) and the bytes; status and
// challenge stay as decided. A malformed media type is sent as application/octet-stream.
// body must be safe for concurrent use, and should not repeat what a request says. It is
// not asked when the caller has left. A nil function is an error. Default: a problem
// document, see the package comment.
func WithErrorBody(body func(Decision) (contentType string, body []byte)) Option {
	return option{"WithErrorBody", func(s *settings) error {
		if body == nil {
			return errors.New("the function is nil")
		}
		s.errorBody = body
		return nil
	}}
}

// mediaType returns a media type in canonical form, so that nothing else can reach the
// header.
func mediaType(s string) string {
	if base, params, err := mime.ParseMediaType(s); err == nil && strings.Contains(base, "/") {
		if canonical := mime.FormatMediaType(base, params); canonical != "" {
			return canonical
		}
	}
	return "application/octet-stream"
}
