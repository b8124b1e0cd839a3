package verifiertest

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func (f *forge) encodings() []Attack {
	const why = "one token in another spelling"
	var all []Attack
	for n, segment := range f.parts {
		where := []string{"header", "payload", "signature"}[n]
		with := func(s string) string {
			p := f.parts
			p[n] = s
			return strings.Join(p[:], ".")
		}
		for name, insert := range map[string]string{"LF": "\n", "CRLF": "\r\n", "space": " ", "tab": "\t", "padding": "=", "plus": "+", "slash": "/", "NUL": "\x00"} {
			all = append(
				all,
				Attack{name + " in the " + where, with(segment[:4] + insert + segment[4:]), why, verifier.ReasonMalformed},
				Attack{name + " after the " + where, with(segment + insert), why, verifier.ReasonMalformed},
			)
		}
		if len(segment)%4 != 0 {
			last := strings.IndexByte(alphabet, segment[len(segment)-1])
			all = append(all, Attack{"trailing bits in the " + where, with(segment[:len(segment)-1] + string(alphabet[last|1])), why, verifier.ReasonMalformed})
		}
		all = append(all, Attack{"empty " + where, with(""), "a part that is missing", verifier.ReasonMalformed})
	}
	form := func(name, token string, r verifier.Reason) {
		all = append(all, Attack{name, token, "what is no compact token", r})
	}
	form("empty", "", verifier.ReasonNoCredentials)
	form("two segments", f.parts[0]+"."+f.parts[1], verifier.ReasonMalformed)
	form("four segments", f.good+".x", verifier.ReasonMalformed)
	form("five segments", f.good+".x.y", verifier.ReasonEncrypted)
	form("JSON serialisation", `{"payload":"`+f.parts[1]+`","protected":"`+f.parts[0]+`","signature":"`+f.parts[2]+`"}`, verifier.ReasonOpaque)
	form("JSON serialisation of several", `{"payload":"`+f.parts[1]+`","signatures":[{"protected":"`+f.parts[0]+`","signature":"`+f.parts[2]+`"}]}`, verifier.ReasonOpaque)
	form("JSON around a compact token", `{"x":"`+f.good+`"}`, verifier.ReasonMalformed)
	form("opaque", "k_live_0123456789abcdef", verifier.ReasonOpaque)
	form("undefined", "undefined", verifier.ReasonPlaceholder)
	form("null", "null", verifier.ReasonPlaceholder)
	form("dots", strings.Repeat(".", 10_000), verifier.ReasonMalformed)
	form("many dots", strings.Repeat(".", 100_000), verifier.ReasonTooLarge)
	form("200 KB header", strings.Repeat("A", 200<<10)+"."+f.parts[1]+"."+f.parts[2], verifier.ReasonTooLarge)
	form("scheme kept", "Bearer "+f.good, verifier.ReasonMalformed)
	return all
}

