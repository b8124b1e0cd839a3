package dpop_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/internal/dpop"
)

func nonces(t *testing.T, secret string) *dpop.Nonces {
	t.Helper()
	n, err := dpop.NewNonces([]byte(secret), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNonces(t *testing.T) {
	secret := strings.Repeat("s", 32)
	n := nonces(t, secret)
	good := n.Issue(now)
	for name, tt := range map[string]struct {
		nonce any
		later time.Duration
		want  dpop.Code
	}{
		"good":                     {good, 0, 0},
		"as old as may be":         {good, time.Minute - 1, 0},
		"expired":                  {good, time.Minute, dpop.Nonce},
		"of a server ahead":        {n.Issue(now.Add(30 * time.Second)), 0, 0},
		"of a time to come":        {n.Issue(now.Add(31 * time.Second)), 0, dpop.Nonce},
		"of the same fleet":        {nonces(t, secret).Issue(now), 0, 0},
		"of another server":        {nonces(t, strings.Repeat("t", 32)).Issue(now), 0, dpop.Nonce},
		"none":                     {omit{}, 0, dpop.Nonce},
		"empty":                    {"", 0, dpop.Nonce},
		"a guess":                  {strings.Repeat("A", len(good)), 0, dpop.Nonce},
		"cut":                      {good[:len(good)-1], 0, dpop.Nonce},
		"longer":                   {good + "A", 0, dpop.Nonce},
		"another time, same MAC":   {n.Issue(now.Add(time.Hour))[:11] + good[11:], 0, dpop.Nonce},
		"line break in the middle": {good[:4] + "\n" + good[5:], 0, dpop.Nonce},
	} {
		want := expected()
		want.Nonces, want.Now = n, now.Add(tt.later)
		// A clock that is far off does not matter here.
		p, err := dpop.Verify(sign(t, goodHeader(), with(goodClaims(), object{"nonce": tt.nonce, "iat": 1})), want)
		if got := codeOf(t, p, err); got != tt.want {
			t.Errorf("%s: code %d, want %d", name, got, tt.want)
		}
		if err == nil && p.ExpiresAt.Before(want.Now) {
			t.Errorf("%s: has expired at %v", name, p.ExpiresAt)
		}
	}
}

func TestNoncesNeedASecret(t *testing.T) {
	if _, err := dpop.NewNonces(make([]byte, 31), time.Minute); err == nil {
		t.Error("31 bytes are taken for a secret")
	}
	if _, err := dpop.NewNonces(make([]byte, 32), 0); err == nil {
		t.Error("nonces without life")
	}
	secret := []byte(strings.Repeat("s", 32))
	n, err := dpop.NewNonces(secret, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	before := n.Issue(now)
	clear(secret)
	if n.Issue(now) != before {
		t.Error("the secret was not copied")
	}
}
