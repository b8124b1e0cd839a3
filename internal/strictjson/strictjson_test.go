package strictjson_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keychorus/keychorus/internal/strictjson"
)

// recorder keeps copies of what it is told.
type recorder struct {
	text    string
	members []string
	refuse  string // unless empty
}

var errRefused = errors.New("refused")

func (r *recorder) Member(name []byte, value jsontext.Value, offset int) error {
	if r.refuse != "" && string(name) == r.refuse {
		return errRefused
	}
	if r.text[offset:offset+len(value)] != string(value) {
		return errors.New("the offset is wrong")
	}
	r.members = append(r.members, string(name)+"="+string(value))
	return nil
}

// accepted are texts by what they show.
func accepted() map[string]string {
	return map[string]string{
		"empty": ` { } `, "members": `{"a":1, "b" : [ {"c":null} ],"d":"x"}`, "white space": " \t\r\n{ \"a\" :\n1\t,\r\"b\": [ ] } ",
		"escaped name": `{"\u0061\"":true}`, "empty name": `{"":""}`, "long name": `{"` + strings.Repeat("n", 100) + `":0}`,
		"escaped name before escapes": `{"\u0061":{"\u0062":"\u0063"},"\u0064":["\u0065"]}`,
		"same name in another object": `{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}`,
		"numbers":                     `{"a":[0,-0,1,-1,10,0.5,-0.0,1e1,1E+1,1e-1,0e0,12.34e56,1e999,123456789012345678901234567890]}`,
		"words":                       `{"a":[true,false,null]}`, "nested": `{"a":[[[]],[{}],[{"b":[]}]]}`,
		"escapes": `{"a":"\"\\\/\b\f\n\r\t\u0000\u00e9"}`, "pair of surrogates": `{"a":"\ud83d\ude00"}`,
		"beyond ASCII": `{"é":"日本😀\u2028` + "\u2028\ufffd\x7f" + `"}`, "quote in a group of eight": `{"aaaaaaa":"bbbbbbbb"}`,
		"names alike": `{"a":1,"A":2,"a ":3,"á":4,"a\u0301":5,"\u0000":6,"":7}`,
	}
}

