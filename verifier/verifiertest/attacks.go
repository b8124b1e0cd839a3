package verifiertest

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// Attack is a token that has to be refused by whoever trusts its issuer.
type Attack struct {
	Name string
	// Token is the compact form, or what pretends to be one.
	Token string
	// Why says what it tries.
	Why string
	// Reason is what [verifier.Verifier.Verify] says under [Issuer.Policy].
	Reason verifier.Reason
}

// Attacks returns bad tokens of every kind, made for one issuer. Every one must be refused.
// Names are unique.
func Attacks(i *Issuer) []Attack {
	i.tb.Helper()
	f := &forge{Issuer: i, good: i.Token()}
	f.parts = [3]string(strings.Split(f.good, "."))
	key := i.dev.Key()
	f.header = map[string]any{"alg": string(key.Algorithm()), "kid": key.ID(), "typ": "JWT"}
	return slices.Concat(f.algorithms(), f.headers(), f.encodings(), f.payloads(), f.claims(), f.kinds(), f.signatures())
}

// forge makes attacks out of one good token.
type forge struct {
	*Issuer
	good   string
	parts  [3]string
	header map[string]any
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// withHeader returns the good payload under a changed header, signed with the real key.
func (f *forge) withHeader(changes map[string]any) string {
	header := make(map[string]any, len(f.header)+len(changes))
	for _, from := range []map[string]any{f.header, changes} {
		for name, value := range from {
			if value == Omit {
				delete(header, name)
				continue
			}
			header[name] = value
		}
	}
	raw, err := json.Marshal(header)
	if err != nil {
		f.tb.Fatalf("verifiertest: %v", err)
	}
	return f.signed(string(raw), f.payload())
}

// payload is the good payload.
func (f *forge) payload() string {
	raw, err := base64.RawURLEncoding.DecodeString(f.parts[1])
	if err != nil {
		f.tb.Fatalf("verifiertest: %v", err)
	}
	return string(raw)
}

// signed signs exactly these parts with the real key.
func (f *forge) signed(header, payload string) string {
	return f.signedBy(f.dev.Key(), header, payload)
}

func (f *forge) signedBy(key *devissuer.Key, header, payload string) string {
	token, err := f.dev.SignWith(key, []byte(header), []byte(payload))
	if err != nil {
		f.tb.Fatalf("verifiertest: %v", err)
	}
	return token
}

func (f *forge) newKey(kid string) *devissuer.Key {
	key, err := devissuer.NewKey(devissuer.ES256, kid)
	if err != nil {
		f.tb.Fatalf("verifiertest: %v", err)
	}
	return key
}

func (f *forge) algorithms() []Attack {
	var all []Attack
	for _, none := range []string{"none", "None", "nOnE", "NONE", "none ", ""} {
		header, payload := `{"alg":"`+none+`","typ":"JWT"}`, f.parts[1]
		all = append(
			all,
			Attack{"alg " + none + " with the signature kept", encode([]byte(header)) + "." + payload + "." + f.parts[2],
				"an unsigned token, dressed as a signed one", verifier.ReasonAlgorithm},
			Attack{"alg " + none + " without signature", encode([]byte(header)) + "." + payload + ".",
				"an unsigned token", verifier.ReasonAlgorithm},
		)
	}
	der, err := x509.MarshalPKIXPublicKey(f.dev.Key().Public())
	if err != nil {
		f.tb.Fatalf("verifiertest: %v", err)
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	for name, secret := range map[string][]byte{
		"PEM": asPEM, "PEM without line end": asPEM[:len(asPEM)-1], "DER": der, "JWK": f.dev.Key().JWK(), "nothing": {},
	} {
		input := encode([]byte(`{"alg":"HS256","kid":"`+f.KeyID()+`"}`)) + "." + f.parts[1]
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		all = append(all, Attack{"HS256 keyed with " + name, input + "." + encode(mac.Sum(nil)),
			"the public key taken for a shared secret", verifier.ReasonAlgorithm})
	}
	for _, alg := range devissuer.Algorithms() {
		own := f.dev.Key().Algorithm()
		edDSA := func(a devissuer.Algorithm) bool { return a == devissuer.EdDSA || a == devissuer.Ed25519 }
		if alg == own || edDSA(alg) && edDSA(own) {
			continue
		}
		all = append(all, Attack{"alg " + string(alg) + " with a key for another", f.withHeader(map[string]any{"alg": string(alg)}),
			"an algorithm that the key is not for", verifier.ReasonUnusableKey})
	}
	for _, alg := range []string{"RS1", "HS256 ", "ML-DSA-44", "A128GCM", strings.ToLower(string(f.dev.Key().Algorithm()))} {
		all = append(all, Attack{"alg " + alg, f.withHeader(map[string]any{"alg": alg}),
			"an algorithm that nobody accepts", verifier.ReasonAlgorithm})
	}
	for name, alg := range map[string]any{"absent": Omit, "null": nil, "a number": 256, "a list": []string{"RS256"}} {
		all = append(all, Attack{"alg is " + name, f.withHeader(map[string]any{"alg": alg}), "no algorithm", verifier.ReasonMalformed})
	}
	return all
}

func (f *forge) headers() []Attack {
	var all []Attack
	own := f.newKey("attacker")
	var jwk any
	if err := json.Unmarshal(own.JWK(), &jwk); err != nil {
		f.tb.Fatalf("verifiertest: %v", err)
	}
	for name, changes := range map[string]map[string]any{
		"jwk": {"jwk": jwk}, "jku": {"jku": "https://attacker.example.test/jwks"}, "x5u": {"x5u": "https://attacker.example.test/x5u"},
		"x5c": {"x5c": []string{"MIIB"}}, "crit": {"crit": []string{"exp"}}, "empty crit": {"crit": []string{}}, "crit null": {"crit": nil},
		"crit b64": {"crit": []string{"b64"}, "b64": false}, "b64 alone": {"b64": false}, "zip": {"zip": "DEF"}, "enc": {"enc": "A128GCM"},
		"epk": {"epk": jwk}, "p2c": {"p2c": 1 << 30},
	} {
		all = append(all, Attack{"header " + name, f.withHeader(changes), "a header that makes its own rules", verifier.ReasonHeader})
	}
	for name, kid := range map[string]string{
		"path": "../../../../dev/null", "SQL": "x' UNION SELECT 'k", "shell": "|id", "unpublished": "nobody", "long": strings.Repeat("k", 256),
		"prefix": f.KeyID()[:len(f.KeyID())-1], "space": f.KeyID() + " ",
	} {
		all = append(all, Attack{"kid " + name, f.withHeader(map[string]any{"kid": kid}), "a key id that leads elsewhere", verifier.ReasonUnknownKey})
	}
	for name, kid := range map[string]any{
		"line break": f.KeyID() + "\r\nX: y", "NUL": "\x00", "too long": strings.Repeat("k", 257), "number": 1, "null": nil, "object": map[string]any{},
	} {
		all = append(all, Attack{"kid " + name, f.withHeader(map[string]any{"kid": kid}), "a key id that is none", verifier.ReasonMalformed})
	}
	for _, typ := range []string{"logout+jwt", "secevent+jwt", "dpop+jwt", "oauth-authz-req+jwt", "id+jwt", "token-introspection+jwt", "kb+jwt"} {
		all = append(all, Attack{"typ " + typ, f.withHeader(map[string]any{"typ": typ}), "a token of another kind", verifier.ReasonType})
	}
	all = append(
		all,
		Attack{"typ list", f.withHeader(map[string]any{"typ": []string{"JWT"}}), "a type that is none", verifier.ReasonMalformed},
		Attack{"nested", f.withHeader(map[string]any{"cty": "JWT"}), "a token in a token", verifier.ReasonType},
	)
	alg, kid := string(f.dev.Key().Algorithm()), f.KeyID()
	for name, header := range map[string]string{
		"twice alg":           `{"alg":"` + alg + `","kid":"` + kid + `","alg":"none"}`,
		"twice alg by escape": `{"alg":"` + alg + `","kid":"` + kid + `","al\u0067":"none"}`,
		"alg in capitals":     `{"ALG":"` + alg + `","kid":"` + kid + `"}`,
		"trailing data":       `{"alg":"` + alg + `","kid":"` + kid + `"}{}`,
		"list":                `["alg"]`, "null": `null`, "byte order mark": "\ufeff{\"alg\":\"" + alg + "\"}",
		"deep": `{"alg":"` + alg + `","x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
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
