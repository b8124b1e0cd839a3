// Package twirpapi guards a Twirp server, and tells Twirp's clients what happened.
//
// A Twirp server is a [net/http.Handler], and httpauth guards it. Its clients read an error
// from a JSON object with code and msg, which [guard.WithErrorBody] makes; status and
// challenge stay those of HTTP.
package twirpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/twitchtv/twirp"
	"github.com/twitchtv/twirp/example"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/httpauth"
	"github.com/keychorus/keychorus/verifier"
)

// New returns Twirp's own example service, for those with the scope hats.
func New(g *guard.Guard) (http.Handler, error) {
	g, err := g.With(guard.WithErrorBody(errorBody))
	if err != nil {
		return nil, err
	}
	return httpauth.Protect(g, verifier.Scopes("hats"))(example.NewHaberdasherServer(hatter{})), nil
}

func errorBody(d guard.Decision) (contentType string, body []byte) {
	reason := verifier.ReasonMisconfigured
	if e, ok := errors.AsType[*verifier.Error](d.Err()); ok {
		reason = e.Reason
	}
	code, ok := map[int]twirp.ErrorCode{
		http.StatusBadRequest: twirp.InvalidArgument, http.StatusUnauthorized: twirp.Unauthenticated,
		http.StatusForbidden: twirp.PermissionDenied, http.StatusServiceUnavailable: twirp.Unavailable,
	}[d.Status()]
	if !ok {
		code = twirp.Internal
	}
	body, err := json.Marshal(map[string]any{
		"code": code, "msg": reason.Description(), "meta": map[string]string{"reason": string(reason)},
	})
	if err != nil { // strings always encode
		return "", nil
	}
	return "application/json", body
}

type hatter struct{}

func (hatter) MakeHat(ctx context.Context, size *example.Size) (*example.Hat, error) {
	token, _ := verifier.TokenFromContext(ctx)
	return &example.Hat{Size: size.GetInches(), Name: "bowler of " + token.Subject()}, nil
}
