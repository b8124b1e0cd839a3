package verifier

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/internal/strictjson"
	"github.com/keychorus/keychorus/internal/telemetry"
)

// maxDocumentBytes bounds the compact form of a signed document.
const maxDocumentBytes = 1 << 20

// VerifyDocument checks the signature of a document that an issuer signs with the keys of its
// tokens, such as the body of a webhook, and returns the payload: one strict JSON object in
// bytes of the caller's own. compact is a JWS of at most 1 MiB in compact form (RFC 7515 §7.1)
// whose header says typ JWT or nothing of the kind; the algorithms and the keys are those of
// the policy, and an unknown key is looked for as [Verifier.Verify] does.
//
// A signature is all that is checked: neither age, nor whether the document came before, nor
// whom it is meant for. So that nothing which grants access passes as a document, whoever
// caught it, a payload with aud, sub, azp, client_id, scope, scp or exp is refused as
// [ReasonNotDocument], in any case of letters (RFC 8725 §3.12). An iss, where there is one,
// must be that of the issuer.
//
// The issuer is one of the policy or of the resolver. One that is not in use is a mistake of
// this program, [ErrMisconfigured], unless there is a resolver to say so, [ReasonIssuer]. Every
// error is an [*Error]. Safe for concurrent use.
func (v *Verifier) VerifyDocument(ctx context.Context, issuer, compact string) (payload []byte, err error) {
	arrived := time.Now()
	ctx, span := v.telemetry.StartDocument(ctx)
	if span != nil {
		defer span.End() // a hook may panic
	}
	defer v.telemetry.Region(ctx, telemetry.DocumentRegion).End()
	var met sight
	m, e := v.verifyDocument(ctx, arrived, issuer, compact, &met)
	if e != nil {
		v.tellDocument(ctx, span, arrived, &met, "", e)
		return nil, e
	}
	v.tellDocument(ctx, span, arrived, &met, m.Algorithm(), nil)
	return m.Payload(), nil // the message ends here, so that nobody else has it
}

// verifyDocument does what [Verifier.VerifyDocument] promises, and notes in met what is worth
// telling.
func (v *Verifier) verifyDocument(ctx context.Context, arrived time.Time, url, compact string, met *sight) (*jws.Message, *Error) {
	iss, e := v.issuerOf(ctx, url)
	switch {
	case e != nil && e.Reason == ReasonIssuer && v.resolve == nil:
		return nil, refuse(ReasonMisconfigured, errors.New("verifier: VerifyDocument: the issuer is not in use"))
	case e != nil:
		return nil, e
	}
	met.issuer = iss
	m, err := jws.Parse(compact, jws.Limits{TokenBytes: maxDocumentBytes})
	switch {
	case err != nil:
		return nil, formError(err)
	case !v.algorithms[m.Algorithm()]:
		return nil, refuse(ReasonAlgorithm, nil)
	case isAccessTokenType(m.Type()):
		return nil, refuse(ReasonNotDocument, nil)
	case !ProfileCompatible.acceptsType(m.Type()):
		return nil, refuse(ReasonType, nil)
	}
	key, _, err := v.keyFor(ctx, arrived, iss, m, true)
	if err != nil {
		return nil, keyError(err)
	}
	if err := v.checkSignature(ctx, m, key); err != nil {
		return nil, formError(err)
	}
	// Only now: what is not signed is not worth reading.
	d := document{issuer: iss.url}
	if err := strictjson.Read(m.Payload(), &d); err != nil {
		return nil, refuse(ReasonMalformed, err)
	}
	if d.refused != "" {
		return nil, refuse(d.refused, nil)
	}
	return m, nil
}

// document looks for what a signed document must not say.
type document struct {
	issuer  string
	refused Reason
}

// tokenMembers are what no document has: every access token and every ID token has one of
// them. Read-only.
var tokenMembers = []string{
	memberNames[memberAudience], memberNames[memberSubject], memberNames[memberExpiry], memberNames[memberScope],
	memberNames[memberScp], memberNames[memberClientID], memberNames[memberAuthorizedParty],
}

// Member takes one member of the payload.
func (d *document) Member(name []byte, value jsontext.Value, _ int) error {
	same := func(other string) bool { return strings.EqualFold(string(name), other) }
	switch {
	case slices.ContainsFunc(tokenMembers, same):
		d.refused = ReasonNotDocument
	case same(memberNames[memberIssuer]) && d.refused == "":
		if iss, ok := jsonString(string(value)); !ok || iss != d.issuer || string(name) != memberNames[memberIssuer] {
			d.refused = ReasonIssuer
		}
	}
	return nil
}
