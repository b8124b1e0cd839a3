package verifiertest

import "net/http"

// KeyID returns the kid of the key that signs now.
func (i *Issuer) KeyID() string { return i.dev.Key().ID() }

// Stage publishes the key that the next rotation will sign with, ahead of its first token, and
// returns its kid.
func (i *Issuer) Stage() string {
	i.tb.Helper()
	kid, err := i.dev.Stage()
	i.must(err)
	return kid
}

// Rotate signs with a new key from now on and returns its kid. The old keys stay published, so
// that tokens under them go on being good.
func (i *Issuer) Rotate() string {
	i.tb.Helper()
	kid, err := i.dev.Rotate()
	i.must(err)
	return kid
}

// Replace is [Issuer.Rotate] without an overlap, as after a key was stolen: no other key stays
// published, and tokens under the old ones have to be refused as soon as verifiers know.
func (i *Issuer) Replace() string {
	i.tb.Helper()
	kid := i.Rotate()
	for _, key := range i.dev.Keys() {
		if key.ID() != kid {
			i.Withdraw(key.ID())
		}
	}
	return kid
}

// Withdraw stops publishing a key. If it is the one that signs, it signs on.
func (i *Issuer) Withdraw(kid string) {
	i.tb.Helper()
	i.must(i.dev.Withdraw(kid))
}

// Outage is how an issuer fails: an HTTP status from 200 to 599, or one of the others.
type Outage int

// Outages without a status of their own.
const (
	// OutageHang answers nothing at all.
	OutageHang Outage = -1 - iota
	// OutageGarbage answers 200 with a page, as a captive portal or a broken proxy does.
	OutageGarbage
	// OutageNoKeys answers 200 with a key set that is empty.
	OutageNoKeys
)

// Outage makes the issuer fail from now on, and returns what ends that. The end of the test ends
// it too. One outage replaces another.
//
//	end := issuer.Outage(http.StatusServiceUnavailable)
//	// known keys go on verifying
//	end()
//
// Kinde answers 403 to a wrong sub-domain, and 429 to too many requests.
func (i *Issuer) Outage(o Outage) (end func()) {
	i.tb.Helper()
	i.wellAgain()
	switch o {
	case OutageHang:
		i.dev.Hang()
	case OutageGarbage:
		page := []byte("<!doctype html><title>Sign in to this network</title>\n")
		i.dev.FailWith(http.StatusOK, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, page)
	case OutageNoKeys:
		i.dev.FailWith(http.StatusOK, http.Header{"Content-Type": {"application/json"}}, []byte(`{"keys":[]}`))
	default:
		if o < http.StatusOK || o > 599 {
			i.tb.Fatalf("verifiertest: no outage of that number: %d", o)
		}
		i.dev.Fail(int(o))
	}
	return i.wellAgain
}

func (i *Issuer) wellAgain() {
	i.dev.Fail(0)
	i.dev.Release()
}

// Fail answers every request with status, until it is called with 0.
func (i *Issuer) Fail(status int) { i.dev.Fail(status) }

// Hang answers no request until [Issuer.Release].
func (i *Issuer) Hang() { i.dev.Hang() }

// Release ends [Issuer.Hang].
func (i *Issuer) Release() { i.dev.Release() }

// must ends the test for a mistake in it.
func (i *Issuer) must(err error) {
	i.tb.Helper()
	if err != nil {
		i.tb.Fatalf("verifiertest: %v", err)
	}
}
