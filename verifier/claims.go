package verifier

import (
	"errors"
	"iter"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keychorus/keychorus/internal/strictjson"
)

// payloadLimits bound the nesting of a payload and its members at all depths, maxAudiences the
// list of aud: far above what issuers mint, below what makes a decoder work hard.
var payloadLimits = strictjson.Limits{Depth: 16, Members: 512} // read-only

const maxAudiences = 512

// maxSeconds is 9999-12-31T23:59:59Z: a date beyond it is no date (RFC 7519 §2).
const maxSeconds = 253402300799

var errClaim = errors.New("verifier: a registered claim has the wrong type")

// claims is a payload decoded once. Strings are parts of payload, which is a copy that
// no caller holds.
type claims struct {
	payload string

	issuer, subject, id, clientID, authorizedParty string
	tokenUse, payloadType                          string
	audience                                       []string

	// scope and scp are JSON values: a string or a list of strings.
	scope, scp, confirmation string

	expiry, notBefore, issuedAt, authTime numericDate

	present marks
	problem error // the first registered claim of the wrong type
}

// errFolded refuses a payload with two spellings of one claim, as other decoders see it.
var errFolded = errors.New("verifier: a claim name folds onto a registered one")

// parse decodes a payload. The error says that it is no well-formed JSON object;
// a well-formed object with a registered claim of the wrong type is told by problem, so
// that nothing about claims is reported before the signature holds.
func (c *claims) parse(raw []byte) error {
	c.payload = string(raw)
	return payloadLimits.Read(raw, c)
}

// Member takes one claim.
func (c *claims) Member(name []byte, value jsontext.Value, offset int) error {
	m := memberOf(name)
	switch m {
	case unregistered:
		return nil
	case folded:
		return errFolded
	}
	c.present |= 1 << m
	if !c.take(m, c.payload[offset:offset+len(value)]) && c.problem == nil {
		c.problem = errClaim
	}
	return nil
}

// take stores one registered claim and tells whether its type is right.
func (c *claims) take(m member, value string) (ok bool) {
	switch m {
	case memberIssuer:
		c.issuer, ok = jsonString(value)
	case memberSubject:
		c.subject, ok = jsonString(value)
	case memberID:
		c.id, ok = jsonString(value)
	case memberClientID:
		c.clientID, ok = jsonString(value)
	case memberAuthorizedParty:
		c.authorizedParty, ok = jsonString(value)
	case memberTokenUse:
		c.tokenUse, ok = jsonString(value)
	case memberType:
		// Only strings tell the kind; other issuers use the name for what they like.
		c.payloadType, _ = jsonString(value)
		ok = true
	case memberAudience:
		c.audience, ok = jsonStrings(value, maxAudiences)
	case memberScope:
		c.scope, ok = value, isStrings(value)
	case memberScp:
		c.scp, ok = value, isStrings(value)
	case memberConfirmation:
		c.confirmation, ok = value, value[0] == '{'
	case memberExpiry:
		c.expiry, ok = parseDate(value)
	case memberNotBefore:
		c.notBefore, ok = parseDate(value)
	case memberIssuedAt:
		c.issuedAt, ok = parseDate(value)
	case memberAuthTime:
		c.authTime, ok = parseDate(value)
	default: // presence alone counts
		ok = true
	}
	return ok
}

// client returns the party the token was issued to.
func (c *claims) client() string {
	if c.clientID != "" {
		return c.clientID
	}
	return c.authorizedParty
}

// scopes yields the union of scope and scp, each scope once.
func (c *claims) scopes() iter.Seq[string] {
	return func(yield func(string) bool) {
		for s := range scopeValues(c.scope) {
			if !yield(s) {
				return
			}
		}
		for s := range scopeValues(c.scp) {
			if holds(c.scope, s) {
				continue
			}
			if !yield(s) {
				return
			}
		}
	}
}

func holds(value, scope string) bool {
	for s := range scopeValues(value) {
		if s == scope {
			return true
		}
	}
	return false
}

// scopeValues yields the scopes of a JSON value: the words of a string, the elements of
// a list as they are. An element with a space in it is no scope that anyone can require.
func scopeValues(value string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if value == "" {
			return
		}
		if value[0] == '"' {
			s, _ := jsonString(value)
			fields(s, yield)
			return
		}
		for s := range elements(value) {
			if !yield(s) {
				return
			}
		}
	}
}

// lookup returns the JSON value of a top-level claim.
func (c *claims) lookup(name string) (string, bool) {
	f := finder{name: name}
	if payloadLimits.Read([]byte(c.payload), &f) != errFound { //nolint:errorlint // nobody wraps it
		return "", false
	}
	return c.payload[f.start:f.end], true
}

// finder looks for a member by name.
type finder struct {
	name       string
	start, end int
}

var errFound = errors.New("verifier: found")

// Member ends the reading at the member that is looked for.
func (f *finder) Member(name []byte, value jsontext.Value, offset int) error {
	if string(name) != f.name {
		return nil
	}
	f.start, f.end = offset, offset+len(value)
	return errFound
}

// numericDate is a NumericDate (RFC 7519 §2).
type numericDate struct {
	seconds int64
	nanos   int32
	set     bool
}

func (d numericDate) time() time.Time {
	if !d.set {
		return time.Time{}
	}
	return time.Unix(d.seconds, int64(d.nanos)).UTC()
}

// parseDate reads a JSON value.
func parseDate(value string) (numericDate, bool) {
	if n, ok := digits(value); ok {
		return numericDate{seconds: n, set: true}, n <= maxSeconds
	}
	if value[0] != '-' && (value[0] < '0' || value[0] > '9') {
		return numericDate{}, false
	}
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || f < 0 || f > maxSeconds {
		return numericDate{}, false
	}
	whole := int64(f)
	return numericDate{seconds: whole, nanos: int32((f - float64(whole)) * 1e9), set: true}, true
}

// digits returns the number that nothing but digits make, which is how dates are mostly
// written, or one beyond maxSeconds if it is.
func digits(value string) (n int64, ok bool) {
	for i := range len(value) {
		d := value[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = min(10*n+int64(d), maxSeconds+1)
	}
	return n, true
}
