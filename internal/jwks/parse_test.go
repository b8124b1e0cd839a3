package jwks_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strconv"
	"strings"
	"sync"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/keychorus/keychorus/internal/jwks"
	"github.com/keychorus/keychorus/internal/jws"
)

type object = map[string]any

type keys struct{ rsa, ec, ed object }

var testKeys = sync.OnceValue(func() keys {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	d, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	members := func(public any) object {
		raw, err := jose.JSONWebKey{Key: public}.MarshalJSON()
		if err != nil {
			panic(err)
		}
		var o object
		if err := json.Unmarshal(raw, &o); err != nil {
			panic(err)
		}
		return o
	}
	return keys{members(&r.PublicKey), members(&e.PublicKey), members(d)}
})

type omit struct{}

// entry is a JWK with members changed.
func entry(base, changes object) object {
	o := object{"kid": "k"}
	for _, from := range []object{base, changes} {
		for name, v := range from {
			o[name] = v
			if _, gone := v.(omit); gone {
				delete(o, name)
			}
		}
	}
	return o
}

func encode(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func document(tb testing.TB, entries ...any) []byte {
	tb.Helper()
	return encode(tb, object{"keys": entries})
}

func b64(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

func TestParseSkipsEntryByEntry(t *testing.T) {
	k := testKeys()
	good := entry(k.ed, object{"kid": "good"})
	large := new(big.Int).Lsh(big.NewInt(1), 8191)
	large.Add(large, big.NewInt(12345))
	for name, tt := range map[string]struct {
		entry any
		want  string // reason; "" means that the key is used
	}{
		"RSA":                   {entry(k.rsa, nil), ""},
		"RSA with Kinde's six":  {entry(k.rsa, object{"use": "sig", "alg": "RS256"}), ""},
		"RSA of 8192 bits":      {entry(k.rsa, object{"n": b64(large)}), ""},
		"EC":                    {entry(k.ec, object{"alg": "ES256"}), ""},
		"EdDSA by either name":  {entry(k.ed, object{"alg": "Ed25519"}), ""},
		"key_ops":               {entry(k.ed, object{"key_ops": []string{"verify"}}), ""},
		"unknown members":       {entry(k.ed, object{"x5c": []string{"garbage"}, "x5t": 1, "foo": object{}}), ""},
		"no kid":                {entry(k.ed, object{"kid": omit{}}), ""},
		"null":                  {nil, "malformed"},
		"string":                {"x", "malformed"},
		"empty object":          {object{}, "kty"},
		"unknown kty":           {entry(k.ed, object{"kty": "AKP"}), "kty"},
		"kty number":            {entry(k.ed, object{"kty": 1}), "malformed"},
		"X25519":                {entry(k.ed, object{"crv": "X25519"}), "crv"},
		"Ed448":                 {entry(k.ed, object{"crv": "Ed448"}), "crv"},
		"secp256k1":             {entry(k.ec, object{"crv": "secp256k1"}), "crv"},
		"symmetric":             {object{"kty": "oct", "k": "AAAA", "kid": "k"}, "symmetric"},
		"symmetric, no k":       {object{"kty": "oct", "kid": "k"}, "symmetric"},
		"private RSA":           {entry(k.rsa, object{"d": "AAAA"}), "private"},
		"private, empty":        {entry(k.rsa, object{"d": ""}), "private"},
		"private, null":         {entry(k.ed, object{"d": nil}), "private"},
		"private prime":         {entry(k.rsa, object{"p": "AAAA"}), "private"},
		"for encryption":        {entry(k.rsa, object{"use": "enc"}), "use"},
		"empty use":             {entry(k.rsa, object{"use": ""}), "use"},
		"for signing":           {entry(k.rsa, object{"key_ops": []string{"sign"}}), "key_ops"},
		"unknown alg":           {entry(k.rsa, object{"alg": "RSA-OAEP"}), "alg"},
		"HMAC alg":              {entry(k.rsa, object{"alg": "HS256"}), "alg"},
		"alg of another type":   {entry(k.rsa, object{"alg": "ES256"}), "alg"},
		"alg of another curve":  {entry(k.ec, object{"alg": "ES384"}), "alg"},
		"RSA of 1024 bits":      {entry(k.rsa, object{"n": b64(new(big.Int).Lsh(big.NewInt(3), 1022))}), "size"},
		"RSA of 16384 bits":     {entry(k.rsa, object{"n": b64(new(big.Int).Lsh(big.NewInt(3), 16382))}), "size"},
		"RSA exponent 3":        {entry(k.rsa, object{"e": "Aw"}), "exponent"},
		"RSA exponent 0":        {entry(k.rsa, object{"e": "AA"}), "malformed"},
		"RSA exponent 2^32+1":   {entry(k.rsa, object{"e": "AQAAAAE"}), "exponent"},
		"RSA exponent padded":   {entry(k.rsa, object{"e": "AAEAAQ"}), ""},
		"RSA without n":         {entry(k.rsa, object{"n": omit{}}), "malformed"},
		"RSA corrupt":           {entry(k.rsa, object{"n": "!!!"}), "malformed"},
		"EC short coordinate":   {entry(k.ec, object{"x": "AAAA"}), "malformed"},
		"EC off the curve":      {entry(k.ec, object{"y": k.ec["x"]}), "malformed"},
		"Ed25519 short":         {entry(k.ed, object{"x": "AAAA"}), "malformed"},
		"Ed25519 of low order":  {entry(k.ed, object{"x": base64.RawURLEncoding.EncodeToString(append([]byte{1}, make([]byte, 31)...))}), "malformed"},
		"kid number":            {entry(k.ed, object{"kid": 1}), "malformed"},
		"kid too long":          {entry(k.ed, object{"kid": strings.Repeat("k", 257)}), "malformed"},
		"kid with line break":   {entry(k.ed, object{"kid": "a\nb"}), "malformed"},
		"duplicate member":      {json.RawMessage(`{"kty":"OKP","kid":"k","crv":"Ed25519","x":"AAAA","x":"BBBB"}`), "malformed"},
		"name in capitals":      {json.RawMessage(`{"KTY":"OKP","kid":"k"}`), "kty"},
		"key_ops of wrong type": {entry(k.ed, object{"key_ops": "verify"}), "malformed"},
	} {
		set, skipped, err := jwks.Parse(document(t, good, tt.entry))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !set.Has("good") {
			t.Errorf("%s cost the other key", name)
		}
		switch {
		case tt.want == "" && (set.Len() != 2 || len(skipped) != 0):
			t.Errorf("%s: skipped as %v", name, skipped)
		case tt.want != "" && (len(skipped) != 1 || skipped[0].Reason != tt.want):
			t.Errorf("%s: skipped as %v, want %s", name, skipped, tt.want)
		}
	}
}

func TestSkippedEntriesKeepTheirKid(t *testing.T) {
	k := testKeys()
	_, skipped, err := jwks.Parse(document(t, entry(k.rsa, object{"use": "enc", "kid": "a"}),
		json.RawMessage(`{"kty":"OKP","kid":"b","x":"A","x":"B"}`), object{"kty": "oct", "k": "A", "kid": "c"}))
	if err != nil || len(skipped) != 3 || skipped[0].KeyID != "a" || skipped[1].KeyID != "b" || skipped[2].KeyID != "c" {
		t.Errorf("skipped %v, error %v", skipped, err)
	}
	if skipped[0].Secret() || !skipped[2].Secret() {
		t.Error("Secret does not tell secret entries")
	}
}

func TestParseRefusesDocuments(t *testing.T) {
	var many []any
	for i := range 257 {
		many = append(many, object{"kid": strconv.Itoa(i)})
	}
	for name, doc := range map[string]string{
		"nothing": "", "null": "null", "list": "[]", "empty": "{}", "no list": `{"keys":{}}`, "keys null": `{"keys":null}`,
		"bare key": string(encode(t, testKeys().ed)), "HTML": "<html></html>", "cut short": `{"keys":[{"kty"`, "two documents": `{"keys":[]}{}`,
		"two lists": `{"keys":[],"keys":[]}`, "two lists by escape": `{"keys":[],"k\u0065ys":[]}`, "capitals": `{"KEYS":[]}`,
		"too many": string(document(t, many...)), "too large": `{"keys":[],"x":"` + strings.Repeat("x", 512<<10) + `"}`,
		"trailing comma": `{"keys":[],}`, "byte order mark": "\ufeff{\"keys\":[]}",
	} {
		if set, _, err := jwks.Parse([]byte(doc)); set != nil || !errors.Is(err, jwks.ErrDocument) {
			t.Errorf("%s: %v, %v", name, set, err)
		}
	}
	if set, _, err := jwks.Parse([]byte(`{"keys":[],"x":1}`)); err != nil || set.Len() != 0 {
		t.Errorf("an empty list: %v", err)
	}
}

func TestCandidate(t *testing.T) {
	k := testKeys()
	two := entry(k.ed, object{"kid": "two"})
	for name, tt := range map[string]struct {
		entries  []any
		alg, kid string
		want     error
	}{
		"by kid":                   {[]any{entry(k.rsa, nil)}, "RS256", "k", nil},
		"no such kid":              {[]any{entry(k.rsa, nil)}, "RS256", "x", jwks.ErrNoKey},
		"kid prefix":               {[]any{entry(k.rsa, nil)}, "RS256", "K", jwks.ErrNoKey},
		"wrong type":               {[]any{entry(k.rsa, nil)}, "ES256", "k", jwks.ErrUnfit},
		"bound to another alg":     {[]any{entry(k.rsa, object{"alg": "RS256"})}, "PS256", "k", jwks.ErrUnfit},
		"same kid, told by type":   {[]any{entry(k.rsa, nil), entry(k.ec, nil)}, "ES256", "k", nil},
		"same kid, same type":      {[]any{entry(k.rsa, nil), entry(k.rsa, object{"alg": "RS256"})}, "RS256", "k", jwks.ErrAmbiguous},
		"same key twice":           {[]any{entry(k.rsa, nil), entry(k.rsa, nil)}, "RS256", "k", nil},
		"no kid, one fits":         {[]any{entry(k.rsa, nil), two}, "EdDSA", "", nil},
		"no kid, none fits":        {[]any{entry(k.rsa, nil)}, "EdDSA", "", jwks.ErrNoKey},
		"no kid, two fit":          {[]any{entry(k.rsa, nil), entry(k.rsa, object{"kid": "b"})}, "RS256", "", jwks.ErrAmbiguous},
		"no kid, key without kid":  {[]any{entry(k.rsa, object{"kid": omit{}})}, "RS256", "", nil},
		"kid, key without kid":     {[]any{entry(k.rsa, object{"kid": omit{}})}, "RS256", "k", jwks.ErrNoKey},
		"unknown alg":              {[]any{entry(k.rsa, nil)}, "none", "k", jwks.ErrUnfit},
		"empty set, nothing fits":  {nil, "RS256", "k", jwks.ErrNoKey},
		"Ed25519 for an EdDSA key": {[]any{entry(k.ed, object{"alg": "EdDSA"})}, "Ed25519", "k", nil},
	} {
		set, _, err := jwks.Parse(document(t, append([]any{}, tt.entries...)...))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		key, err := set.Candidate(tt.alg, tt.kid)
		if !errors.Is(err, tt.want) || (key == nil) != (tt.want != nil) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if n := testing.AllocsPerRun(10, func() { _, _ = set.Candidate(tt.alg, tt.kid) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// RFC 7638 §3.1.
func TestThumbprint(t *testing.T) {
	const n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ" +
		"_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbIS" +
		"D08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	key, err := jwks.ParseKey([]byte(`{"kty":"RSA","n":"` + n + `","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`))
	if err != nil || key.Thumbprint() != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" || key.ID() != "2011-04-29" {
		t.Errorf("%v, %v", key, err)
	}
}

func TestWithout(t *testing.T) {
	k := testKeys()
	set, _, err := jwks.Parse(document(t, entry(k.rsa, object{"kid": "a"}), entry(k.ec, object{"kid": "b"})))
	if err != nil {
		t.Fatal(err)
	}
	less := set.Without(func(kid, thumbprint string) bool { return kid == "a" && thumbprint != "" })
	if less.Len() != 1 || less.Has("a") || !less.Has("b") || set.Len() != 2 {
		t.Errorf("without a: %v, before: %v", less.KeyIDs(), set.KeyIDs())
	}
}

// No key comes out of a document that does not pass the rules, and none under another kid.
func FuzzParse(f *testing.F) {
	k := testKeys()
	f.Add(document(f, entry(k.rsa, nil), entry(k.ec, object{"use": "enc"}), entry(k.ed, object{"d": "x"})))
	f.Add([]byte(`{"keys":[null,1,{"kty":"oct","k":"A"}]}`))
	f.Add([]byte(`{"keys":[]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		set, _, err := jwks.Parse(doc)
		if (set == nil) != (err != nil) {
			t.Fatalf("set %v with error %v", set, err)
		}
		if err != nil {
			return
		}
		for key := range set.All() {
			fits := false
			for _, alg := range jws.Algorithms() {
				fits = fits || key.Fits(alg)
				if got, err := set.Candidate(string(alg), key.ID()); err == nil && got.ID() != key.ID() && key.ID() != "" {
					t.Errorf("asked for %q, got %q", key.ID(), got.ID())
				}
			}
			if !fits || key.Thumbprint() == "" {
				t.Errorf("a key that fits nothing: %+v", key)
			}
		}
	})
}
