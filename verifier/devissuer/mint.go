package devissuer

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
)

// Mint returns a compact JWS (RFC 7515 §7.1) of what [Issuer.Payload] makes of
// c, signed with the current key under its ordinary header. A nil c is a plain
// user's access token.
func (i *Issuer) Mint(c Claims) (string, error) {
	payload, err := i.Payload(c)
	if err != nil {
		return "", err
	}
	key := i.Key()
	return i.SignWith(key, key.header, payload)
}

// Payload returns the claims that [Issuer.Mint] signs, as a JSON object: the
// defaults iss, sub ([DefaultSubject]), aud, azp ([DefaultClientID]), iat, exp,
// jti (a random UUID) and scp in the shape of a Kinde user's access token, each
// replaced by the member of c with its name. It fails if c has a value that
// JSON cannot express.
func (i *Issuer) Payload(c Claims) ([]byte, error) {
	now := i.now()
	claims := Claims{
		"iss": i.url,
		"sub": DefaultSubject,
		"aud": i.audience,
		"azp": DefaultClientID,
		"iat": now.Unix(),
		"exp": now.Add(i.lifetime).Unix(),
		"jti": randomUUID(),
		"scp": []string{"openid", "profile", "email", "offline"},
	}
	for name, value := range c {
		switch value := value.(type) {
		case omit:
			delete(claims, name)
		case FromNow:
			claims[name] = now.Add(time.Duration(value)).Unix()
		default:
			claims[name] = value
		}
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return nil, fmt.Errorf("devissuer: encode claims: %w", err)
	}
	return payload, nil
}

// Sign is [Issuer.SignWith] with the current key.
func (i *Issuer) Sign(header, payload []byte) (token string, err error) {
	return i.SignWith(i.Key(), header, payload)
}

// SignWith returns a compact JWS of exactly these bytes, whatever they are,
// signed with key by its own algorithm, whatever the header says. The key need
// not be one of the issuer's.
func (i *Issuer) SignWith(key *Key, header, payload []byte) (string, error) {
	input := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	signature, err := key.Sign([]byte(input))
	if err != nil {
		return "", err
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// randomUUID is of version 4 (RFC 9562 §5.4).
func randomUUID() string {
	b := randomBytes()
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
