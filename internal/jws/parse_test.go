package jws_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/internal/jws"
)

func wantCode(tb testing.TB, name, token string, want jws.Code) {
	tb.Helper()
	m, err := jws.Parse(token, jws.Limits{})
	var e *jws.Error
	if m != nil || !errors.As(err, &e) || e.Code != want {
		tb.Errorf("%s: %v, want code %d", name, err, want)
	}
}

func TestParseRefusesForms(t *testing.T) {
	good := sign(t, jws.EdDSA, `{"a":1}`)
	p := strings.Split(good, ".")
	for name, tt := range map[string]struct {
		token string
		want  jws.Code
	}{
		"empty": {"", jws.Opaque}, "no dot": {"abc", jws.Opaque}, "one dot": {"a.b", jws.Malformed},
		"three dots": {good + ".x", jws.Malformed}, "four dots": {good + ".x.y", jws.Encrypted}, "five dots": {good + ".x.y.z", jws.Malformed},
		"no header": {"." + p[1] + "." + p[2], jws.Malformed}, "no payload": {p[0] + ".." + p[2], jws.Malformed},
		"no signature": {p[0] + "." + p[1] + ".", jws.Malformed}, "too large": {strings.Repeat("a", 16<<10) + good, jws.TooLarge},
		"JSON": {`{"payload":"` + p[1] + `"}`, jws.Opaque},
	} {
		wantCode(t, name, tt.token, tt.want)
	}
	for i, segment := range p {
		with := func(s string) string {
			q := append([]string(nil), p...)
			q[i] = s
			return strings.Join(q, ".")
		}
		for _, insert := range []string{"\n", "\r\n", "\n\n", "\n\n\n\n", " ", "=", "+", "/", "\t", "\x00", "é", "%", "\""} {
			for _, at := range []int{0, 1, 4, len(segment) / 2, len(segment) - 1, len(segment)} {
				wantCode(t, "inserted", with(segment[:at]+insert+segment[at:]), jws.Malformed)
			}
		}
		if len(segment)%4 != 0 { // the last character has bits to spare
			last := strings.IndexByte(alphabet, segment[len(segment)-1])
			wantCode(t, "trailing bits", with(segment[:len(segment)-1]+string(alphabet[last|1])), jws.Malformed)
		}
		wantCode(t, "impossible length", with(segment[:len(segment)-len(segment)%4]+"A"), jws.Malformed)
	}
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func TestParseRefusesHeaders(t *testing.T) {
	for header, want := range map[string]jws.Code{
		`null`: jws.Malformed, `[]`: jws.Malformed, `"x"`: jws.Malformed, `{}`: jws.Malformed, `{"alg":"EdDSA"}x`: jws.Malformed,
		"\ufeff{\"alg\":\"EdDSA\"}": jws.Malformed, "{\"alg\":\"EdDSA\",\"x\":\"\xff\"}": jws.Malformed,
		`{"alg":"EdDSA","alg":"none"}`: jws.Malformed, `{"alg":"EdDSA","al\u0067":"none"}`: jws.Malformed,
		`{"ALG":"EdDSA"}`: jws.Malformed, `{"alg":1}`: jws.Malformed, `{"alg":null}`: jws.Malformed, `{"alg":["EdDSA"]}`: jws.Malformed,
		`{"alg":"none"}`: jws.BadAlgorithm, `{"alg":"None"}`: jws.BadAlgorithm, `{"alg":"nOnE"}`: jws.BadAlgorithm, `{"alg":"none "}`: jws.BadAlgorithm,
		`{"alg":""}`: jws.BadAlgorithm, `{"alg":"HS256"}`: jws.BadAlgorithm, `{"alg":"RS1"}`: jws.BadAlgorithm, `{"alg":"eddsa"}`: jws.BadAlgorithm,
		`{"alg":"ES256K"}`: jws.BadAlgorithm, `{"alg":"ML-DSA-44"}`: jws.BadAlgorithm,
		`{"alg":"EdDSA","crit":["exp"]}`: jws.Forbidden, `{"alg":"EdDSA","crit":[]}`: jws.Forbidden, `{"alg":"EdDSA","crit":null}`: jws.Forbidden,
		`{"alg":"EdDSA","b64":false}`: jws.Forbidden, `{"alg":"EdDSA","b64":true}`: jws.Forbidden, `{"alg":"EdDSA","b\u00364":true}`: jws.Forbidden,
		`{"alg":"EdDSA","jwk":{}}`: jws.Forbidden, `{"alg":"EdDSA","jku":"x"}`: jws.Forbidden, `{"alg":"EdDSA","x5u":"x"}`: jws.Forbidden,
		`{"alg":"EdDSA","x5c":["x"]}`: jws.Forbidden, `{"alg":"EdDSA","zip":"DEF"}`: jws.Forbidden, `{"alg":"EdDSA","enc":"x"}`: jws.Forbidden,
		`{"alg":"EdDSA","epk":{}}`: jws.Forbidden, `{"alg":"EdDSA","p2c":1}`: jws.Forbidden,
		`{"alg":"EdDSA","kid":1}`: jws.Malformed, `{"alg":"EdDSA","kid":null}`: jws.Malformed, `{"alg":"EdDSA","kid":{}}`: jws.Malformed,
		`{"alg":"EdDSA","kid":"a\nb"}`: jws.KeyID, `{"alg":"EdDSA","kid":"é"}`: jws.KeyID, `{"alg":"EdDSA","kid":"\u0000"}`: jws.KeyID,
		`{"alg":"EdDSA","kid":"` + strings.Repeat("k", 257) + `"}`: jws.KeyID,
		`{"alg":"EdDSA","typ":1}`:                                  jws.Malformed, `{"alg":"EdDSA","typ":["JWT"]}`: jws.Malformed,
		`{"alg":"EdDSA","cty":"JWT"}`: jws.Type, `{"alg":"EdDSA","cty":"application/jwt"}`: jws.Type, `{"alg":"EdDSA","cty":1}`: jws.Malformed,
		`{"alg":"EdDSA","x":{"y":1}}`: jws.Malformed, `{"alg":"EdDSA","x":[1]}`: jws.Malformed,
		`{"alg":"EdDSA","x":"` + strings.Repeat("x", 1024) + `"}`:          jws.TooLarge,
		`{"alg":"EdDSA"` + strings.Repeat(`,"x":1`, 0) + members(16) + `}`: jws.TooLarge,
	} {
		wantCode(t, header[:min(len(header), 60)], signRaw(header, "{}"), want)
	}
	for _, header := range []string{
		`{"alg":"EdDSA"}`, ` { "alg" : "EdDSA" } `, `{"alg":"EdDSA","x":1,"y":null,"z":"","x5t":"a"}`, `{"alg":"EdDSA","kid":""}`,
		`{"\u0061lg":"EdDS\u0041"}`, `{"alg":"EdDSA","typ":"anything","cty":"json"}`, `{"alg":"EdDSA"` + members(15) + `}`,
	} {
		m, err := jws.Parse(signRaw(header, "{}"), jws.Limits{})
		if err != nil {
			t.Errorf("%s: %v", header, err)
		} else if err := m.Verify(public(t, jws.EdDSA)); err != nil {
			t.Errorf("%s: %v", header, err)
		}
	}
}

func members(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"m` + string(rune('a'+i)) + `":1`)
	}
	return b.String()
}

func TestProofsCarryTheirKey(t *testing.T) {
	token := signRaw(`{"alg":"EdDSA","typ":"dpop+jwt","jwk":{"kty":"OKP"}}`, "{}")
	m, err := jws.Parse(token, jws.Limits{Proof: true})
	if err != nil {
		t.Fatal(err)
	}
	var jwk map[string]string
	if err := json.Unmarshal(m.JWK(), &jwk); err != nil || jwk["kty"] != "OKP" || m.Type() != "dpop+jwt" {
		t.Errorf("jwk %s, typ %s, %v", m.JWK(), m.Type(), err)
	}
}

// Refusing is cheap, whatever is refused.
func TestRefusalAllocations(t *testing.T) {
	for name, token := range map[string]string{
		"dots": strings.Repeat(".", 100_000), "few dots": strings.Repeat(".", 10_000), "large": strings.Repeat("a", 1<<20),
		"opaque": strings.Repeat("a", 10_000), "wide header": signRaw(`{"alg":"EdDSA"`+members(20)+`}`, "{}"),
		"deep header": signRaw(`{"alg":"EdDSA","x":`+strings.Repeat("[", 400)+strings.Repeat("]", 400)+`}`, "{}"),
	} {
		if n := testing.AllocsPerRun(50, func() { _, _ = jws.Parse(token, jws.Limits{}) }); n > 12 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
