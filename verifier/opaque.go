package verifier

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keychorus/keychorus/internal/strictjson"
)

// defaultTokenBytes is what Policy.MaxTokenBytes of 0 means, as in internal/jws.
const defaultTokenBytes = 16 << 10

// WithOpaqueTokens accepts tokens that are not JWTs: those without exactly two dots. lookup is
// asked about each, mostly by introspection (RFC 7662 §2.1), and returns the claims as one JSON
// object, which the policy then judges as it judges those of a JWT: active must be true, iss
// must name an accepted issuer, aud this API, exp a time to come, and so on. A lookup whose
// server leaves out a claim that the policy asks for has to add it. A cnf must be answered by
// [Confirmed], and [WithRevocation] is asked too. [Policy.Profile] and [Policy.Algorithms]
// say nothing of tokens without a header but for the claims that ProfileRFC9068 requires.
//
// An error that wraps [ErrInvalidToken] means that the token is unknown, and refuses it as
// an answer without active does; any other error, and claims that are no JSON object, mean
// that nobody can tell: [ErrUnavailable]. lookup gets a copy of the token of at most
// Policy.MaxTokenBytes and the context of Verify, which sets no deadline of its own. It must be
// safe for concurrent use, bound its waiting, never log the token, and, if it remembers
// answers, do so under a hash of the whole token and no longer than exp (RFC 7662 §4).
//
// A [Token] of this kind has no Algorithm, KeyID and Type. A nil function is an error.
// Default: such tokens are refused.
func WithOpaqueTokens(lookup func(ctx context.Context, token string) (claims []byte, err error)) Option {
	return option(func(c *config) error {
		if lookup == nil {
			return errors.New("verifier: WithOpaqueTokens: the function is nil")
		}
		c.lookup = lookup
		return nil
	})
}

// isOpaque tells whether a token is not in the compact form of a JWS (RFC 7515 §3.1).
func isOpaque(token string) bool { return strings.Count(token, ".") != 2 }

// verifyOpaque is [Verifier.Verify] for opaque tokens: somebody else's word takes the place
// of the signature, and everything after it is the same.
func (v *Verifier) verifyOpaque(ctx context.Context, token string, met *sight) (*Token, *Error) {
	answer, e := v.ask(ctx, token)
	if e != nil {
		return nil, e
	}
	var active activeMember
	if err := strictjson.Read(answer, &active); err != nil {
		return nil, unavailable(ReasonIntrospectionUnavailable, err)
	}
	if !active { // before anything else is believed: an inactive answer has no other claims
		return nil, refuse(ReasonInactive, nil)
	}
	t := &Token{verifier: v}
	c := &t.claims
	if err := c.parse(answer); err != nil {
		return nil, unavailable(ReasonIntrospectionUnavailable, err)
	}
	c.tokenUse = strings.TrimSuffix(c.tokenUse, "_token") // as introspection of Ory Hydra spells it
	iss, e := v.issuerOf(ctx, c.issuer)
	if e != nil {
		return nil, e
	}
	met.issuer = iss
	if e := v.judge(iss, "", c, v.wallClock(time.Now())); e != nil {
		return nil, e
	}
	t.issuer = iss.url
	return t, nil
}

// ask asks the hook about a token that could be one.
func (v *Verifier) ask(ctx context.Context, token string) ([]byte, *Error) {
	limit := v.maxTokenBytes
	if limit == 0 {
		limit = defaultTokenBytes
	}
	switch {
	case isPlaceholder(token):
		return nil, refuse(ReasonPlaceholder, nil)
	case len(token) > limit:
		return nil, refuse(ReasonTooLarge, nil)
	case v.closed.Load():
		return nil, unavailable(ReasonClosed, nil)
	}
	answer, err := v.lookup(ctx, strings.Clone(token)) // a hook may keep it, the caller's memory may change
	switch {
	case err == nil:
		return answer, nil
	case ctx.Err() != nil:
		return nil, refuse(ReasonCanceled, ctx.Err())
	case errors.Is(err, ErrInvalidToken):
		return nil, refuse(ReasonInactive, err)
	default:
		return nil, unavailable(ReasonIntrospectionUnavailable, err)
	}
}

// activeMember tells whether an answer says "active": true; anything else, "true" included,
// says that it is not (RFC 7662 §2.2).
type activeMember bool

// Member takes one member of the answer.
func (a *activeMember) Member(name []byte, value jsontext.Value, _ int) error {
	if string(name) == "active" {
		*a = value.Kind() == 't'
	}
	return nil
}
