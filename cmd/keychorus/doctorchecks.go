package main

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/verifier"
)

// examination looks at one thing after the other.
type examination struct {
	*diagnosis

	c       *call
	fetcher *fetcher
	kinde   bool
	answers []*answer // for the clock
}

func (x *examination) saw(a *answer) {
	if a != nil {
		x.answers = append(x.answers, a)
	}
}

// issuer looks at metadata and keys.
func (x *examination) issuer(ctx context.Context, iss *verifier.Issuer) {
	x.add("issuer", statePass, iss.URL, "")
	if iss.StaticJWKS != nil {
		x.add("metadata", stateSkip, "the keys are from a file", "")
		x.keys(&keySet{Issuer: iss.URL, Keys: keysOf(&keystore.Record{Document: iss.StaticJWKS})})
		return
	}
	m, got, err := x.fetcher.discover(ctx, iss.URL)
	x.saw(got)
	jwksURL := cmp.Or(iss.JWKSURL, m.JWKSURI)
	switch {
	case err != nil && iss.JWKSURL != "":
		x.add("metadata", stateWarn, "cannot be had: "+err.Error(), "not needed, since the address of the keys is known")
	case err != nil:
		x.fails("metadata", "cannot be had: "+err.Error(), "look at the domain and the way out to the network; --jwks is for issuers without metadata")
		return
	case m.Issuer != iss.URL:
		x.add("metadata", stateFail, "names another issuer: "+m.Issuer, "this is what tokens will say: set it, byte for byte, if it is yours")
	case iss.JWKSURL != "" && !sameKeys(iss.JWKSURL, m.JWKSURI):
		x.add("metadata", stateWarn, "names another address for the keys: "+m.JWKSURI, "set that one, unless you know better")
	default:
		x.add("metadata", statePass, "names this issuer", "")
	}
	document, err := x.fetcher.published(ctx, iss, jwksURL)
	x.saw(document)
	if err != nil {
		fix := "look at the address and the way out to the network"
		if x.kinde {
			fix = "look at the domain: Kinde answers 403 for one that does not exist"
		}
		x.fails("keys", "cannot be had: "+err.Error(), fix)
		return
	}
	if !isKeySet(document.body) {
		x.add("keys", stateFail, "what is published is no JWK Set", "look at the address with a browser")
		return
	}
	set := &keySet{Issuer: iss.URL, JWKSURL: jwksURL, Keys: keysOf(&keystore.Record{Document: document.body})}
	x.keys(set)
	if x.kinde && document.status != 0 { // looked at from here
		x.sibling(ctx, set)
	}
}

// sibling looks at the other of the two addresses that Kinde documents for one key set.
func (x *examination) sibling(ctx context.Context, set *keySet) {
	other, ok := strings.CutSuffix(set.JWKSURL, ".json")
	if !ok {
		other += ".json"
	}
	got, err := x.fetcher.get(ctx, other)
	switch {
	case err != nil:
		x.add("keys", stateWarn, "the other address of the keys does not answer: "+err.Error(), "use the one that does, which this is")
	case !slices.Equal(keysOf(&keystore.Record{Document: got.body}), set.Keys):
		x.add("keys", stateWarn, "the two addresses of the keys, with and without .json, differ", "ask again in a minute; if it stays so, use the one that Kinde's dashboard shows")
	default:
		x.add("keys", statePass, "are the same with and without .json", "")
	}
}

// sameKeys tells whether two addresses are the two documented ones of one key set.
func sameKeys(a, b string) bool {
	return strings.TrimSuffix(a, ".json") == strings.TrimSuffix(b, ".json")
}

// keys judges each published key.
func (x *examination) keys(set *keySet) {
	seen := map[string]bool{}
	for _, k := range set.Keys {
		text := "kid " + dash(k.ID) + ": " + cmp.Or(strings.TrimSpace(k.Type+" "+k.Curve), "no type")
		if k.Bits > 0 {
			text += fmt.Sprintf(" %d", k.Bits)
		}
		text += " " + cmp.Or(k.Algorithm, "any algorithm")
		switch {
		case k.State != keyUsable:
			x.add("key", stateWarn, text+", not used: "+k.Why, "tokens signed with it are refused")
		case k.ID == "":
			x.add("key", stateWarn, text+", has no kid", "have the issuer name its keys, or tokens fail when there are two")
		case seen[k.ID]:
			x.add("key", stateWarn, text+", whose kid occurs twice", "have the issuer give each key a kid of its own")
		default:
			x.add("key", statePass, text+", thumbprint "+k.Thumbprint, "")
		}
		seen[k.ID] = true
	}
	if !set.usable() {
		x.add("keys", stateFail, "none can be used", "have the issuer publish a sound signature key: RSA from 2048 bits, P-256, P-384, P-521 or Ed25519")
	}
}