func (f *forge) payloads() []Attack {
	payload := f.payload()
	inner := strings.TrimSuffix(payload, "}")
	header := string(f.dev.Key().Header())
	var all []Attack
	for name, p := range map[string]string{
		"null": "null", "list": "[]", "string": `"x"`, "cut short": inner, "two objects": payload + "{}", "trailing data": payload + "x",
		"byte order mark": "\ufeff" + payload, "subject twice": inner + `,"sub":"admin"}`, "subject twice by escape": inner + `,"s\u0075b":"admin"}`,
		"nested name twice": inner + `,"x":{"role":"user","role":"admin"}}`, "bad UTF-8": inner + ",\"x\":\"adm\xffin\"}",
		"control character": inner + ",\"x\":\"\x01\"}", "issuer twice": inner + `,"iss":"https://attacker.example.test"}`,
		"lone surrogate": inner + `,"x":"\ud800"}`, "claim in capitals": inner + `,"ISS":"https://attacker.example.test"}`,
		"claim by folding": inner + `,"ſub":"admin"}`, "deep": inner + `,"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "}",
		"deep objects": inner + `,"x":` + strings.Repeat(`{"x":`, 50) + "1" + strings.Repeat("}", 50) + "}",
	} {
		all = append(all, Attack{"payload " + name, f.signed(header, p), "a payload that readers read apart", verifier.ReasonMalformed})
	}
	var wide strings.Builder
	for n := range 900 {
		fmt.Fprintf(&wide, `,"x%d":0`, n)
	}
	return append(
		all,
		Attack{"payload large", f.signed(header, inner+`,"x":"`+strings.Repeat("x", 20_000)+`"}`), "a token that is work", verifier.ReasonTooLarge},
		Attack{"payload wide", f.signed(header, inner+wide.String()+"}"), "a token that is work", verifier.ReasonMalformed},
	)
}

func (f *forge) claims() []Attack {
	var all []Attack
	add := func(name string, c Claims, why string, r verifier.Reason) {
		all = append(all, Attack{name, f.Token(c), why, r})
	}
	url := f.URL()
	for name, iss := range map[string]any{
		"absent": Omit, "null": nil, "another": "https://attacker.example.test", "with slash": url + "/", "in capitals": strings.ToUpper(url),
		"as list": []string{url}, "longer": url + ".attacker.example.test", "with user": strings.Replace(url, "://", "://x@", 1), "empty": "",
		"shorter": url[:len(url)-1], "number": 1, "with port": url + ":443", "with space": url + " ", "with escape": strings.Replace(url, "e", "%65", 1),
	} {
		add("iss "+name, Claims{"iss": iss}, "a token of an issuer that nobody trusts", verifier.ReasonIssuer)
	}
	for name, aud := range map[string]any{
		"another": "https://other.example.test", "prefix": Audience[:len(Audience)-1], "longer": Audience + "/admin",
		"in capitals": strings.ToUpper(Audience), "joined by space": "x " + Audience, "joined by comma": Audience + ",x", "empty string": "",
	} {
		add("aud "+name, Claims{"aud": aud}, "a token for somebody else", verifier.ReasonAudience)
	}
	add("aud absent", Claims{"aud": Omit}, "a token for anybody", verifier.ReasonNoAudience)
	add("aud empty", Claims{"aud": []string{}}, "a token for anybody", verifier.ReasonNoAudience)
	for name, aud := range map[string]any{
		"null": nil, "number": 1, "object": map[string]string{Audience: Audience}, "nested": [][]string{{Audience}}, "mixed": []any{Audience, 1},
	} {
		add("aud "+name, Claims{"aud": aud}, "an audience of the wrong type", verifier.ReasonMalformedClaim)
	}
	add("expired", Claims{"iat": devissuer.FromNow(-2 * time.Hour), "exp": devissuer.FromNow(-time.Hour)}, "a token of yesterday", verifier.ReasonExpired)
	add("exp zero", Claims{"exp": 0}, "a token of 1970", verifier.ReasonExpired)
	add("exp absent", Claims{"exp": Omit}, "a token for ever", verifier.ReasonNoExpiry)
	add("not yet valid", Claims{"nbf": devissuer.FromNow(time.Hour)}, "a token of tomorrow", verifier.ReasonNotYetValid)
	add("issued in the future", Claims{"iat": devissuer.FromNow(time.Hour)}, "a token of tomorrow", verifier.ReasonIssuedInFuture)
	for _, name := range []string{"exp", "nbf", "iat"} {
		for kind, value := range map[string]any{
			"null": nil, "string": "9999999999", "negative": -1, "boolean": true, "huge": uint64(math.MaxUint64), "far": 1168335720000, "list": []int{1},
			"endless": json.RawMessage("1e400"),
		} {
			add(name+" "+kind, Claims{name: value}, "a time that is none", verifier.ReasonMalformedClaim)
		}
	}
	for name, c := range map[string]Claims{
		"sub null": {"sub": nil}, "sub number": {"sub": 1}, "sub list": {"sub": []string{"admin"}}, "azp object": {"azp": map[string]any{}},
		"scope object": {"scope": map[string]any{"admin": true}}, "scp number": {"scp": 1}, "scp mixed": {"scp": []any{"read", 1}}, "cnf string": {"cnf": "x"}, "cnf null": {"cnf": nil},
	} {
		add(name, c, "a claim of the wrong type", verifier.ReasonMalformedClaim)
	}
	return all
}

func (f *forge) kinds() []Attack {
	var all []Attack
	add := func(name string, c Claims, why string, r verifier.Reason) {
		all = append(all, Attack{name, f.Token(c), why, r})
	}
	id := devissuer.IDTokenClaims()
	id["aud"] = []string{Audience}
	add("ID token", id, "proof of a sign-in, taken for a permission", verifier.ReasonWrongKind)
	add("ID token with nonce", Claims{"nonce": "n"}, "proof of a sign-in, taken for a permission", verifier.ReasonWrongKind)
	add("webhook", devissuer.WebhookClaims(), "a message signed with the same key", verifier.ReasonIssuer)
	add("webhook with claims", Claims{"event_id": "e", "type": "user.updated", "data": map[string]any{}}, "a message signed with the same key", verifier.ReasonWrongKind)
	add("logout token", Claims{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}},
		"a notice of sign-out", verifier.ReasonWrongKind)
	for _, typ := range []string{"ID", "Refresh", "Offline", "Logout"} {
		add("claim typ "+typ, Claims{"typ": typ}, "a token of another kind", verifier.ReasonWrongKind)
	}
	add("claim token_use id", Claims{"token_use": "id"}, "a token of another kind", verifier.ReasonWrongKind)
	for name, cnf := range map[string]any{
		"DPoP key": map[string]string{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}, "certificate": map[string]string{"x5t#S256": "x"},
		"unknown": map[string]string{"kid": "x"}, "nothing": map[string]string{},
	} {
		add("bound to "+name, Claims{"cnf": cnf}, "a token stolen from its holder", verifier.ReasonBinding)
	}
	return all
}

func (f *forge) signatures() []Attack {
	var all []Attack
	add := func(name, token, why string, r verifier.Reason) { all = append(all, Attack{name, token, why, r}) }
	admin, err := f.dev.Payload(Claims{"sub": "admin"})
	if err != nil {
		f.tb.Fatalf("verifiertest: %v", err)
	}
	add("payload replaced", f.parts[0]+"."+encode(admin)+"."+f.parts[2], "a signature of something else", verifier.ReasonSignature)
	signature, err := base64.RawURLEncoding.DecodeString(f.parts[2])
	if err != nil {
		f.tb.Fatalf("verifiertest: %v", err)
	}
	for _, at := range []int{0, len(signature) / 2, len(signature) - 1} {
		flipped := append([]byte(nil), signature...)
		flipped[at] ^= 1
		add(fmt.Sprintf("signature flipped at %d", at), f.parts[0]+"."+f.parts[1]+"."+encode(flipped), "an altered signature", verifier.ReasonSignature)
	}
	add("signature cut", f.parts[0]+"."+f.parts[1]+"."+encode(signature[1:]), "an altered signature", verifier.ReasonSignature)
	add("signature grown", f.parts[0]+"."+f.parts[1]+"."+encode(append(slices.Clip(signature), 0)), "an altered signature", verifier.ReasonSignature)
	add("signature of zeros", f.parts[0]+"."+f.parts[1]+"."+encode(make([]byte, len(signature))), "a signature of zeros", verifier.ReasonSignature)

	header, payload := string(f.dev.Key().Header()), f.payload()
	add("another key, same kid", f.signedBy(f.attacker, header, payload), "a forged signature under a known kid", verifier.ReasonSignature)
	add("another key, own kid", f.signedBy(f.attacker, string(f.attacker.Header()), payload), "a key that the issuer does not publish", verifier.ReasonUnknownKey)
	noKid := verifier.ReasonSignature
	if bytes.Count(f.dev.JWKS(), []byte(`"kid":`)) > 1 {
		noKid = verifier.ReasonAmbiguousKey
	}
	add("another key, no kid", f.withHeaderBy(f.attacker, map[string]any{"kid": Omit}), "a key that the issuer does not publish", noKid)
	add("expired and forged", f.signedBy(f.attacker, header, string(f.expired())), "a token whose claims are nobody's", verifier.ReasonSignature)
	if public, ok := f.dev.Key().Public().(*ecdsa.PublicKey); ok {
		half := len(signature) / 2
		der, err := asn1.Marshal([]*big.Int{new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])})
		if err != nil {
			f.tb.Fatalf("verifiertest: %v", err)
		}
		n := public.Params().N.FillBytes(make([]byte, half))
		add("signature in DER", f.parts[0]+"."+f.parts[1]+"."+encode(der), "a signature in another form", verifier.ReasonSignature)
		add("signature of the order", f.parts[0]+"."+f.parts[1]+"."+encode(slices.Concat(n, n)), "a signature of zeros", verifier.ReasonSignature)
	}
	return all
}

func (f *forge) expired() []byte {
	p, err := f.dev.Payload(Claims{"exp": 1})
	if err != nil {
		f.tb.Fatalf("verifiertest: %v", err)
	}
	return p
}
