package verifier

import (
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// sample is a token under examination. Nothing that it says is believed or repeated: it is
// compared with the policy, and the comparison put into words.
type sample struct {
	v       *Verifier
	token   string
	refusal *Error // nil if accepted
	now     time.Time
	issuer  *issuer // nil if none is accepted
	proved  Confirmation
	opaque  bool // WithOpaqueTokens was asked

	header    map[string]jsontext.Value // nil if unreadable
	claims    *claims                   // nil if unreadable
	signature int                       // bytes, 0 if unreadable
}

// sampleOf reads what can be read of a token, more loosely than verification does.
func (v *Verifier) sampleOf(token string, refusal *Error) *sample {
	s := &sample{
		v: v, token: token, refusal: refusal, now: v.wallClock(time.Now()),
		opaque: v.lookup != nil && token != "" && isOpaque(token),
	}
	if len(token) > v.tokenBytes() || strings.Count(token, ".") != 2 { // before anything is made of it
		return s
	}
	parts := strings.Split(token, ".")
	if raw, err := base64.RawURLEncoding.DecodeString(parts[0]); err == nil {
		_ = json.Unmarshal(raw, &s.header) // stays nil
	}
	if raw, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
		c := new(claims)
		if c.parse(raw) == nil {
			s.claims = c
		}
	}
	if raw, err := base64.RawURLEncoding.DecodeString(parts[2]); err == nil {
		s.signature = len(raw)
	}
	s.issuer = s.acceptedIssuer()
	return s
}

// acceptedIssuer returns the issuer that the claims name: one of the policy, or one that the
// resolver has just allowed.
func (s *sample) acceptedIssuer() *issuer {
	if s.claims == nil {
		return nil
	}
	if iss, ok := s.v.byURL[s.claims.issuer]; ok {
		return iss
	}
	if s.v.resolve == nil || s.refusal != nil && (slices.Contains(
		[]string{checkForm, checkHeader, checkIssuer}, s.stageOf())) {
		return nil // not asked about, or not allowed
	}
	if source := s.v.ring.Tenant(s.claims.issuer); source != nil {
		iss, _ := source.Owner().(*issuer)
		return iss
	}
	return nil
}

// parameter returns a header parameter that is a string, or "".
func (s *sample) parameter(name string) string {
	text, _ := jsonString(string(s.header[name]))
	return text
}

func (s *sample) hasParameter(names ...string) bool {
	for _, name := range names {
		if _, ok := s.header[name]; ok {
			return true
		}
	}
	return false
}

// finding is what is wrong, and by how much. The zero finding is nothing.
type finding struct {
	diagnosis string
	measure   string // a duration or a name of the policy, or ""
}

// text says what is wrong, for people.
func (f finding) text() string {
	text := causeOf(f.diagnosis)
	if f.measure != "" {
		text += " (" + f.measure + ")"
	}
	return text
}

// diagnose returns what most likely lies behind the refusal: something finer than the reason,
// or else the reason.
func (s *sample) diagnose() finding {
	var f finding
	switch stage := s.stageOf(); stage {
	case checkForm:
		f.diagnosis = s.form()
	case checkHeader:
		f.diagnosis = s.headerFault()
	case checkKey:
		f.diagnosis = s.keyFault()
	case checkSignature:
		if s.short() {
			f.diagnosis = diagnosisCut
		}
	default:
		if judge := s.judges()[stage]; judge != nil && s.claims != nil && s.agrees(stage) {
			f = judge()
		}
	}
	if f.diagnosis == "" {
		f.diagnosis = string(s.refusal.Reason)
	}
	return f
}

// agrees tells whether a judge of the stage can know why Verify refused: not if a hook did.
func (s *sample) agrees(stage string) bool {
	return !s.opaque && (stage != checkIssuer || s.refusal.Reason == ReasonIssuer)
}

// judges are the checks that need the claims alone.
func (s *sample) judges() map[string]func() finding {
	return map[string]func() finding{
		checkIssuer: s.issuerFault, checkClaims: s.claimFault, checkTime: s.timeFault, checkKind: s.kindFault,
		checkAudience: s.audienceFault, checkClient: s.clientFault, checkRequired: s.requiredFault,
		checkBinding: s.bindingFault,
	}
}
