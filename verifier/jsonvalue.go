package verifier

import (
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonString returns a JSON string's value, without allocation where nothing is escaped.
// The text was validated by the decoder.
func jsonString(value string) (string, bool) {
	if len(value) < 2 || value[0] != '"' {
		return "", false
	}
	if s := value[1 : len(value)-1]; strings.IndexByte(s, '\\') < 0 {
		return s, true
	}
	b, err := jsontext.AppendUnquote(nil, value)
	return string(b), err == nil && utf8.Valid(b)
}

// jsonStrings returns the values of a JSON string or list of strings.
func jsonStrings(value string) ([]string, bool) {
	if !isStrings(value) {
		return nil, false
	}
	if s, ok := jsonString(value); ok {
		return []string{s}, true
	}
	list := make([]string, 0, 1+strings.Count(value, ","))
	for s := range elements(value) {
		list = append(list, s)
	}
	return list, true
}

// isStrings tells whether a JSON value is a string or a list of nothing but strings.
func isStrings(value string) bool {
	if value[0] != '[' {
		return value[0] == '"'
	}
	rest, ok := value[1:], true
	for ok {
		_, rest, ok = cutString(rest)
	}
	return rest[0] == ']'
}

// elements yields the strings of a list that isStrings accepts.
func elements(list string) iter.Seq[string] {
	return func(yield func(string) bool) {
		quoted, rest, ok := cutString(list[1:])
		for ; ok; quoted, rest, ok = cutString(rest) {
			if s, _ := jsonString(quoted); !yield(s) {
				return
			}
		}
	}
}

// cutString cuts the next string off what is left of a validated JSON list. It relies on
// the validation: every string ends, and so does the list.
func cutString(rest string) (quoted, tail string, ok bool) {
	for rest[0] == ' ' || rest[0] == ',' || rest[0] == '\t' || rest[0] == '\r' || rest[0] == '\n' {
		rest = rest[1:]
	}
	if rest[0] != '"' {
		return "", rest, false
	}
	i := 1
	for rest[i] != '"' {
		if rest[i] == '\\' {
			i++
		}
		i++
	}
	return rest[:i+1], rest[i+1:], true
}
