//go:build unix

package chaos

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

// token is what clients send.
type token struct {
	kind    Kind
	key     string
	compact string
}

// book holds the tokens of all keys.
type book struct {
	issuer   *devissuer.Issuer
	ledger   *Ledger
	stranger map[devissuer.Algorithm]*devissuer.Key

	mu     sync.RWMutex
	keys   []string // in the order of their publication
	tokens map[string]map[Kind][]token
	claims []byte // of a good token
}

// algorithms are those of new keys.
var algorithms = []devissuer.Algorithm{devissuer.RS256, devissuer.ES256, devissuer.EdDSA, devissuer.PS256}

func newBook(i *devissuer.Issuer, l *Ledger) (*book, error) {
	b := &book{issuer: i, ledger: l, stranger: make(map[devissuer.Algorithm]*devissuer.Key), tokens: make(map[string]map[Kind][]token)}
	for _, a := range algorithms {
		k, err := devissuer.NewKey(a, "stranger")
		if err != nil {
			return nil, fmt.Errorf("chaos: %w", err)
		}
		b.stranger[a] = k
	}
	return b, b.enter(i.Key())
}

// enter makes the tokens of a key that is published now. They are as old as no clock of a
// replica is wrong, and live longer than the run.
func (b *book) enter(k *devissuer.Key) error {
	ever := devissuer.Claims{"iat": devissuer.FromNow(-time.Hour), "exp": devissuer.FromNow(3 * time.Hour)}
	good, err := b.issuer.Payload(ever)
	if err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	made := make(map[Kind][]token)
	add := func(kind Kind, signer *devissuer.Key, claims devissuer.Claims) {
		payload, errs := b.issuer.Payload(claims)
		if errs == nil {
			var compact string
			compact, errs = b.issuer.SignWith(signer, k.Header(), payload)
			made[kind] = append(made[kind], token{kind, k.ID(), compact})
		}
		if errs != nil {
			err = errs
		}
	}
	add(Good, k, ever)
	add(Forged, b.stranger[k.Algorithm()], ever)
	add(Expired, k, devissuer.Claims{"iat": devissuer.FromNow(-3 * time.Hour), "exp": devissuer.FromNow(-time.Hour)})
	add(OtherAudience, k, devissuer.Claims{"iat": ever["iat"], "exp": ever["exp"], "aud": []string{"https://other.example"}})
	if err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	for _, f := range tampered(k, made[Good][0].compact) {
		made[Forged] = append(made[Forged], token{Forged, k.ID(), f})
	}
	b.ledger.published(k.ID(), string(k.Algorithm()))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.claims, b.tokens[k.ID()], b.keys = good, made, append(b.keys, k.ID())
	return nil
}

// tampered makes others out of a good token: with another subject, without a signature, and
// signed with the public key as if it were a secret.
func tampered(k *devissuer.Key, compact string) []string {
	encode, part := base64.RawURLEncoding.EncodeToString, strings.Split(compact, ".")
	payload, _ := base64.RawURLEncoding.DecodeString(part[1])
	other := strings.Replace(string(payload), devissuer.DefaultSubject, "somebody-else", 1)
	header := func(alg string) string {
		return encode(fmt.Appendf(nil, `{"alg":%q,"kid":%q,"typ":"JWT"}`, alg, k.ID()))
	}
	symmetric := header("HS256") + "." + part[1]
	mac := hmac.New(sha256.New, k.JWK())
	mac.Write([]byte(symmetric))
	return []string{
		part[0] + "." + encode([]byte(other)) + "." + part[2],
		header("none") + "." + part[1] + ".",
		symmetric + "." + encode(mac.Sum(nil)),
	}
}

// madeUp is a token with good claims, a random kid and a random signature.
func (b *book) madeUp() token {
	b.mu.RLock()
	defer b.mu.RUnlock()
	signature := make([]byte, 256)
	_, _ = rand.Read(signature) // never fails
	encode := base64.RawURLEncoding.EncodeToString
	header := fmt.Sprintf(`{"alg":"RS256","typ":"JWT","kid":%q}`, rand.Text())
	return token{MadeUp, "", encode([]byte(header)) + "." + encode(b.claims) + "." + encode(signature)}
}

// strange is a token that is good for whoever believes a stranger's key set.
func (b *book) strange() token {
	b.mu.RLock()
	defer b.mu.RUnlock()
	k := b.stranger[devissuer.RS256]
	compact, _ := b.issuer.SignWith(k, k.Header(), b.claims) // what cannot be signed is refused
	return token{MadeUp, "", compact}
}

// of returns a token of a key.
func (b *book) of(r *mathrand.Rand, key string, kind Kind) token {
	b.mu.RLock()
	defer b.mu.RUnlock()
	all := b.tokens[key][kind]
	return all[r.IntN(len(all))]
}

// sorting is the keys by what they are now, each in the order of publication.
type sorting struct {
	current                    string // the last published
	former, withdrawn, revoked []string
}

func (b *book) sorted() sorting {
	b.mu.RLock()
	defer b.mu.RUnlock()
	s := sorting{current: b.keys[len(b.keys)-1]}
	for _, id := range b.keys[:len(b.keys)-1] {
		k := b.ledger.key(id)
		b.ledger.mu.Lock()
		switch {
		case k.Revoking != Never:
			s.revoked = append(s.revoked, id)
		case k.Withdrawn != Never:
			s.withdrawn = append(s.withdrawn, id)
		default:
			s.former = append(s.former, id)
		}
		b.ledger.mu.Unlock()
	}
	return s
}
