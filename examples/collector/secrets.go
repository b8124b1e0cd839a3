package collector

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

const (
	// run is how many characters of a token in a row make a part of it that can be told from
	// anything else: chance needs 2⁷² bytes to make them.
	run = 12
	// shortest is the length below which a claim can be there by chance.
	shortest = 8
)

// Secrets are what must not be told. The zero value has none. It is safe for concurrent use.
type Secrets struct {
	mu     sync.Mutex
	runs   map[string]string // what the token is, by each of its runs
	values map[string]string // what a value is
}

// Token adds a token in compact form: any part of it, and what it says of its subject, of
// itself, of its client, its audience, its scopes and its key. One without dots is opaque. A
// token, or a claim, that is too short to be told from anything else is an error: choose
// another one for the test.
func (s *Secrets) Token(compact string) error {
	segments := strings.Split(compact, ".")
	for i, segment := range segments {
		kind := "a token"
		if len(segments) == 3 {
			kind = [3]string{"a header", "a payload", "a signature"}[i]
		}
		if err := s.add(kind, segment); err != nil {
			return err
		}
		if kind != "a header" && kind != "a payload" {
			continue
		}
		raw, _ := base64.RawURLEncoding.DecodeString(segment)
		var said map[string]any
		_ = json.Unmarshal(raw, &said) // a segment that was altered says nothing
		for _, name := range []string{"kid", "sub", "jti", "client_id", "azp", "scope", "aud"} {
			if err := s.claim(name, said[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Secrets) add(kind, text string) error {
	if len(text) < run {
		return fmt.Errorf("collector: %s of %d characters cannot be searched for", kind, len(text))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runs == nil {
		s.runs = make(map[string]string)
	}
	for i := range len(text) - run + 1 {
		s.runs[text[i:i+run]] = kind
	}
	return nil
}

func (s *Secrets) claim(name string, value any) error {
	switch v := value.(type) {
	case string:
		return s.Value("a "+name, v)
	case []any:
		for _, one := range v {
			if err := s.claim(name, one); err != nil {
				return err
			}
		}
	}
	return nil
}

// Value adds a text which as a whole must not be told; kind says what it is.
func (s *Secrets) Value(kind, text string) error {
	if len(text) < shortest {
		return fmt.Errorf("collector: %s of %d characters cannot be searched for", kind, len(text))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		s.values = make(map[string]string)
	}
	s.values[text] = kind
	return nil
}

// Kinds says which kinds of secrets there are, sorted.
func (s *Secrets) Kinds() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	kinds := slices.Sorted(maps.Values(s.runs))
	return slices.Compact(slices.Sorted(slices.Values(slices.AppendSeq(kinds, maps.Values(s.values)))))
}

// In says which kinds of secrets are told in b, sorted.
func (s *Secrets) In(b []byte) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := make(map[string]bool)
	for i := range max(len(b)-run+1, 0) {
		if kind, ok := s.runs[string(b[i:i+run])]; ok {
			found[kind] = true
		}
	}
	for value, kind := range s.values {
		if bytes.Contains(b, []byte(value)) {
			found[kind] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
