package verifier

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

func TestNamesOfMembersAreTheTable(t *testing.T) {
	for m := memberIssuer; m < memberEnd; m++ {
		if got := memberNamed(memberNames[m]); got != m || memberNames[m] == "" {
			t.Errorf("%q is member %d, want %d", memberNames[m], got, m)
		}
		if got := memberOf([]byte(memberNames[m])); got != m {
			t.Errorf("%q is read as member %d, want %d", memberNames[m], got, m)
		}
	}
	for _, name := range []string{"", "is", "isss", "issuer", "x"} {
		if got := memberOf([]byte(name)); got != unregistered {
			t.Errorf("%q is member %d", name, got)
		}
	}
}

// payloads are claims by what they show, with what is wrong with them.
func payloads() map[string]struct {
	text string
	want error
} {
	type p = struct {
		text string
		want error
	}
	return map[string]p{
		"usual":         {`{"iss":"i","sub":"s","aud":["a","b"],"exp":1767225600,"iat":1767222000.25,"scope":"x y","scp":["z"],"cnf":{"jkt":"J"}}`, nil},
		"escapes":       {`{"\u0069ss":"\u0069","aud":["\u0061","\n\ud83d\ude00"],"scope":"\u0020x\u0020"}`, nil},
		"white space":   {" {\t\"aud\" : [ \"a\" ,\r\n\"b\" ] , \"exp\" : 1 }\n", nil},
		"other dates":   {`{"exp":1e9,"nbf":0.5,"iat":-0,"auth_time":253402300799}`, nil},
		"own":           {`{"a":{"iss":1,"ISS":2},"b":[{"aud":null}],"huge":1e400,"n":9007199254740993}`, nil},
		"empty":         {`{}`, nil},
		"typ of any":    {`{"typ":7,"events":null,"nonce":1}`, nil},
		"names alike":   {`{"issue":1,"is":2,"AT_HASH":3,"Events":4}`, nil},
		"no date":       {`{"exp":"1767225600"}`, errClaim},
		"date of null":  {`{"nbf":null}`, errClaim},
		"date too far":  {`{"exp":253402300800}`, errClaim},
		"date below":    {`{"iat":-1}`, errClaim},
		"date in lists": {`{"exp":[1]}`, errClaim},
		"date of words": {`{"exp":true}`, errClaim},
		"date too long": {`{"exp":99999999999999999999999999}`, errClaim},
		"beyond floats": {`{"exp":1e400}`, errClaim},
		"no string":     {`{"sub":null}`, errClaim},
		"mixed list":    {`{"aud":["a",1]}`, errClaim},
		"list in list":  {`{"scp":[["a"]]}`, errClaim},
		"cnf of text":   {`{"cnf":"J"}`, errClaim},
		"most of aud":   {`{"aud":[` + strings.Repeat(`"a",`, 511) + `"b"]}`, nil},
		"too many":      {`{"aud":[` + strings.Repeat(`"a",`, 512) + `"b"]}`, errClaim},
		"many scopes":   {`{"scp":[` + strings.Repeat(`"a",`, 512) + `"b"]}`, nil},
		"capitals":      {`{"iss":"i","ISS":"j"}`, errFolded},
		"long s":        {`{"\u017fub":"s"}`, errFolded},
		"Kelvin sign":   {`{"to` + "\u212a" + `en_use":"access"}`, errFolded},
	}
}

func TestClaimsAreTakenOrRefused(t *testing.T) {
	for name, tt := range payloads() {
		t.Run(name, func(t *testing.T) {
			var c claims
			got := c.parse([]byte(tt.text))
			if got == nil {
				got = c.problem
			}
			if !errors.Is(got, tt.want) {
				t.Errorf("error %v, want %v", got, tt.want)
			}
		})
	}
}

