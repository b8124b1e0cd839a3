package verifiertest

import (
	"encoding/json"
	"strings"

	"github.com/keychorus/keychorus/verifier"
)

// keySources name a key that the sender brought along: the attacker's, which then signs, and
// the issuer's own, so that nothing but the header is wrong.
func (f *forge) keySources() []Attack {
	const elsewhere = "https://attacker.example.test/"
	var all []Attack
	for by, jwk := range map[string]json.RawMessage{"attacker": f.attacker.JWK(), "issuer": f.dev.Key().JWK()} {
		key := f.dev.Key()
		if by == "attacker" {
			key = f.attacker
		}
		for name, value := range map[string]any{
			"jwk": jwk, "jku": elsewhere + "jwks", "x5u": elsewhere + "x5u", "x5c": []string{"MIIB"},
		} {
			all = append(all, Attack{"header " + name + " signed by the " + by, f.withHeaderBy(key, map[string]any{name: value}),
				"a key that the sender brought along", verifier.ReasonHeader})
		}
	}
	for name, address := range map[string]string{
		"a file": "file:///etc/passwd", "metadata": "http://169.254.169.254/latest/", "the issuer's host as user": strings.Replace(f.URL(), "://", "://x@", 1),
	} {
		all = append(all, Attack{"header jku to " + name, f.withHeaderBy(f.attacker, map[string]any{"jku": address}),
			"an address that must not be asked", verifier.ReasonHeader})
	}
	return all
}

func (f *forge) headers() []Attack {
	var all []Attack
	var jwk json.RawMessage = f.attacker.JWK()
	for name, changes := range map[string]map[string]any{
		"crit": {"crit": []string{"exp"}}, "empty crit": {"crit": []string{}}, "crit null": {"crit": nil},
		"crit b64": {"crit": []string{"b64"}, "b64": false}, "b64 alone": {"b64": false}, "zip": {"zip": "DEF"}, "enc": {"enc": "A128GCM"},
		"epk": {"epk": jwk}, "p2c": {"p2c": 1 << 30},
	} {
		all = append(all, Attack{"header " + name, f.withHeader(changes), "a header that makes its own rules", verifier.ReasonHeader})
	}
	for _, typ := range []string{"logout+jwt", "secevent+jwt", "dpop+jwt", "oauth-authz-req+jwt", "id+jwt", "token-introspection+jwt", "kb+jwt"} {
		all = append(all, Attack{"typ " + typ, f.withHeader(map[string]any{"typ": typ}), "a token of another kind", verifier.ReasonType})
	}
	for name, typ := range map[string]any{"list": []string{"JWT"}, "number": 1, "null": nil} {
		all = append(all, Attack{"typ " + name, f.withHeader(map[string]any{"typ": typ}), "a type that is none", verifier.ReasonMalformed})
	}
	return append(all, Attack{"nested", f.withHeader(map[string]any{"cty": "JWT"}), "a token in a token", verifier.ReasonType})
}

func (f *forge) keyIDs() []Attack {
	var all []Attack
	add := func(name string, kid any, why string, r verifier.Reason) {
		all = append(all, Attack{"kid " + name, f.withHeader(map[string]any{"kid": kid}), why, r})
	}
	for name, kid := range map[string]string{
		"path": "../../../../dev/null", "SQL": "x' UNION SELECT 'k", "shell": "|id", "unpublished": "nobody", "long": strings.Repeat("k", 256),
		"prefix": f.KeyID()[:len(f.KeyID())-1], "space": f.KeyID() + " ",
	} {
		add(name, kid, "a key id that leads elsewhere", verifier.ReasonUnknownKey)
	}
	for name, kid := range map[string]any{
		"line break": f.KeyID() + "\r\nX: y", "NUL": "\x00", "too long": strings.Repeat("k", 257), "beyond ASCII": f.KeyID() + "é",
		"number": 1, "null": nil, "object": map[string]any{}, "list": []string{f.KeyID()},
	} {
		add(name, kid, "a key id that is none", verifier.ReasonMalformed)
	}
	return all
}

func (f *forge) malformedHeaders() []Attack {
	alg, kid := string(f.dev.Key().Algorithm()), f.KeyID()
	inner := `{"alg":"` + alg + `","kid":"` + kid + `"`
	var all []Attack
	for name, header := range map[string]string{
		"twice alg":           inner + `,"alg":"none"}`,
		"twice alg by escape": inner + `,"al\u0067":"none"}`,
		"twice kid":           inner + `,"kid":"nobody"}`,
		"alg in capitals":     `{"ALG":"` + alg + `","kid":"` + kid + `"}`,
		"trailing data":       inner + `}{}`,
		"cut short":           inner,
		"list":                `["alg"]`, "null": `null`, "string": `"alg"`, "byte order mark": "\ufeff" + inner + "}",
		"bad UTF-8": inner + ",\"x\":\"\xff\"}", "lone surrogate": inner + `,"x":"\ud800"}`,
		"deep": inner + `,"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
	} {
		all = append(all, Attack{"header " + name, f.signed(header, f.payload()), "a header that readers read apart", verifier.ReasonMalformed})
	}
	wide := `{"alg":"` + alg + `"` + `,"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1,"o":1,"p":1`
	return append(
		all,
		Attack{"header wide", f.signed(wide+"}", f.payload()), "a header that is work", verifier.ReasonTooLarge},
		Attack{"header large", f.withHeader(map[string]any{"x": strings.Repeat("x", 2000)}), "a header that is work", verifier.ReasonTooLarge},
	)
}