// warm asks a verifier, which is what counts.
func (x *examination) warm(ctx context.Context, v *verifier.Verifier) {
	if err := v.Warm(ctx); err != nil {
		x.fails("verifier", "cannot get the keys: "+strings.ReplaceAll(because(err), "\n", "; "), "mend what failed above")
		return
	}
	x.add("verifier", statePass, "has the keys of every issuer", "")
}

// clock compares this machine's clock with the issuer's, which is good to a second.
func (x *examination) clock(leeway time.Duration) {
	i := slices.IndexFunc(x.answers, func(a *answer) bool { return !a.date.IsZero() })
	if i < 0 {
		x.add("clock", stateSkip, "no answer told the time", "")
		return
	}
	a := x.answers[i]
	off := a.at.Sub(a.date).Round(time.Second)
	fix := "set the clock of this machine by NTP"
	text := "agrees with the issuer's to " + short(max(off.Abs(), time.Second))
	if off.Abs() > 2*time.Second {
		text = "is " + short(off.Abs()) + map[bool]string{true: " ahead of", false: " behind"}[off > 0] + " the issuer's"
	}
	switch {
	case off.Abs() > max(leeway, 0):
		x.add("clock", stateFail, text+", more than the leeway of "+max(leeway, 0).String(), fix)
	case off.Abs() > 5*time.Second:
		x.add("clock", stateWarn, text, fix)
	default:
		x.add("clock", statePass, text, "")
	}
}

// clientID is the shape of Kinde's client ids.
var clientID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// audience says what can be said without a token.
func (x *examination) audience(audiences []string, anyAudience bool, issuers []verifier.Issuer) {
	switch {
	case anyAudience:
		x.add("audience", stateWarn, "any is accepted, from the clients named", "register the API at the issuer, and use --audience")
		return
	case len(audiences) == 0:
		fix := "set --audience to what the API is registered under at the issuer"
		if x.kinde {
			fix = "set --audience or KINDE_AUDIENCE to the audience of the API in Kinde under Settings, APIs"
		}
		x.add("audience", stateFail, "is not set", fix)
		return
	}
	for _, a := range audiences {
		switch {
		case slices.ContainsFunc(issuers, func(iss verifier.Issuer) bool { return strings.HasPrefix(a, iss.URL) }):
			x.add("audience", stateWarn, a+" belongs to the issuer itself", "name this API, not the issuer's own, such as its management API")
		case clientID.MatchString(a):
			x.add("audience", stateWarn, a+" looks like a client id", "an access token names the API as its audience; ID tokens name the client")
		default:
			x.add("audience", statePass, a, "")
		}
	}
	x.add("token", stateSkip, "whether tokens name the audience, only a token tells", "keychorus explain, with the same flags")
}

// store looks at the record of a fleet, if there is one.
func (x *examination) store(ctx context.Context, f *fleetFlags, iss *verifier.Issuer) {
	if f.redis == "" && f.secretFile == "" && x.c.env("KEYCHORUS_FLEET_SECRET") == "" && x.c.env("KEYCHORUS_REDIS_URL") == "" {
		x.add("store", stateSkip, "no fleet is named", "")
		return
	}
	f.issuer, f.jwksURL, f.timeout = iss.URL, iss.JWKSURL, defaultTimeout
	fl, err := f.open(x.c)
	if err != nil {
		x.add("store", stateFail, err.Error(), secretHint)
		return
	}
	defer fl.close()
	all, err := fl.Inspect(ctx, fl.id)
	if err != nil {
		x.fails("store", fl.server+" cannot be used: "+err.Error(), "look at --redis, the network, and the rights of the user")
		return
	}
	r := fl.reportOf(all, x.c.now())
	switch {
	case slices.Contains(r.Findings, findingNothing):
		x.add("store", stateWarn, fl.server+" answers; "+findingNothing, "as it should be before the fleet has started; else "+fl.meant(ctx))
	case len(r.Findings) > 0:
		x.add("store", stateFail, fl.server+" answers; "+strings.Join(r.Findings, "; "), "keychorus fleet show tells more")
	default:
		x.add("store", statePass, fl.server+" holds a record with "+plural(len(r.Record.Keys), "key")+", "+short(r.Record.age)+" old", "")
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// quoted is a word for a shell.
func quoted(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