// FuzzClaims holds the reading of a payload against a decoder that knows nothing of claims:
// both take the same ones, and find the same in them.
func FuzzClaims(f *testing.F) {
	for _, p := range payloads() {
		f.Add([]byte(p.text))
	}
	f.Add([]byte("null"))
	f.Add([]byte(`{"a":` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + "}"))
	f.Add([]byte(`{"a":{"b":1,"b":2}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var all map[string]jsontext.Value
		err := json.Unmarshal(payload, &all)
		take := err == nil && all != nil && simple(payload) && !slices.ContainsFunc(namesOf(all), foldsOntoClaim)
		var c claims
		if err := c.parse(payload); (err == nil) != take {
			t.Fatalf("%q: %v, the decoder finds %q", payload, err, all)
		}
		if !take {
			return
		}
		for name, value := range all {
			if raw, ok := c.lookup(name); !ok || raw != string(value) {
				t.Fatalf("%q: %q is %q, want %q", payload, name, raw, value)
			}
			m := memberNamed(name)
			if m != unregistered && !c.present.has(m) {
				t.Fatalf("%q: %q is not present", payload, name)
			}
			delete(all, name)
			if _, ok := c.lookup("another " + name); ok != (all["another "+name] != nil) {
				t.Fatalf("%q: a name beside %q is found", payload, name)
			}
			all[name] = value
		}
		compareClaims(t, &c, all)
	})
}

// compareClaims compares what was taken from a payload with its members.
func compareClaims(t *testing.T, c *claims, all map[string]jsontext.Value) {
	t.Helper()
	problem := false
	for name, got := range map[string]string{"iss": c.issuer, "sub": c.subject, "jti": c.id, "client_id": c.clientID, "azp": c.authorizedParty, "token_use": c.tokenUse} {
		want, ok := stringOf(all[name])
		if problem = problem || !ok; ok && got != want {
			t.Fatalf("%s is %q, want %q", name, got, want)
		}
	}
	for name, got := range map[string]numericDate{"exp": c.expiry, "nbf": c.notBefore, "iat": c.issuedAt, "auth_time": c.authTime} {
		want, ok := dateOf(all[name])
		if problem = problem || !ok; ok && math.Abs(float64(got.seconds)+float64(got.nanos)/1e9-want) > 1e-6 {
			t.Fatalf("%s is %v, want %f", name, got, want)
		}
	}
	audience, ok := listOf(all["aud"])
	ok = ok && len(audience) <= 512
	if problem = problem || !ok; ok && !slices.Equal(c.audience, audience) {
		t.Fatalf("audience %q, want %q", c.audience, audience)
	}
	var scopes []string
	for _, name := range []string{"scope", "scp"} {
		list, ok := listOf(all[name])
		problem = problem || !ok
		if all[name].Kind() == '"' && ok {
			list = slices.DeleteFunc(strings.Split(list[0], " "), func(s string) bool { return s == "" })
		}
		scopes = append(scopes, list...)
	}
	if cnf := all["cnf"]; cnf != nil && cnf.Kind() != '{' {
		problem = true
	}
	if (c.problem != nil) != problem {
		t.Fatalf("problem %v, want one: %v", c.problem, problem)
	}
	if problem {
		return
	}
	got := slices.Collect(c.scopes())
	slices.Sort(got)
	slices.Sort(scopes)
	if !slices.Equal(slices.Compact(got), slices.Compact(scopes)) {
		t.Fatalf("scopes %q, want %q", got, scopes)
	}
}

func namesOf(all map[string]jsontext.Value) []string {
	var names []string
	for name := range all {
		names = append(names, name)
	}
	return names
}

// foldsOntoClaim tells whether a name is one of the claims with a value but for its case.
func foldsOntoClaim(name string) bool {
	return slices.ContainsFunc(memberNames[memberIssuer:memberAccessHash], func(claim string) bool {
		return name != claim && strings.EqualFold(name, claim)
	})
}

// stringOf returns the string that a value is, "" for none, and whether it may be what it is.
func stringOf(value jsontext.Value) (s string, ok bool) {
	if value == nil {
		return "", true
	}
	return s, value.Kind() == '"' && json.Unmarshal(value, &s) == nil
}

func listOf(value jsontext.Value) (list []string, ok bool) {
	switch {
	case value == nil:
		return nil, true
	case value.Kind() == '"':
		s, ok := stringOf(value)
		return []string{s}, ok
	case value.Kind() != '[' || json.Unmarshal(value, &list) != nil:
		return nil, false
	}
	var all []jsontext.Value // null in a list decodes to a string, too
	ok = json.Unmarshal(value, &all) == nil && !slices.ContainsFunc(all, func(v jsontext.Value) bool { return v.Kind() != '"' })
	return list, ok
}

func dateOf(value jsontext.Value) (seconds float64, ok bool) {
	if value == nil {
		return 0, true
	}
	if value.Kind() != '0' {
		return 0, false
	}
	seconds, err := strconv.ParseFloat(string(value), 64)
	return seconds, err == nil && seconds >= 0 && seconds <= maxSeconds
}

// simple tells whether JSON text has at most 16 levels and 512 members.
func simple(text []byte) bool {
	depth, members, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ':':
			if members++; members > 512 {
				return false
			}
		case c == '{' || c == '[':
			if depth++; depth > 16 {
				return false
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return true
}
