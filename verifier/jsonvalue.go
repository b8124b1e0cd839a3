package verifier

import (
	"iter"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonString returns a JSON string's value, without allocation where nothing is escaped.
// The text was validated before.
func jsonString(value string) (string, bool) {
	if len(value) < 2 || value[0] != '"' {
		return "", false
	}
	return unquoted(value, strings.IndexByte(value, '\\') >= 0)
}

// unquoted returns the value of a JSON string of which is known whether it has escapes.
func unquoted(quoted string, escaped bool) (string, bool) {
	if !escaped {
		return quoted[1 : len(quoted)-1], true
	}
	b, err := jsontext.AppendUnquote(nil, quoted)
	return string(b), err == nil
}

// jsonStrings returns the values of a JSON string or list of at most so many strings.
func jsonStrings(value string, most int) ([]string, bool) {
	if s, ok := jsonString(value); ok {
		return []string{s}, true
	}
	if value[0] != '[' {
		return nil, false
	}
	list := make([]string, 0, min(1+strings.Count(value, ","), most))
	rest := value[1:]
	for {
		quoted, tail, escaped := cutString(rest)
		if quoted == "" {
			return list, tail[0] == ']'
		}
		if len(list) == most {
			return nil, false
		}
		s, _ := unquoted(quoted, escaped)
		list = append(list, s)
		rest = tail
	}
}

// isStrings tells whether a JSON value is a string or a list of nothing but strings.
func isStrings(value string) bool {
	if value[0] != '[' {
		return value[0] == '"'
	}
	quoted, rest, _ := cutString(value[1:])
	for quoted != "" {
		quoted, rest, _ = cutString(rest)
	}
	return rest[0] == ']'
}

// elements yields the strings of a list that isStrings accepts.
func elements(list string) iter.Seq[string] {
	return func(yield func(string) bool) {
		quoted, rest, escaped := cutString(list[1:])
		for quoted != "" {
			if s, _ := unquoted(quoted, escaped); !yield(s) {
				return
			}
			quoted, rest, escaped = cutString(rest)
		}
	}
}

// cutString cuts the next string off what is left of a validated JSON list, and tells whether
// anything in it is escaped. It returns "" if something else follows. It relies on the
// validation: every string ends, and so does the list.
func cutString(rest string) (quoted, tail string, escaped bool) {
	i := 0
	for rest[i] == ' ' || rest[i] == ',' || rest[i] == '\t' || rest[i] == '\r' || rest[i] == '\n' {
		i++
	}
	start := i
	if rest[i] != '"' {
		return "", rest[i:], false
	}
	for i++; rest[i] != '"'; i++ {
		if rest[i] == '\\' {
			escaped = true
			i++
		}
	}
	return rest[start : i+1], rest[i+1:], escaped
}
