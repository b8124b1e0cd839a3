package verifier

import (
	"errors"
	"iter"
	"net/http"
	"slices"
)

// Reason says why a token was not accepted. The set is closed: it serves as a metric
// label and as a key of docs/errors.md.
type Reason string

// The reasons. Each belongs to one root, see [Reason.Root].
const (
	ReasonNoCredentials       Reason = "no_credentials"
	ReasonMalformedHeader     Reason = "malformed_header"
	ReasonMultipleCredentials Reason = "multiple_credentials"

	ReasonPlaceholder    Reason = "placeholder"
	ReasonOpaque         Reason = "opaque"
	ReasonTooLarge       Reason = "too_large"
	ReasonMalformed      Reason = "malformed"
	ReasonEncrypted      Reason = "encrypted"
	ReasonHeader         Reason = "forbidden_header"
	ReasonAlgorithm      Reason = "algorithm"
	ReasonType           Reason = "token_type"
	ReasonIssuer         Reason = "issuer"
	ReasonUnknownKey     Reason = "unknown_key"
	ReasonUnusableKey    Reason = "unusable_key"
	ReasonAmbiguousKey   Reason = "ambiguous_key"
	ReasonDeniedKey      Reason = "denied_key"
	ReasonSignature      Reason = "signature"
	ReasonNoExpiry       Reason = "no_expiry"
	ReasonExpired        Reason = "expired"
	ReasonNotYetValid    Reason = "not_yet_valid"
	ReasonIssuedInFuture Reason = "issued_in_future"
	ReasonLifetime       Reason = "lifetime"
	ReasonWrongKind      Reason = "wrong_kind"
	ReasonNoAudience     Reason = "no_audience"
	ReasonAudience       Reason = "audience"
	ReasonClient         Reason = "client"
	ReasonMissingClaim   Reason = "missing_claim"
	ReasonMalformedClaim Reason = "malformed_claim"
	ReasonBinding        Reason = "binding"
	ReasonUnbound        Reason = "unbound"
	ReasonInactive       Reason = "inactive"
	ReasonRevoked        Reason = "revoked"

	// Of signed documents, see [Verifier.VerifyDocument].
	ReasonNotDocument Reason = "not_a_document"

	// Of proofs of possession (RFC 9449), which package guard checks.
	ReasonProofMissing   Reason = "dpop_missing"
	ReasonProofMalformed Reason = "dpop_malformed"
	ReasonProofSignature Reason = "dpop_signature"
	ReasonProofMethod    Reason = "dpop_method"
	ReasonProofURL       Reason = "dpop_url"
	ReasonProofToken     Reason = "dpop_token"
	ReasonProofTime      Reason = "dpop_time"
	ReasonProofNonce     Reason = "dpop_nonce"
	ReasonProofReplayed  Reason = "dpop_replayed"

	ReasonStepUp Reason = "step_up"

	ReasonScope       Reason = "scope"
	ReasonRequirement Reason = "requirement"

	ReasonIssuerUnavailable        Reason = "issuer_unavailable"
	ReasonKeysUnavailable          Reason = "keys_unavailable"
	ReasonKeyUndecided             Reason = "key_undecided"
	ReasonBusy                     Reason = "busy"
	ReasonIntrospectionUnavailable Reason = "introspection_unavailable"
	ReasonRevocationUnavailable    Reason = "revocation_unavailable"
	ReasonReplayUnavailable        Reason = "replay_unavailable"
	ReasonRequirementUnavailable   Reason = "requirement_unavailable"
	ReasonCanceled                 Reason = "canceled"
	ReasonClosed                   Reason = "closed"

	ReasonMisconfigured Reason = "misconfigured"
)

// Reasons yields every reason in the order of docs/errors.md.
func Reasons() iter.Seq[Reason] {
	return func(yield func(Reason) bool) {
		for i := range reasonTable {
			if !yield(reasonTable[i].reason) {
				return
			}
		}
	}
}

// Root returns the root error of the reason: one of the Err variables of this package.
// A Reason outside the closed set is a mistake of this program: ErrMisconfigured.
func (r Reason) Root() error { return r.entry().root }

// Description returns one fixed sentence for callers, free of quotes and backslashes,
// so that it may stand in error_description (RFC 6750 §3).
func (r Reason) Description() string { return r.entry().description }

// Cause returns what usually lies behind the reason, for the developer.
func (r Reason) Cause() string { return r.entry().cause }

// Fix returns what to change, and where, for the developer.
func (r Reason) Fix() string { return r.entry().fix }

// Status returns the HTTP status code that answers the reason. A canceled request is
// answered to nobody; its status is the conventional 499.
func (r Reason) Status() int {
	root := r.Root()
	switch {
	case r == ReasonCanceled:
		return 499
	case errors.Is(root, ErrInvalidRequest):
		return http.StatusBadRequest
	case errors.Is(root, ErrForbidden):
		return http.StatusForbidden
	case errors.Is(root, ErrUnavailable):
		return http.StatusServiceUnavailable
	case errors.Is(root, ErrMisconfigured):
		return http.StatusInternalServerError
	default: // no credentials, invalid token, step-up
		return http.StatusUnauthorized
	}
}

func (r Reason) entry() *reasonEntry {
	i := slices.IndexFunc(reasonTable, func(e reasonEntry) bool { return e.reason == r })
	if i < 0 {
		i = len(reasonTable) - 1
	}
	return &reasonTable[i]
}
