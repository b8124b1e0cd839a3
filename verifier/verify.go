package verifier

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/internal/telemetry"
)

// defaultRetryAfter goes with an ErrUnavailable whose end nobody knows.
const defaultRetryAfter = 5 * time.Second

// Verify decides whether token, the compact form alone without a scheme, is acceptable
// under the policy. The Token is non-nil if and only if the error is nil; the error is an
// [*Error]. With a known key it takes neither network nor locks; with a new one it waits at
// most as long as Policy.Keys says, or until ctx ends. Safe for concurrent use. It keeps
// no part of token, so that the caller may reuse the memory behind it.
func (v *Verifier) Verify(ctx context.Context, token string, opts ...VerifyOption) (*Token, error) {
	arrived := time.Now()
	ctx, span := v.telemetry.StartVerify(ctx)
	if span != nil {
		defer span.End() // a hook may panic
	}
	defer v.telemetry.Region(ctx, telemetry.VerifyRegion).End()
	var met sight
	t, e := v.verify(ctx, arrived, token, opts, &met)
	v.tell(ctx, span, arrived, &met, t, e)
	if e != nil {
		return nil, e
	}
	return t, nil
}

// verify does what [Verifier.Verify] promises, and notes in met what is worth telling.
func (v *Verifier) verify(
	ctx context.Context, arrived time.Time, token string, opts []VerifyOption, met *sight,
) (*Token, *Error) {
	var t *Token
	var e *Error
	if v.lookup != nil && token != "" && isOpaque(token) {
		t, e = v.verifyOpaque(ctx, token, met)
	} else {
		t, e = v.verifyJWT(ctx, arrived, token, met)
	}
	if e != nil {
		return nil, e
	}
	if !t.claims.confirmed(proved(opts)) {
		return nil, refuse(ReasonBinding, nil)
	}
	if e := v.checkRevoked(ctx, t); e != nil {
		return nil, e
	}
	return t, nil
}

// proved returns what the caller has proved. Only who proves something pays for it.
func proved(opts []VerifyOption) Confirmation {
	if len(opts) == 0 {
		return Confirmation{}
	}
	c := new(Confirmation)
	for _, o := range opts {
		o.applyVerify(c)
	}
	return *c
}

// verifyJWT does what a signature and claims can tell.
func (v *Verifier) verifyJWT(ctx context.Context, arrived time.Time, token string, met *sight) (*Token, *Error) {
	var name tokenName
	if v.cache != nil {
		name = nameOf(token)
		if t := v.recall(ctx, name, arrived, met); t != nil {
			return t, nil
		}
	}
	m := new(jws.Message)
	if e := v.parse(m, token); e != nil {
		return nil, e
	}
	t := &Token{algorithm: Algorithm(m.Algorithm()), keyID: m.KeyID(), typ: m.Type(), verifier: v}
	c := &t.claims
	if err := c.parse(m.Payload()); err != nil {
		return nil, refuse(ReasonMalformed, err)
	}
	iss, e := v.issuerOf(ctx, c.issuer)
	if e != nil {
		return nil, e
	}
	met.issuer = iss
	verdict := v.judge(iss, m.Type(), c, v.wallClock(arrived))
	key, waited, err := v.keyFor(ctx, arrived, iss, m, verdict == nil)
	if err != nil {
		return nil, keyError(err)
	}
	if err := v.checkSignature(ctx, m, key); err != nil {
		return nil, formError(err)
	}
	v.headers.Remember(m)
	if waited {
		verdict = v.judge(iss, m.Type(), c, v.wallClock(time.Now()))
	}
	if verdict != nil {
		return nil, verdict
	}
	t.issuer = iss.url
	if v.cache != nil {
		v.remember(name, arrived, t, iss, key)
	}
	return t, nil
}

// keyFor returns the key that a message names, and whether that took waiting. promising says
// that it is worth to look for a key that is not at hand.
func (v *Verifier) keyFor(
	ctx context.Context, arrived time.Time, iss *issuer, m *jws.Message, promising bool,
) (key *jws.Key, waited bool, err error) {
	defer v.telemetry.Region(ctx, telemetry.LookupRegion).End()
	return iss.source.Key(ctx, arrived, m.Algorithm(), m.KeyID(), promising)
}

