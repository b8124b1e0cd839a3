package guard_test

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/keychorus/keychorus/verifier"
)

// unsafeString is what frameworks do that reuse buffers: a string over memory that changes.
func unsafeString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func TestAuthorization(t *testing.T) {
	g, issuer := newGuard(t)
	good := mint(t, issuer, nil)
	const (
		none      = verifier.ReasonNoCredentials
		malformed = verifier.ReasonMalformedHeader
		multiple  = verifier.ReasonMultipleCredentials
	)
	for _, tt := range []struct {
		name   string
		values []string
		want   verifier.Reason
	}{
		{"one", []string{"Bearer " + good}, ""},
		{"lower case", []string{"bearer " + good}, ""},
		{"upper case", []string{"BEARER " + good}, ""},
		{"mixed case", []string{"bEaReR " + good}, ""},
		{"two spaces", []string{"Bearer  " + good}, ""},
		{"many spaces", []string{"Bearer" + strings.Repeat(" ", 50) + good}, ""},

		{"none", nil, none},
		{"Basic", []string{"Basic eDp5"}, none},
		{"Basic alone", []string{"Basic"}, none},
		{"Digest", []string{`Digest username="x", realm="y"`}, none},
		{"DPoP", []string{"DPoP " + good}, none},
		{"scheme that begins so", []string{"Bearerx " + good}, none},
		{"scheme and token in one", []string{"Bearer" + good}, none},
		{"token alone", []string{good}, none},
		{"other scheme, then ours", []string{"Basic eDp5, Bearer " + good}, none},

		{"good and bad", []string{"Bearer " + good, "Bearer x"}, multiple},
		{"bad and good", []string{"Bearer x", "Bearer " + good}, multiple},
		{"good and good", []string{"Bearer " + good, "Bearer " + good}, multiple},
		{"other scheme and ours", []string{"Basic eDp5", "Bearer " + good}, multiple},
		{"empty and good", []string{"", "Bearer " + good}, multiple},

		{"empty", []string{""}, malformed},
		{"spaces", []string{"   "}, malformed},
		{"scheme alone", []string{"Bearer"}, malformed},
		{"scheme and space", []string{"Bearer "}, malformed},
		{"leading space", []string{" Bearer " + good}, malformed},
		{"trailing space", []string{"Bearer " + good + " "}, malformed},
		{"tab between", []string{"Bearer\t" + good}, malformed},
		{"tab after the space", []string{"Bearer \t" + good}, malformed},
		{"tab at the end", []string{"Bearer " + good + "\t"}, malformed},
		{"two tokens", []string{"Bearer " + good + " " + good}, malformed},
		{"scheme twice", []string{"Bearer Bearer " + good}, malformed},
		{"comma", []string{"Bearer " + good + ",x"}, malformed},
		{"two credentials", []string{"Bearer " + good + ", Bearer " + good}, malformed},
		{"quotes", []string{`Bearer "` + good + `"`}, malformed},
		{"parameter", []string{`Bearer token="` + good + `"`}, malformed},
		{"padding inside", []string{"Bearer a=b"}, malformed},
		{"padding alone", []string{"Bearer =="}, malformed},
		{"line break", []string{"Bearer " + good + "\r\nX: y"}, malformed},
		{"folded", []string{"Bearer\r\n " + good}, malformed},
		{"NUL", []string{"Bearer " + good + "\x00"}, malformed},
		{"not ASCII", []string{"Bearer é"}, malformed},
		{"scheme with Latin letter", []string{"Beárer " + good}, malformed},
		{"no-break space", []string{"Bearer\u00a0" + good}, malformed},
		{"JSON", []string{`{"token":"x"}`}, malformed},

		{"undefined", []string{"Bearer undefined"}, verifier.ReasonPlaceholder},
		{"null", []string{"Bearer null"}, verifier.ReasonPlaceholder},
		{"promise", []string{"Bearer [object Promise]"}, verifier.ReasonPlaceholder},
		{"object", []string{"bearer [object Object]"}, verifier.ReasonPlaceholder},

		{"API key", []string{"Bearer k_live-4bCdEf"}, verifier.ReasonOpaque},
		{"token with padding", []string{"Bearer " + good + "="}, verifier.ReasonMalformed},
		{"20 KiB", []string{"Bearer " + strings.Repeat("A", 20<<10)}, verifier.ReasonTooLarge},
		{"1 MiB of another scheme", []string{strings.Repeat("A", 1<<20+8)}, verifier.ReasonTooLarge},
		{"1 MiB of spaces", []string{"Bearer " + strings.Repeat(" ", 1<<20) + good}, verifier.ReasonTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := g.Check(t.Context(), authorized(tt.values...))
			if got := reasonOf(t, d); got != tt.want {
				t.Errorf("reason %q, want %q", got, tt.want)
			}
			if d.Allowed() != (d.Token() != nil) {
				t.Error("allowed without a token, or the reverse")
			}
		})
	}
}

// The size that is looked into must not undercut what a policy can admit.
func TestAuthorizationAdmitsTheLargestToken(t *testing.T) {
	g, _ := newGuard(t)
	d := g.Check(t.Context(), authorized("Bearer "+strings.Repeat("A", 1<<20)))
	if got := reasonOf(t, d); got != verifier.ReasonTooLarge { // by the policy of this verifier
		t.Errorf("reason %q", got)
	}
	d = g.Check(t.Context(), authorized("Bearer "+strings.Repeat("!", 1<<20)))
	if got := reasonOf(t, d); got != verifier.ReasonMalformedHeader { // it was looked into
		t.Errorf("reason %q", got)
	}
}