func refused() map[string]string {
	return map[string]string{
		"nothing": "", "white space": "  ", "null": "null", "list": "[]", "string": `"x"`, "number": "1", "NUL": "\x00",
		"two objects": "{}{}", "trailing data": "{} x", "trailing NUL": "{}\x00", "cut short": `{"a":1`, "no colon": `{"a" 1}`,
		"trailing comma": `{"a":1,}`, "trailing comma in a list": `{"a":[1,]}`, "leading comma": `{,"a":1}`, "two commas": `{"a":1,,"b":2}`,
		"no comma": `{"a":1 "b":2}`, "no comma in a list": `{"a":[1 2]}`, "no value": `{"a":}`, "no name": `{:1}`, "unquoted name": `{a:1}`,
		"comment": `{/**/}`, "byte order mark": "\ufeff{}", "other white space": "{\u00a0}", "vertical tab": "{\v}",
		"wrong bracket": `{"a":[1}`, "wrong brace": `{"a":{]}`, "open list": `{"a":[`, "open string": `{"a":"`, "open name": `{"a`, "only a brace": `{`,
		"duplicate": `{"a":1,"a":2}`, "duplicate by escape": `{"a":1,"\u0061":2}`, "nested duplicate": `{"x":[{"a":1,"a":2}]}`,
		"duplicate around an object": `{"a":{"b":1},"b":2,"a":3}`, "duplicate empty name": `{"":1,"":2}`,
		"duplicate by two escapes": `{"\u00e9":1,"\u00E9":2}`, "duplicate beyond ASCII": `{"é":1,"\u00e9":2}`,
		"bad UTF-8 in a value": "{\"a\":\"\xff\"}", "bad UTF-8 in a name": "{\"\xff\":1}", "overlong": "{\"a\":\"\xc0\xaf\"}",
		"surrogate in UTF-8": "{\"a\":\"\xed\xa0\x80\"}", "beyond Unicode": "{\"a\":\"\xf4\x90\x80\x80\"}", "cut rune": "{\"a\":\"\xe6\x97\"}",
		"bad UTF-8 beside an escape": "{\"a\":\"\\n\xff\"}", "bad UTF-8 after a backslash": "{\"a\":\"\\\xc3\xa9\"}", "bad UTF-8 outside": "{\xff}",
		"lone surrogate": `{"a":"\ud800"}`, "lone low surrogate": `{"a":"\udc00"}`, "surrogates in the wrong order": `{"a":"\udc00\ud800"}`, "surrogate before text": `{"a":"\ud800x"}`,
		"surrogate before an escape": `{"a":"\ud800\n"}`, "lone surrogate in a name": `{"\ud800":1}`,
		"unknown escape": `{"a":"\x"}`, "short escape": `{"a":"\u12"}`, "no hex": `{"a":"\u12g4"}`, "escaped end": `{"a":"\"}`, "escape in capitals": `{"a":"\U0041"}`,
		"escape at the end": `{"a":"\`, "control character": "{\"a\":\"\n\"}", "NUL in a string": "{\"a\":\"\x00\"}", "control character in a name": "{\"\x1f\":1}",
		"control character beside an escape": "{\"a\":\"\\n\n\"}", "single quotes": `{'a':1}`,
		"not a number": `{"a":NaN}`, "infinity": `{"a":-Infinity}`, "plus": `{"a":+1}`, "leading zero": `{"a":01}`, "leading zeros": `{"a":-00}`, "only a sign": `{"a":-}`,
		"no fraction": `{"a":1.}`, "no integer": `{"a":.5}`, "no exponent": `{"a":1e}`, "signed no exponent": `{"a":1e+}`, "hexadecimal": `{"a":0x1}`, "two points": `{"a":1.2.3}`,
		"number and text": `{"a":1a}`, "grouped": `{"a":1_000}`,
		"word in capitals": `{"a":True}`, "cut word": `{"a":tru}`, "longer word": `{"a":nulls}`, "word at the end": `{"a":t`, "another word": `{"a":undefined}`,
	}
}

func TestRead(t *testing.T) {
	for name, text := range accepted() {
		t.Run(name, func(t *testing.T) {
			got, want := recorder{text: text}, recorder{text: text}
			if err := readByOracle([]byte(text), &want); err != nil {
				t.Fatalf("jsontext: %v", err)
			}
			if err := strictjson.Read([]byte(text), &got); err != nil {
				t.Fatal(err)
			}
			if g, w := strings.Join(got.members, " "), strings.Join(want.members, " "); g != w {
				t.Errorf("got %s, want %s", g, w)
			}
		})
	}
}

func TestMembersAreToldAsTheyStand(t *testing.T) {
	const text = `{"a":1, "b" : [ {"c":null} ],"\u0064\"":"\u0078"}`
	r := recorder{text: text}
	if err := strictjson.Read([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(r.members, " "), `a=1 b=[ {"c":null} ] d"="\u0078"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestReadRefuses(t *testing.T) {
	for name, text := range refused() {
		if err := strictjson.Read([]byte(text), &recorder{text: text}); !errors.Is(err, strictjson.ErrSyntax) {
			t.Errorf("%s: %v", name, err)
		}
		if err := readByOracle([]byte(text), &recorder{text: text}); !errors.Is(err, strictjson.ErrSyntax) {
			t.Errorf("%s: jsontext says %v", name, err)
		}
	}
}

// A text that is cut anywhere is refused, and nothing is read beyond its end.
func TestEveryPrefixIsRefused(t *testing.T) {
	for name, text := range accepted() {
		text = strings.TrimSpace(text)
		for n := range len(text) {
			if err := strictjson.Read([]byte(text)[:n:n], &recorder{text: text}); !errors.Is(err, strictjson.ErrSyntax) {
				t.Errorf("%s: %q: %v", name, text[:n], err)
			}
		}
	}
}

func TestReadStopsAtTheVisitorsError(t *testing.T) {
	const text = `{"a":1,"b":2,"c":3`
	r := recorder{text: text, refuse: "b"}
	if err := strictjson.Read([]byte(text), &r); !errors.Is(err, errRefused) || len(r.members) != 1 {
		t.Errorf("error %v after %v", err, r.members)
	}
}

// Every byte, at every place of a group of eight, is what it is anywhere else.
func TestEveryByteOfAString(t *testing.T) {
	for c := range 256 {
		for before := range 17 {
			text := []byte(`{"a":"` + strings.Repeat("x", before) + string([]byte{byte(c)}) + strings.Repeat("y", 9) + `"}`)
			got, want := strictjson.Read(text, &recorder{text: string(text)}), readByOracle(text, &recorder{text: string(text)})
			if (got == nil) != (want == nil) {
				t.Errorf("%q: %v, jsontext says %v", text, got, want)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":`, n-1) + "{}" + strings.Repeat("}", n-1) }
	lists := func(n int) string { return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + "}" }
	for _, tt := range []struct {
		name string
		text string
		lim  strictjson.Limits
		want error
	}{
		{"as deep as may be", deep(16), strictjson.Limits{Depth: 16}, nil},
		{"too deep", deep(17), strictjson.Limits{Depth: 16}, strictjson.ErrLimit},
		{"as many lists as may be", lists(16), strictjson.Limits{Depth: 16}, nil},
		{"too many lists", lists(17), strictjson.Limits{Depth: 16}, strictjson.ErrLimit},
		{"as deep as the default", lists(128), strictjson.Limits{}, nil},
		{"deeper than the default", lists(129), strictjson.Limits{}, strictjson.ErrLimit},
		{"so deep that it has no end", `{"a":` + strings.Repeat("[", 1<<20), strictjson.Limits{}, strictjson.ErrLimit},
		{"beside one another", `{"a":[[],[],{},{}],"b":[[]]}`, strictjson.Limits{Depth: 3}, nil},
		{"as wide as may be", members(512), strictjson.Limits{Members: 512}, nil},
		{"too wide", members(513), strictjson.Limits{Members: 512}, strictjson.ErrLimit},
		{"too wide in several", `{"a":{"b":1},"c":[{"d":1}]}`, strictjson.Limits{Members: 3}, strictjson.ErrLimit},
		{"wide enough for several", `{"a":{"b":1},"c":[{"d":1}]}`, strictjson.Limits{Members: 4}, nil},
		{"any number by default", members(100_000), strictjson.Limits{}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.lim.Read([]byte(tt.text), &recorder{text: tt.text}); !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

// members is an object of so many.
func members(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%d":0`, i)
	}
	return "{" + b.String()[1:] + "}"
}

// However many names there are, the last may repeat any of them.
func TestDuplicatesAmongMany(t *testing.T) {
	for _, n := range []int{1, 31, 32, 33, 128, 129, 512, 5000} {
		text := members(n)
		for _, again := range []int{0, n / 2, n - 1} {
			twice := fmt.Sprintf(`%s,"%d":0}`, text[:len(text)-1], again)
			if err := strictjson.Read([]byte(twice), &recorder{text: twice}); !errors.Is(err, strictjson.ErrSyntax) {
				t.Errorf("%d members, and %d again: %v", n, again, err)
			}
		}
		more := fmt.Sprintf(`{"x":%s,"y":%s}`, text, text)
		if err := strictjson.Read([]byte(more), &recorder{text: more}); err != nil {
			t.Errorf("%d members in each of two objects: %v", n, err)
		}
	}
}

// Reading takes no memory but for what is escaped or wide.
func TestReadAllocations(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		most float64
	}{
		"plain":         {members(32), 0},
		"wide":          {members(512), 3},
		"escaped names": {`{"\u0061":1,"\u0062":{"\u0063":1,"\u0064":2}}`, 2},
		"escapes":       {`{"a":"` + strings.Repeat(`\u0061`, 1000) + `","b":"` + strings.Repeat(`\n`, 2000) + `"}`, 2},
	} {
		text := []byte(tt.text)
		if n := testing.AllocsPerRun(100, func() { _ = strictjson.Read(text, nothing{}) }); n > tt.most {
			t.Errorf("%s: %v allocations, want at most %v", name, n, tt.most)
		}
	}
}

type nothing struct{}

func (nothing) Member([]byte, jsontext.Value, int) error { return nil }
