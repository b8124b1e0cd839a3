package verifier_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/keychorus/keychorus/verifier"
)

type rawNumber string

func (n rawNumber) MarshalJSON() ([]byte, error) { return []byte(n), nil }

// A number that does not fit into a float64 reaches the program as it was signed.
func TestNumbersKeepTheirDigits(t *testing.T) {
	token := verified(t, object{"id": rawNumber("9007199254740993"), "huge": rawNumber("1e400")})
	for name, want := range map[string]string{"id": "9007199254740993", "huge": "1e400"} {
		if raw, ok := token.Claim(name); !ok || string(raw) != want {
			t.Errorf("%s is %s", name, raw)
		}
	}
	type own struct {
		ID int64 `json:"id"`
	}
	if got, err := verifier.ClaimsAs[own](token); err != nil || got.ID != 9007199254740993 {
		t.Errorf("%+v, %v", got, err)
	}
}

// Text that looks like other text is other text.
func TestIssuersAreComparedByteByByte(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	for name, iss := range map[string]string{
		"Cyrillic o": strings.Replace(issuerURL, "o", "\u043e", 1), "combining accent": issuerURL + "\u0301",
		"right to left": issuerURL + "\u202e", "zero width": issuerURL + "\u200b", "NUL": issuerURL + "\x00",
		"full width": strings.Replace(issuerURL, "b", "\uff42", 1), "trailing dot": issuerURL + ".",
	} {
		t.Run(name, func(t *testing.T) {
			wantReason(t, v, sign(t, goodHeader(), with(goodClaims(), object{"iss": iss})), verifier.ReasonIssuer)
		})
	}
}

// Claims are JSON in UTF-8 and in nothing else (RFC 7519 §3).
func TestOtherEncodingsAreRefused(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	good, err := json.Marshal(goodClaims())
	if err != nil {
		t.Fatal(err)
	}
	var little, big []byte
	for _, unit := range utf16.Encode([]rune(string(good))) {
		little, big = binary.LittleEndian.AppendUint16(little, unit), binary.BigEndian.AppendUint16(big, unit)
	}
	for name, payload := range map[string][]byte{
		"UTF-16, little-endian": little, "UTF-16, big-endian": big, "UTF-16 with mark": append([]byte{0xff, 0xfe}, little...),
		"overlong": []byte(strings.Replace(string(good), "user-1", "user\xc0\xaf", 1)), "surrogates": []byte(strings.Replace(string(good), "user-1", "\xed\xa0\x80", 1)),
	} {
		t.Run(name, func(t *testing.T) {
			wantReason(t, v, sign(t, goodHeader(), string(payload)), verifier.ReasonMalformed)
		})
	}
}

// Control characters are legal in JSON strings when escaped. They are the program's to mind:
// a subject is handed over as it was signed, and nothing of this library prints it.
func TestSubjectsAreHandedOverAsSigned(t *testing.T) {
	const odd = "a\r\nX-Admin: 1\x00\u202e' OR 1=1"
	if got := verified(t, object{"sub": odd}).Subject(); got != odd {
		t.Errorf("subject %q", got)
	}
}

// Scopes are separated by spaces (RFC 6749 §3.3), and only by them.
func TestScopesAreWholeWords(t *testing.T) {
	token := verified(t, object{"scp": omit{}, "scope": "read:all\tadmin  write, list"})
	for scope, want := range map[string]bool{"write,": true, "list": true, "read": false, "read:all": false, "admin": false, "write": false, "LIST": false} {
		if token.HasScope(scope) != want {
			t.Errorf("scope %q: %v, of %q", scope, !want, token.Scopes())
		}
	}
	if slices.Contains(token.Scopes(), "") {
		t.Error("an empty scope")
	}
}

// RFC 9470 §6.1: what auth_time does not say clearly is no recent sign-in.
func TestSignInTimesThatSayNothing(t *testing.T) {
	recent := verifier.MaxAuthAge(time.Hour)
	for name, at := range map[string]any{"absent": omit{}, "in an hour": now.Add(time.Hour).Unix(), "in 1970": 0} {
		t.Run(name, func(t *testing.T) {
			if err := verified(t, object{"auth_time": at}).Require(t.Context(), recent); !errors.Is(err, verifier.ErrStepUp) {
				t.Errorf("error %v", err)
			}
		})
	}
	v := newVerifier(t, goodPolicy())
	for name, at := range map[string]any{"text": "1767225600", "null": nil, "negative": -1, "boolean": true} {
		t.Run(name, func(t *testing.T) {
			wantReason(t, v, sign(t, goodHeader(), with(goodClaims(), object{"auth_time": at})), verifier.ReasonMalformedClaim)
		})
	}
}

// A binding that names a key in another form than text binds to nothing that could be proved.
func TestBindingsOfOtherTypes(t *testing.T) {
	v := newVerifier(t, goodPolicy())
	proof := verifier.Confirmed(verifier.Confirmation{JWKThumbprint: "J", CertificateThumbprint: "C"})
	for name, cnf := range map[string]any{
		"number": object{"jkt": 1}, "null": object{"jkt": nil}, "list": object{"jkt": []string{"J"}}, "object": object{"jkt": object{"J": "J"}},
		"in capitals": object{"JKT": "J"}, "one known, one not": object{"jkt": "J", "kid": "J"}, "another": object{"jkt": "C"},
		"certificate by SHA-1": object{"x5t": "C"}, "a key in full": object{"jwk": object{"kty": "OKP"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := v.Verify(t.Context(), sign(t, goodHeader(), with(goodClaims(), object{"cnf": cnf})), proof)
			if got := reasonOf(t, err); got != verifier.ReasonBinding {
				t.Errorf("reason %q", got)
			}
		})
	}
}
