package strictjson_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keychorus/keychorus/internal/strictjson"
)

// recorder keeps copies of what it is told.
type recorder struct {
	text    string
	members []string
	refuse  string
}

var errRefused = errors.New("refused")

func (r *recorder) Member(name []byte, value jsontext.Value, offset int) error {
	if string(name) == r.refuse {
		return errRefused
	}
	if r.text[offset:offset+len(value)] != string(value) {
		return errors.New("the offset is wrong")
	}
	r.members = append(r.members, string(name)+"="+string(value))
	return nil
}

func TestRead(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"empty", ` { } `, ""},
		{"members", `{"a":1, "b" : [ {"c":null} ],"d":"x"}`, `a=1 b=[ {"c":null} ] d="x"`},
		{"escaped name", `{"\u0061\"":true}`, `a"=true`},
		{"long name", `{"` + strings.Repeat("n", 100) + `":0}`, strings.Repeat("n", 100) + "=0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := recorder{text: tt.text, refuse: "never"}
			if err := strictjson.Read([]byte(tt.text), &r); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(r.members, " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "null": "null", "list": "[]", "string": `"x"`, "number": "1",
		"two objects": "{}{}", "trailing data": "{} x", "cut short": `{"a":1`, "no colon": `{"a" 1}`,
		"trailing comma": `{"a":1,}`, "comment": `{/**/}`, "byte order mark": "\ufeff{}",
		"duplicate": `{"a":1,"a":2}`, "duplicate by escape": `{"a":1,"\u0061":2}`, "nested duplicate": `{"x":[{"a":1,"a":2}]}`,
		"bad UTF-8 in a value": "{\"a\":\"\xff\"}", "bad UTF-8 in a name": "{\"\xff\":1}",
		"lone surrogate": `{"a":"\ud800"}`, "control character": "{\"a\":\"\n\"}", "not a number": `{"a":NaN}`,
	} {
		if err := strictjson.Read([]byte(text), &recorder{text: text}); !errors.Is(err, strictjson.ErrSyntax) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadStopsAtTheVisitorsError(t *testing.T) {
	const text = `{"a":1,"b":2,"c":3}`
	r := recorder{text: text, refuse: "b"}
	if err := strictjson.Read([]byte(text), &r); !errors.Is(err, errRefused) || len(r.members) != 1 {
		t.Errorf("error %v after %v", err, r.members)
	}
	if err := strictjson.Read([]byte(`{}`), &r); err != nil {
		t.Errorf("the next reading: %v", err) // nothing is left over from the last one
	}
}
