package verifier_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/verifier"
)

// logOf returns a logger that writes into the buffer without times.
func logOf(b *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// takeLines returns what was logged of tokens since the last call.
func takeLines(b *bytes.Buffer) []string {
	defer b.Reset()
	var lines []string
	for line := range strings.Lines(b.String()) {
		if strings.Contains(line, "keychorus: tokens") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func TestRefusalsAreLoggedAsNumbersOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		v := newVerifier(t, goodPolicy(), verifier.WithLogger(logOf(&b)))
		expired := sign(t, goodHeader(), with(goodClaims(), object{"exp": 1}))
		foreign := sign(t, goodHeader(), with(goodClaims(), object{"iss": "https://evil.example.test"}))
		refuse := func(n int) {
			for range n {
				wantReason(t, v, expired, verifier.ReasonExpired)
				wantReason(t, v, foreign, verifier.ReasonIssuer)
			}
		}
		want := func(n string) {
			t.Helper()
			got := takeLines(&b)
			if n == "" && len(got) == 0 {
				return
			}
			all := strings.Join(got, "\n")
			for _, line := range []string{
				`level=INFO msg="keychorus: tokens refused" issuer=` + issuerURL + ` reason=expired count=` + n,
				`level=INFO msg="keychorus: tokens refused" issuer=other reason=issuer count=` + n,
			} {
				if len(got) != 2 || !strings.Contains(all, line) {
					t.Errorf("logged\n%s\nwant %s", all, line)
				}
			}
		}
		refuse(1)
		want("1")
		refuse(1000)
		time.Sleep(59 * time.Second)
		refuse(1)
		want("")
		time.Sleep(time.Second)
		refuse(1)
		want("1002")
		refuse(5)
		_ = v.Close()
		want("5")
	})
}

func TestWhatNobodyCanTellIsLoggedAsAWarning(t *testing.T) {
	var b bytes.Buffer
	v := newVerifier(t, goodPolicy(), verifier.WithLogger(logOf(&b)),
		verifier.WithRevocation(func(context.Context, *verifier.Token) (bool, error) { return false, context.DeadlineExceeded }))
	token := sign(t, goodHeader(), goodClaims())
	wantReason(t, v, token, verifier.ReasonRevocationUnavailable)
	const want = `level=WARN msg="keychorus: tokens could not be verified" issuer=` + issuerURL + ` reason=revocation_unavailable count=1`
	if got := takeLines(&b); len(got) != 1 || got[0] != want {
		t.Errorf("logged %q, want %q", got, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := v.Verify(ctx, token)
	if r := reasonOf(t, err); r != verifier.ReasonCanceled {
		t.Errorf("reason %q", r)
	}
	if got := takeLines(&b); len(got) > 0 {
		t.Errorf("a caller that left is logged: %q", got)
	}
}

// Nothing that a token says can be found in the log.
func TestLogHoldsNothingOfTokens(t *testing.T) {
	var b bytes.Buffer
	v := newVerifier(t, goodPolicy(), verifier.WithLogger(logOf(&b)))
	const secret = "s3cr3t"
	for _, token := range []string{
		sign(t, goodHeader(), with(goodClaims(), object{"sub": secret, "exp": 1})),
		sign(t, with(goodHeader(), object{"kid": secret}), goodClaims()),
		sign(t, goodHeader(), with(goodClaims(), object{"iss": secret})),
		sign(t, goodHeader(), with(goodClaims(), object{"aud": secret, "jti": secret})),
		secret, secret + "." + secret + "." + secret,
	} {
		if _, err := v.Verify(t.Context(), token); err == nil {
			t.Error("accepted")
		}
		if strings.Contains(b.String(), token) {
			t.Error("the log holds a token")
		}
	}
	if b.Len() == 0 || strings.Contains(b.String(), secret) {
		t.Errorf("the log is %q", b.String())
	}
}
