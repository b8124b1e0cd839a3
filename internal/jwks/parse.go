package jwks

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keychorus/keychorus/internal/jws"
)

const (
	// maxDocumentBytes bounds a document, decompressed.
	maxDocumentBytes = 512 << 10
	// maxKeys bounds the entries of a document.
	maxKeys = 256
	// maxKeyIDBytes bounds a kid, as in tokens.
	maxKeyIDBytes = 256
)

// ErrDocument means that a document is not a JWK Set.
var ErrDocument = errors.New("jwks: not a JWK Set")

// Skipped is an entry that is not used.
type Skipped struct {
	// KeyID is the entry's kid, or "" if it has none that is acceptable.
	KeyID string
	// Reason is from a closed set: "malformed", "kty", "crv", "alg", "use", "key_ops",
	// "private", "symmetric", or a defect of [jws.KeyError].
	Reason string
}

// Secret tells whether the entry held key material that should not have been published.
func (s Skipped) Secret() bool { return s.Reason == "private" || s.Reason == "symmetric" }

// Parse reads a document. The error, which wraps [ErrDocument], is for documents that are
// no JSON object with a list of at most 256 keys; entries are skipped instead.
func Parse(document []byte) (*Set, []Skipped, error) {
	entries, err := split(document)
	if err != nil {
		return nil, nil, err
	}
	var (
		keys    []*jws.Key
		skipped []Skipped
	)
	seen := make(map[string]bool, len(entries))
	for _, entry := range entries {
		key, kid, err := parseEntry(entry)
		if err != nil {
			reason := "malformed"
			if se, ok := errors.AsType[*skipError](err); ok {
				reason = se.reason
			}
			skipped = append(skipped, Skipped{KeyID: kid, Reason: reason})
			continue
		}
		// The same key twice is one key.
		if same := key.ID() + "\x00" + key.Thumbprint() + "\x00" + string(key.Algorithm()); !seen[same] {
			seen[same] = true
			keys = append(keys, key)
		}
	}
	return newSet(keys), skipped, nil
}

// ParseKey reads one JWK (RFC 7517 §4).
func ParseKey(raw []byte) (*jws.Key, error) {
	key, _, err := parseEntry(raw)
	return key, err
}

// split returns the entries of keys. The decoder refuses duplicate names anywhere but in
// an entry, which is only cut out: a bad entry must not cost the others.
func split(document []byte) ([]jsontext.Value, error) {
	if len(document) > maxDocumentBytes {
		return nil, ErrDocument
	}
	dec := jsontext.NewDecoder(bytes.NewReader(document), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if open, err := dec.ReadToken(); err != nil || open.Kind() != '{' {
		return nil, ErrDocument
	}
	var entries []jsontext.Value
	found := false
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, ErrDocument
		}
		if name.String() != "keys" {
			if err := dec.SkipValue(); err != nil {
				return nil, ErrDocument
			}
			continue
		}
		if found {
			return nil, ErrDocument // which of the two is meant?
		}
		found = true
		if entries, err = splitKeys(dec); err != nil {
			return nil, err
		}
	}
	if _, err := dec.ReadToken(); err != nil || !found {
		return nil, ErrDocument
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, ErrDocument
	}
	return entries, nil
}

func splitKeys(dec *jsontext.Decoder) ([]jsontext.Value, error) {
	if open, err := dec.ReadToken(); err != nil || open.Kind() != '[' {
		return nil, ErrDocument
	}
	var entries []jsontext.Value
	for dec.PeekKind() != ']' {
		entry, err := dec.ReadValue()
		if err != nil || len(entries) == maxKeys {
			return nil, ErrDocument
		}
		entries = append(entries, entry.Clone())
	}
	_, err := dec.ReadToken()
	return entries, err
}
