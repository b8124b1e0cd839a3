package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// introspection asks the issuer about tokens (RFC 7662 §2.1).
type introspection struct {
	client       *http.Client // with a timeout
	endpoint     string
	name, secret string // of this API
}

// lookup is a hook for [verifier.WithOpaqueTokens]. Whoever answers at all answers 200, for
// tokens that nobody knows too; anything else says nothing about the token.
func (i introspection) lookup(ctx context.Context, token string) ([]byte, error) {
	form := url.Values{"token": {token}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, i.endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(i.name), url.QueryEscape(i.secret)) // RFC 6749 §2.3.1
	resp, err := i.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("introspection: status %d", resp.StatusCode)
	}
	return io.ReadAll(io.LimitReader(resp.Body, 64<<10))
}
