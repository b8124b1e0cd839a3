package verify_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

// reject is what one contender spends on tokens that it refuses.
type reject struct {
	name                        string
	badSignature, over, garbage spread // to its own verification of a good token
	header                      spread // to its own refusal of a bad signature of the same size
	worst                       string // which header that is
}

// hostileBytes is the size of a hostile header before encoding, and of a payload about.
const hostileBytes = 8 << 10

// reject times refusals by every contender. All inputs but garbage name the issuer and a known
// key, so that nobody has a reason to fetch anything.
func (o *outcome) reject(t *testing.T, e effort) {
	for _, c := range contenders() {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, devissuer.RS256)
			check := c.start(t, s)
			ctx := t.Context()
			good := s.tokens(t, usual, e.tokens)
			one := func(token string) func(int) error { return refused(over(ctx, check, []string{token})) }
			all := []*timed{
				{name: "good", run: over(ctx, check, good)},
				{name: "signature", run: one(badlySigned(good[0]))},
				{name: "garbage", run: one(garbage(len(good[0])))},
			}
			if c.name != raw {
				expired := s.fill(t, devissuer.Claims{"exp": devissuer.FromNow(-time.Hour)}, len(good[0]))
				all = append(all, &timed{name: "expired", run: one(expired)})
			}
			headers := hostileHeaders(s)
			size := 0
			for _, h := range headers {
				all = append(all, &timed{name: h.name, run: one(h.token)})
				size = len(h.token)
			}
			all = append(all, &timed{name: "same size", run: one(badlySigned(s.fill(t, devissuer.UserClaims(), size)))})
			times := takeTurns(t, e.rounds, e.turn/2, all)
			r := reject{
				name: c.name, badSignature: times.to("signature", "good"), over: times.to("expired", "good"), garbage: times.to("garbage", "good"),
			}
			for _, h := range headers {
				if x := times.to(h.name, "same size"); r.worst == "" || x.middle > r.header.middle {
					r.header, r.worst = x, h.name
				}
			}
			t.Logf("%+v", r)
			o.rejects = append(o.rejects, r)
		})
	}
}

// garbage looks like a token to nobody.
func garbage(size int) string {
	return strings.Repeat("Lorem ipsum dolor sit amet. ", size/28+1)[:size]
}

// hostile is an input that was made to be expensive.
type hostile struct{ name, token string }

// hostileHeaders are tokens whose header has 8 KiB and names a known key.
func hostileHeaders(s *scene) []hostile {
	_, rest, _ := strings.Cut(mustMint(s, nil), ".")
	var all []hostile
	for _, v := range values() {
		start := `{"alg":"RS256","kid":"` + s.issuer.Key().ID() + `",`
		all = append(all, hostile{"header: " + v.name, encode(start+v.fill(hostileBytes-len(start)-1)+"}") + "." + rest})
	}
	return all
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func mustMint(s *scene, c devissuer.Claims) string {
	token, err := s.issuer.Mint(c)
	if err != nil {
		panic(err)
	}
	return token
}

// value makes members of a JSON object of exactly so many bytes.
type value struct {
	name string
	fill func(size int) string
}

func values() []value {
	between := func(start, end string, middle func(size int) string) func(int) string {
		return func(size int) string { return start + middle(size-len(start)-len(end)) + end }
	}
	repeated := func(unit, last string) func(int) string {
		return func(size int) string {
			text := strings.Repeat(unit, (size-len(last))/len(unit)) + last
			return strings.Repeat(" ", size-len(text)) + text
		}
	}
	return []value{
		{"many members", func(size int) string {
			var b strings.Builder
			for i := 0; b.Len() < size-30; i++ {
				fmt.Fprintf(&b, `"m%d":%d,`, i, i)
			}
			return b.String() + `"l":"` + strings.Repeat("x", size-b.Len()-6) + `"`
		}},
		{"one member again and again", repeated(`"a":1,`, `"b":1`)},
		{"nested arrays", between(`"a":`, "", func(size int) string {
			return strings.Repeat("[", size/2) + strings.Repeat("]", size/2) + strings.Repeat(" ", size%2)
		})},
		{"nested objects", between(`"a":`, "", func(size int) string {
			n := (size - 1) / 6
			return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) + strings.Repeat(" ", size-1-6*n)
		})},
		{"a long string of escapes", between(`"a":"`, `"`, func(size int) string {
			return strings.Repeat(`\u00e9`, size/6) + strings.Repeat("x", size%6)
		})},
		{"a long name", between(`"`, `":1`, func(size int) string { return strings.Repeat("a", size) })},
		{"a long number", between(`"exp":1`, "", func(size int) string { return strings.Repeat("0", size) })},
		{"a long array", between(`"aud":["x"`, `]`, repeated(`,""`, ``))},
	}
}