func (v *Verifier) checkSignature(ctx context.Context, m *jws.Message, key *jws.Key) error {
	defer v.telemetry.Region(ctx, telemetry.SignatureRegion).End()
	return m.Verify(key)
}

// parse reads the form and the header, which need no key.
func (v *Verifier) parse(m *jws.Message, token string) *Error {
	if token == "" {
		return refuse(ReasonNoCredentials, nil)
	}
	err := v.headers.Parse(m, token, jws.Limits{TokenBytes: v.maxTokenBytes})
	switch {
	case err == nil:
	case isPlaceholder(token): // which is no token, so that only refusals look
		return refuse(ReasonPlaceholder, nil)
	default:
		return formError(err)
	}
	if !v.algorithms[m.Algorithm()] {
		return refuse(ReasonAlgorithm, nil)
	}
	if !v.profile.acceptsType(m.Type()) {
		return refuse(ReasonType, nil)
	}
	return nil
}

func (v *Verifier) checkRevoked(ctx context.Context, t *Token) *Error {
	if v.revoked == nil {
		return nil
	}
	revoked, err := v.revoked(ctx, t)
	switch {
	case err != nil && ctx.Err() != nil:
		return refuse(ReasonCanceled, ctx.Err())
	case err != nil:
		return unavailable(ReasonRevocationUnavailable, err)
	case revoked:
		return refuse(ReasonRevoked, nil)
	}
	return nil
}

// isPlaceholder knows what a page sends when it has no token yet.
func isPlaceholder(token string) bool {
	return anyFold(token, "undefined", "null", "[object Promise]", "[object", "Object]", "NaN", "false", "true") ||
		strings.HasPrefix(token, "[object ")
}

// formError maps what internal/jws reports. The table is total, see its test.
func formError(err error) *Error {
	if errors.Is(err, jws.ErrSignature) {
		return refuse(ReasonSignature, nil)
	}
	var je *jws.Error
	if !errors.As(err, &je) {
		return refuse(ReasonMalformed, err)
	}
	reason, ok := formReasons[je.Code]
	if !ok {
		reason = ReasonMalformed
	}
	return refuse(reason, err)
}

// formReasons is read-only.
var formReasons = map[jws.Code]Reason{
	jws.BadAlgorithm: ReasonAlgorithm,
	jws.TooLarge:     ReasonTooLarge,
	jws.Malformed:    ReasonMalformed,
	jws.Encrypted:    ReasonEncrypted,
	jws.Opaque:       ReasonOpaque,
	jws.Forbidden:    ReasonHeader,
	jws.KeyID:        ReasonMalformed,
	jws.Type:         ReasonType,
	jws.KeyUnfit:     ReasonUnusableKey,
}

// keyReasons is read-only.
var keyReasons = map[keyring.Code]Reason{
	keyring.Unknown:     ReasonUnknownKey,
	keyring.Unusable:    ReasonUnusableKey,
	keyring.Ambiguous:   ReasonAmbiguousKey,
	keyring.Denied:      ReasonDeniedKey,
	keyring.Unavailable: ReasonKeysUnavailable,
	keyring.Undecided:   ReasonKeyUndecided,
	keyring.Busy:        ReasonBusy,
	keyring.Canceled:    ReasonCanceled,
	keyring.Closed:      ReasonClosed,
}

// keyError maps what internal/keyring reports.
func keyError(err error) *Error {
	var ke *keyring.Error
	if !errors.As(err, &ke) {
		return refuse(ReasonMisconfigured, err)
	}
	reason, ok := keyReasons[ke.Code]
	if !ok {
		return refuse(ReasonMisconfigured, err)
	}
	if errors.Is(ke.Err, context.DeadlineExceeded) && reason == ReasonCanceled {
		// Somebody set a limit, and may still be there to be told.
		return unavailable(ReasonKeysUnavailable, ke.Err)
	}
	return &Error{Reason: reason, RetryAfter: ke.RetryAfter, cause: ke.Err}
}
