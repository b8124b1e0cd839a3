package verifiertest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
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

// Attacks returns bad tokens of every kind, made for one issuer as it is now. Every one must be
// refused. Names are unique, and the order is always the same.
func Attacks(i *Issuer) []Attack {
	i.tb.Helper()
	key := i.dev.Key()
	f := &forge{Issuer: i, good: i.Token(), attacker: lend(i.tb, key.Algorithm(), 1)[0]}
	f.parts = [3]string(strings.Split(f.good, "."))
	f.header = map[string]any{"alg": string(key.Algorithm()), "kid": key.ID(), "typ": "JWT"}
	all := slices.Concat(
		f.algorithms(), f.headers(), f.malformedHeaders(), f.keySources(), f.keyIDs(),
		f.encodings(), f.payloads(), f.claims(), f.kinds(), f.signatures(),
	)
	slices.SortFunc(all, func(a, b Attack) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// forge makes attacks out of one good token.
type forge struct {
	*Issuer
	good     string
	parts    [3]string
	header   map[string]any
	attacker *devissuer.Key // of the issuer's algorithm, but not one of its keys
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// withHeader returns the good payload under a changed header, signed with the real key.
func (f *forge) withHeader(changes map[string]any) string {
	return f.withHeaderBy(f.dev.Key(), changes)
}

func (f *forge) withHeaderBy(key *devissuer.Key, changes map[string]any) string {
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
	return f.signedBy(key, string(raw), f.payload())
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
	for name, secret := range f.publicForms() {
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
		// Where the key can sign so, the signature holds for whoever does not bind keys to
		// algorithms.
		key, err := f.dev.Key().As(alg)
		if err != nil {
			key = f.dev.Key()
		}
		all = append(all, Attack{"alg " + string(alg) + " with a key for another", f.withHeaderBy(key, map[string]any{"alg": string(alg)}),
			"an algorithm that the key is not for", verifier.ReasonUnusableKey})
	}
	for _, alg := range []string{"RS1", "HS256 ", "HS512", "ML-DSA-44", "A128GCM", strings.ToLower(string(f.dev.Key().Algorithm()))} {
		all = append(all, Attack{"alg " + alg, f.withHeader(map[string]any{"alg": alg}),
			"an algorithm that nobody accepts", verifier.ReasonAlgorithm})
	}
	for name, alg := range map[string]any{"absent": Omit, "null": nil, "a number": 256, "a list": []string{"RS256"}} {
		all = append(all, Attack{"alg is " + name, f.withHeader(map[string]any{"alg": alg}), "no algorithm", verifier.ReasonMalformed})
	}
	return all
}

// publicForms are what a verifier may hold as the issuer's public key.
func (f *forge) publicForms() map[string][]byte {
	public := f.dev.Key().Public()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		f.tb.Fatalf("verifiertest: %v", err)
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	forms := map[string][]byte{
		"PEM": asPEM, "PEM without line end": asPEM[:len(asPEM)-1], "PEM after a space": slices.Concat([]byte(" "), asPEM),
		"DER": der, "JWK": f.dev.Key().JWK(), "nothing": {},
	}
	switch k := public.(type) {
	case *rsa.PublicKey:
		forms["modulus"], forms["PKCS 1"] = k.N.Bytes(), x509.MarshalPKCS1PublicKey(k)
	case *ecdsa.PublicKey:
		if forms["point"], err = k.Bytes(); err != nil {
			f.tb.Fatalf("verifiertest: %v", err)
		}
	case ed25519.PublicKey:
		forms["point"] = k
	}
	return forms
}