// hostileForms are no tokens at all, or not for long.
func hostileForms(s *scene) []hostile {
	good := mustMint(s, nil)
	header, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	return []hostile{
		{"dots", strings.Repeat(".", hostileBytes)},
		{"letters without a dot", strings.Repeat("A", hostileBytes)},
		{"words", garbage(hostileBytes)},
		{"a header that ends in a wrong letter", encode(strings.Repeat(" ", hostileBytes)) + "*." + rest},
		{"a payload that ends in a wrong letter", header + "." + encode(strings.Repeat(" ", hostileBytes)) + "*." + signature},
		{"a long signature", header + "." + payload + "." + strings.Repeat("A", hostileBytes)},
		{"1 MiB", good + strings.Repeat("A", 1<<20)},
	}
}

// hostilePayloads are 8 KiB under an ordinary header.
func hostilePayloads(s *scene) []hostile {
	good := mustMint(s, nil)
	header, rest, _ := strings.Cut(good, ".")
	signature := rest[strings.IndexByte(rest, '.')+1:]
	var all []hostile
	for _, v := range values() {
		start := fmt.Sprintf(`{"iss":%q,"sub":"x",`, issuerURL)
		all = append(all, hostile{"payload: " + v.name, header + "." + encode(start+v.fill(hostileBytes-len(start)-1)+"}") + "." + signature})
	}
	return all
}

const normalPrefix = "normal for "

func everyHostile(s *scene) []hostile {
	return slices.Concat(hostileForms(s), hostileHeaders(s), hostilePayloads(s))
}

// takeHostile times what was made to be expensive for this library, each beside a bad signature of
// the same size.
func (o *outcome) takeHostile(t *testing.T, e effort) {
	s := newScene(t, devissuer.RS256)
	check := warm(t, s)
	var all []*timed
	for _, h := range everyHostile(s) {
		size := min(len(h.token), 16<<10) // beyond, nothing is normal
		normal := badlySigned(s.fill(t, devissuer.UserClaims(), size))
		all = append(all, &timed{name: h.name, run: refused(over(t.Context(), check, []string{h.token}))},
			&timed{name: normalPrefix + h.name, run: refused(over(t.Context(), check, []string{normal}))})
	}
	o.hostile = takeTurns(t, e.rounds, e.turn/4, all)
	for i := 0; i < len(all); i += 2 {
		name := all[i].name
		t.Logf("%s: %v of a bad signature's %.1f µs", name, o.hostile.to(name, normalPrefix+name), o.hostile.ns(normalPrefix+name)/1000)
	}
}

// warm is this library with its keys.
func warm(tb testing.TB, s *scene) verify {
	tb.Helper()
	check := startKeychorus(tb, s)
	if err := check(tb.Context(), s.tokens(tb, usual, 1)[0]); err != nil {
		tb.Fatal(err)
	}
	return check
}

// refusing is this library at one hostile input.
func refusing(tb testing.TB, name string) func(i int) error {
	tb.Helper()
	s := newScene(tb, devissuer.RS256)
	for _, h := range everyHostile(s) {
		if h.name == name {
			return refused(over(tb.Context(), warm(tb, s), []string{h.token}))
		}
	}
	tb.Fatal("no such input: " + name)
	return nil
}

func TestHostileInputsHaveTheirSize(t *testing.T) {
	s := newScene(t, devissuer.RS256)
	for _, h := range hostileHeaders(s) {
		header, err := base64.RawURLEncoding.DecodeString(h.token[:strings.IndexByte(h.token, '.')])
		if err != nil || len(header) != hostileBytes {
			t.Errorf("%s: %d bytes, %v", h.name, len(header), err)
		}
	}
	for _, h := range hostilePayloads(s) {
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(h.token, ".")[1])
		if err != nil || len(payload) != hostileBytes {
			t.Errorf("%s: %d bytes, %v", h.name, len(payload), err)
		}
	}
}
